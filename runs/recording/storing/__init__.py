"""The one writer: it merges what arrives with what is stored and writes it in one transaction."""
