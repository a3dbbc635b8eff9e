"""The run history."""
