"""Ways in that are Dify's own."""
