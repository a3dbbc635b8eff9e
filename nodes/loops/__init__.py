"""Loops: what ran in passes (iterations), as a matrix of nodes and passes."""
