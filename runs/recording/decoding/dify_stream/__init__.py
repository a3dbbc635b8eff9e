"""Dify's event stream, as its public API sends it, read to neutral records. Pure.

Bytes become events, and events become records:

    bytes   → events    event_splitter.py   SSE, one JSON object a line, or one reply as a whole
    event   → its ids   stream_event.py     the envelope: which run, message and task it belongs to
    event   → records   event_handlers.py   one function for each event of Dify's
    stream  → records   stream_reader.py    calls them, and does what needs the events before: texts
                                            in pieces, executions of a container inside another one
    request, answer     api_calls.py        what a request asks for, and answers that are no stream
"""
