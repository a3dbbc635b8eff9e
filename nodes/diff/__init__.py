"""Compare two runs step by step, two values, and two graphs.

- `pairing`: which step of one run is which step of the other
- `verdicts`: which pairs are the same, and where the runs diverge first
- `rows`: the pairs as the rows of a page
- `side_by_side`: the values of one pair
- `difference`: what differs between two values, by path; with `ignored` (ids, times and usage,
  which differ between any two runs), `list_alignment` (items put in or moved) and `text_diff`
- `graphs`: what changed between two graphs of an app
"""
