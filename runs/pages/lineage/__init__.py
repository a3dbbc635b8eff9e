"""The pages that show where the values of a step came from, and who used them. The rules are in
`nodes/lineage`; here a run is loaded for them, and links are written as rows."""
