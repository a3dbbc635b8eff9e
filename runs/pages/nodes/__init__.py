"""The nodes of an app over time."""
