"""Where a value came from and where it went: within one run, from what its steps had in and out."""
