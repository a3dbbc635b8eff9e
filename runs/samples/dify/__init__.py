"""Runs as Dify's Phoenix trace provider sends them (1.14 and later).

Its ways, all kept: the root is made when the trace is dispatched, after its children; a node hangs
under its predecessor; passes of an iteration hang under made-up spans `iteration[0]`; `node_id` in
`metadata` is the execution's id and `app_name` the node's title; a handled failure has the same
OTLP status as one that ended the run; a retried attempt has status OK and says `retry` in
`metadata` alone.
"""
