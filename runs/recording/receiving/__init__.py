"""HTTP endpoints that producers send to."""
