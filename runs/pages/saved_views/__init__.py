"""Saved views: filters saved under a name."""
