"""The whole: apps, versions, runs, conversations, recording, and the pages that show them."""
