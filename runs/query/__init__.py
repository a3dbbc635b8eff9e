"""The filter language: one language for filters that are typed, clicked and written in an
address."""
