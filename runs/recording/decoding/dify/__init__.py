"""What all sources of Dify's runs share (telemetry, event stream, database, DSL files): its
vocabulary, the DSL, graphs, the logs of agents. Pure."""
