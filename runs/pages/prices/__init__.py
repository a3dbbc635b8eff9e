"""Prices of models that a team sets itself, and the models that have none."""
