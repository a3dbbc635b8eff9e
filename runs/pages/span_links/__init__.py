"""Links between spans: which steps of other runs belong to a step."""
