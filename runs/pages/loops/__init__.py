"""The passes of a loop as a matrix."""
