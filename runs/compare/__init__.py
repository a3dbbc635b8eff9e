"""Two runs, two versions, or the turns of a conversation, next to each other."""
