"""The settings of an app: its name, its upstream, and attaching to a run of it."""
