"""Threads that record beside a request."""

import threading

NAMES = {"recording", "background"}


def settled(seconds: float = 60) -> None:
    """Wait until they have done their work."""
    while threads := [thread for thread in threading.enumerate() if thread.name in NAMES]:
        for thread in threads:
            thread.join(seconds)
            assert not thread.is_alive(), f"{thread.name} does not end"
