"""Conversations turn by turn, and turns side by side."""
