"""Download and upload run files."""
