"""Draws a graph as boxes in columns with lines between them. Pure."""
