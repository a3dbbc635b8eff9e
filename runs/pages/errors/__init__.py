"""Why runs fail: the cause of one failure, and failures grouped over time."""
