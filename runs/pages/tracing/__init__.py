"""TRACING: the steps of a run, and the panel of one."""
