"""Records a stream while it flows, on a thread of its own.

The thread takes whatever has arrived since it last looked and commits it at once: one event when
they come slowly, many when they come fast. The code that forwards the stream never waits for the
database.
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
    """What makes records of a stream's bytes (see `decoding.dify_stream`)."""

    def feed(self, part: bytes, arrived_us: int | None = None) -> Decoded: ...
    def end(self) -> Decoded: ...
    def broken(self, reason: str) -> Decoded: ...


class StreamRecorder:
    """Records a stream: `put` each piece, `close` at its end. `store` stores records; `done` is
    called after the last. `patient`: the stream comes from Dify itself and nobody can send it
    again, so that the recorder notes when each piece arrived, waits for a database that is away,
    and lets a stream pass that is too fast for it; else the sender learns of both."""

    def __init__(
        self,
        decoder: StreamDecoder,
        store: Callable[[Decoded], IngestResult],
        patient: bool = False,
        done: Callable[[IngestResult], None] = lambda result: None,
    ) -> None:
        self.total: IngestResult = NOTHING_INGESTED
        self.problem: Exception | None = None
        self._decoder, self._store, self._patient, self._done = decoder, store, patient, done
        self._parts: list[tuple[bytes, int | None]] = []  # with when they arrived
        self._size = 0
        self._left: Decoded = Decoded([], [])
        self._ended = False
        self._reason = ""
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._record_all, name="recording", daemon=True)
        self._thread.start()

    def put(self, part: bytes) -> None:
        """Add a piece. Waits, when too much is waiting already, unless `patient`."""
        with self._news:
            while self._size > PENDING and self.problem is None:
                if self._patient:
                    self.problem = OverflowError("The database is slower than the stream.")
                else:
                    self._news.wait()
            if not part or self.problem is not None:
                return
            self._parts.append((part, time.time_ns() // 1000 if self._patient else None))
            self._size += len(part)
            self._news.notify_all()

    def close(self, reason: str = "") -> None:
        """End the stream; with a `reason`: it broke off."""
        with self._news:
            self._ended, self._reason = True, reason
            self._news.notify_all()

    def follow(self, parts: Iterable[bytes], reason: str) -> None:
        """Read on where the client stopped. `reason`: what to say if the stream breaks off."""

        def read() -> None:
            end_reason = reason
            try:
                for part in parts:
                    self.put(part)
                end_reason = ""
            finally:
                self.close(end_reason)

        run_in_background(read)

    def result(self) -> IngestResult:
        """Return what became of the stream, once all of it is stored. Raises what stopped it."""
        self._thread.join()
        if self.problem is not None:
            raise self.problem
        return self.total

    def _record_all(self) -> None:
        try:
            while self.problem is None and self._record_arrived():
                close_old_connections()
            self._record_end()
        except Exception as problem:
            self.problem = self.problem or problem
            if self._patient:
                log.exception("A stream could not be recorded.")
        finally:
            with self._news:
                self._parts, self._size = [], 0
                self._news.notify_all()
            self._done(self.total)
            connection.close()

    def _record_arrived(self) -> bool:
        """Record what has arrived; False at the end."""
        with self._news:
            self._news.wait_for(lambda: self._parts or self._ended)
            parts, self._parts, self._size = self._parts, [], 0
            self._news.notify_all()
        decoded = Decoded([], [])
        for part, arrived_us in parts:
            more = self._decoder.feed(part, arrived_us)
            decoded.records.extend(more.records)
            decoded.refused.extend(more.refused)
        self._store_decoded(decoded)
        return bool(parts)

    def _record_end(self) -> None:
        decoder, reason = self._decoder, self._reason
        if self.problem is not None:
            reason = str(self.problem)
            log.warning("The rest of a stream is not recorded: %s", reason)
        self._store_decoded(decoder.broken(reason) if reason else decoder.end())
        for seconds in PATIENCE if self._patient else ():
            if not self._left.records:
                return
            time.sleep(seconds)
            close_old_connections()
            self._store_decoded(Decoded([], []))
        if self._left.records:
            log.error("%d records of a stream could not be stored.", len(self._left.records))

    def _store_decoded(self, decoded: Decoded) -> None:
        left = self._left
        everything = Decoded(left.records + decoded.records, left.refused + decoded.refused)
        if not everything.records and not everything.refused:
            return
        try:
            self.total += self._store(everything)
            self._left = Decoded([], [])
        except DatabaseError:
            if not self._patient:
                raise
            self._left = everything


def run_in_background(work: Callable[[], object]) -> None:
    """Do some work that nobody waits for. Errors are logged."""

    def run() -> None:
        try:
            work()
        except Exception as problem:
            log.warning("Work in the background of a request failed: %s", type(problem).__name__)
        finally:
            connection.close()

    threading.Thread(target=run, name="background", daemon=True).start()
