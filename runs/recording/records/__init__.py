"""The data that the stages of recording hand each other: records, spans, rows, payload text.
Pure."""
