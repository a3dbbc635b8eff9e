"""The iterations of a loop as a matrix."""
