"""OpenTelemetry's wire format: bytes to spans and logs. Pure."""
