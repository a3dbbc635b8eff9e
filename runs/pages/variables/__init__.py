"""VARIABLES: every variable of a run and what was written to it."""
