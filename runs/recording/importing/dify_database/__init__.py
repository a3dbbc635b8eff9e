"""Import from Dify's PostgreSQL database: apps, versions, runs, conversations, feedback.

`importer` drives the import, one app after the other. For each kind of row a reader asks
`database` for rows and a pure module turns them into records: `run_reader` and `run_records` for
workflow runs and their steps, `message_reader` and `message_records` for messages, feedback and
annotations. `checkpoint` says how far an import has come.
"""
