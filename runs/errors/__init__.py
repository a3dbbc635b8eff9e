"""Why runs fail: one run's cause, and failures of one kind over time."""
