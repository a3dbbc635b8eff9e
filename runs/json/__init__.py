"""The machine-readable twins of the pages: one declared type for each noun."""
