"""The drawing of a graph: boxes in columns, lines between them. Pure."""
