"""Recording a stream while it flows, on a thread of its own.

The thread takes whatever has arrived since it last looked and commits it at once: one event when
they come slowly, many when they come fast. Who hands the stream on never waits for the database.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from django.db import DatabaseError, close_old_connections, connection

from runs.recording.records.record import Decoded
from runs.recording.storing.ingest import NOTHING_INGESTED, IngestResult

log = logging.getLogger(__name__)

# So many bytes may wait for the database.
PENDING = 16 * 1024 * 1024
# When the database does not take it, what has been read is tried again after so many seconds.
PATIENCE = (1, 2, 4, 8, 16)


class StreamDecoder(Protocol):
    """What makes records of a stream's bytes (`dify.events.Reader`)."""

    def feed(self, part: bytes) -> Decoded: ...
    def end(self) -> Decoded: ...
    def broken(self, reason: str) -> Decoded: ...


class StreamRecorder:
    """`put` what flows by, `close` at its end. `keep` stores records; `done` is called after the
    last. `patient`: nobody can send the stream again, so that a database that is away is waited
    for, and a stream that is too fast for it is let go by; else both are the sender's to know."""

    def __init__(
        self,
        reading: StreamDecoder,
        keep: Callable[[Decoded], IngestResult],
        patient: bool = False,
        done: Callable[[IngestResult], None] = lambda taken: None,
    ) -> None:
        self.taken: IngestResult = NOTHING_INGESTED
        self.problem: Exception | None = None
        self._reading, self._keep, self._patient, self._done = reading, keep, patient, done
        self._parts: list[bytes] = []
        self._size = 0
        self._left: Decoded = Decoded([], [])
        self._ended = False
        self._reason = ""
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def put(self, part: bytes) -> None:
        """Hand on a piece. Waits, when too much is waiting already, unless `patient`."""
        with self._news:
            while self._size > PENDING and self.problem is None:
                if self._patient:
                    self.problem = OverflowError("The database is slower than the stream.")
                else:
                    self._news.wait()
            if not part or self.problem is not None:
                return
            self._parts.append(part)
            self._size += len(part)
            self._news.notify_all()

    def close(self, reason: str = "") -> None:
        """The stream has ended; with a `reason`: it broke off."""
        with self._news:
            self._ended, self._reason = True, reason
            self._news.notify_all()

    def follow(self, parts: Iterable[bytes], reason: str) -> None:
        """Read on where somebody else stopped. `reason`: what to say if it breaks off."""

        def read() -> None:
            told = reason
            try:
                for part in parts:
                    self.put(part)
                told = ""
            finally:
                self.close(told)

        run_in_background(read)

    def result(self) -> IngestResult:
        """What became of the stream, once all of it is stored. Raises what stopped it."""
        self._thread.join()
        if self.problem is not None:
            raise self.problem
        return self.taken

    def _run(self) -> None:
        try:
            while self.problem is None and self._take():
                close_old_connections()
            self._last()
        except Exception as problem:
            self.problem = self.problem or problem
            if self._patient:
                log.exception("A stream could not be recorded.")
        finally:
            with self._news:
                self._parts, self._size = [], 0
                self._news.notify_all()
            self._done(self.taken)
            connection.close()

    def _take(self) -> bool:
        """Record what has arrived; False at the end."""
        with self._news:
            self._news.wait_for(lambda: self._parts or self._ended)
            part, self._parts, self._size = b"".join(self._parts), [], 0
            self._news.notify_all()
        if part:
            self._store(self._reading.feed(part))
        return bool(part)

    def _last(self) -> None:
        reading, reason = self._reading, self._reason
        if self.problem is not None:
            reason = str(self.problem)
            log.warning("The rest of a stream goes by unrecorded: %s", reason)
        self._store(reading.broken(reason) if reason else reading.end())
        for seconds in PATIENCE if self._patient else ():
            if not self._left.records:
                return
            time.sleep(seconds)
            close_old_connections()
            self._store(Decoded([], []))
        if self._left.records:
            log.error("%d records of a stream could not be stored.", len(self._left.records))

    def _store(self, found: Decoded) -> None:
        every = Decoded(self._left.records + found.records, self._left.refused + found.refused)
        if not every.records and not every.refused:
            return
        try:
            self.taken += self._keep(every)
            self._left = Decoded([], [])
        except DatabaseError:
            if not self._patient:
                raise
            self._left = every


def run_in_background(work: Callable[[], object]) -> None:
    """Do some work that nobody waits for. What goes wrong is logged."""

    def run() -> None:
        try:
            work()
        except Exception as problem:
            log.warning("Work beside a request failed: %s", type(problem).__name__)
        finally:
            connection.close()

    threading.Thread(target=run, name="aside", daemon=True).start()
