"""Redirects from a producer's own ids and names, and the health check."""
