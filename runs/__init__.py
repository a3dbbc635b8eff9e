"""Whole runs: apps, versions, runs, conversations, their recording, and the pages that show
them."""
