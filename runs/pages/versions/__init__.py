"""The versions of an app, and two of them side by side."""
