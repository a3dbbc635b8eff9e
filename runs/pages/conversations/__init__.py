"""Conversations: the log of an app, one turn by turn, and turns side by side."""
