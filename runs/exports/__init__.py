"""Runs as files: NDJSON without loss, CSV, OTLP, and a page that opens offline."""
