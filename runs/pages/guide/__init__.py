"""The guide for machines, /llms.txt."""
