"""Decode what producers send into neutral records. Pure."""
