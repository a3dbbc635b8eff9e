"""Loops as a matrix of nodes and iterations."""
