"""The thread that puts new and changed runs into the index while the console runs."""

import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from runs.search.indexing import index_waiting

log = logging.getLogger(__name__)

POLL = 2  # seconds between two looks whether any run waits
PATIENCE = 30  # seconds after an error
PORTION = 20  # runs, after which requests have the processor and the database to themselves

_started = threading.Lock()


def start() -> None:
    """Start the thread, once in a process; it ends with the process."""
    if settings.WAYLOG_INDEXING and _started.acquire(blocking=False):
        threading.Thread(target=work, name="search-index", daemon=True).start()


def work() -> None:
    while True:
        time.sleep(POLL)
        try:
            while index_portion():
                pass
        except DatabaseError:
            log.warning("The search index cannot be written now.", exc_info=True)
            time.sleep(PATIENCE)
        except Exception:  # a thread that ends is started by nobody
            log.exception("Runs cannot be put into the search index.")
            time.sleep(PATIENCE)
        finally:
            close_old_connections()


def index_portion() -> bool:
    """Index a portion, then rest for as long as it took; return whether there was any run."""
    began = time.monotonic()
    done = index_waiting(PORTION)
    time.sleep(time.monotonic() - began if done else 0)
    return bool(done)
