"""Decode Dify's event stream (SSE or NDJSON) into records. Pure."""
