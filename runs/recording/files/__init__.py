"""Files of runs: stored rows to lines and back to records."""
