"""Saved views: filters kept under a name."""
