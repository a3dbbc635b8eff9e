"""The time zone in which a reader sees times: chosen once for each browser."""
