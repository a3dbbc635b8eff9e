"""The head of a run, which its pages have in common."""
