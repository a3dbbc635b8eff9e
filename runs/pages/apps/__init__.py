"""The list of apps."""
