"""Run an app again from one of its runs."""
