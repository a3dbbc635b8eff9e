"""What a stored value is to a reader: its parts, a one-line preview, a tree, safe HTML."""
