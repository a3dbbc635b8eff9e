"""Import runs that were recorded elsewhere: a Dify database, run files."""
