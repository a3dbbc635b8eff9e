"""Runs as Markdown, and the guide for machines."""
