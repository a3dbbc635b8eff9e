"""Draw a graph: boxes in columns, lines between them. Pure."""
