"""Import of run files: runs that a Waylog exported, or OTLP requests saved to a file."""
