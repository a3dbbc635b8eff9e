"""Where machines deliver: one file per family of doors; `door` is what all have in common."""
