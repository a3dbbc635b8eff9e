"""One node of an app, or all of them, over many runs."""
