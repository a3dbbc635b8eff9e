"""What all ways in from Dify share: its vocabulary, the DSL, graphs, agent logs. Pure."""
