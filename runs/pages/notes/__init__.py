"""Notes on runs and steps."""
