"""The header of a run, which all its pages share."""
