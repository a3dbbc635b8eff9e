"""Read Dify's PostgreSQL database: apps, versions, runs, conversations, feedback."""
