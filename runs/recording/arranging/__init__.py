"""From the steps of a run, told in any order, to its tree and its summary. Pure."""
