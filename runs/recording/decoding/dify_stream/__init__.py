"""Dify's event stream, as its public API sends it, read to neutral records. Pure.

Bytes become events, and events become records:

    bytes   → events    event_splitter.py   SSE, one JSON object a line, or one reply as a whole
    event   → its ids   stream_event.py     the envelope: which run, message and task it belongs to
    event   → records   run_events.py,      one function for each event of Dify's
                        step_events.py
    stream  → records   stream_reader.py    calls them, and puts texts together that come in pieces
    request, answer     api_calls.py        what a request asks for, and answers that are no stream
"""
