"""What a link to one run shows, past its mask."""
