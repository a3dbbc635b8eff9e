"""The API keys that producers and readers of JSON use."""
