"""The pages that show where the values of a step came from, and which steps used them. The rules
are in `nodes/lineage`."""
