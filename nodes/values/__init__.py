"""What a stored value is to a person: its parts, one line of it, a tree, safe HTML."""
