"""How long a search takes that a person waits for, and what the index costs beside recording.

    .venv/bin/python -m tests.benchmarks.searching                 SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.searching --postgres      PostgreSQL, a throw-away server
    .venv/bin/python -m tests.benchmarks.searching --runs 2000     fewer runs than 10,000

The runs say what a vocabulary of 8,000 words says, some of them often, numbers between, and a few
say something that no other does. Searches and a reference take turns, because machines are noisy:
the reference reads the 50 newest runs. Searches may use as much time as they like, so that their
figures are those of whole answers.
"""

import argparse
import random
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks import throwaway
from tests.benchmarks.turns import Spent, take_turns, timed

RARE, CHINESE = "zq-4711-kx", "退款"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    with throwaway(options.postgres):
        fill(options.runs)
        measure()


def fill(runs: int) -> None:
    """Record as the receiver would, then index; print what both cost."""
    from django.db import connections

    from runs.recording.storing import search_queue
    from runs.recording.storing.ingest import store_spans
    from runs.search import indexing
    from tests.benchmarks.bodies import APPS, SPANS_PER_RUN, week

    spans = runs * SPANS_PER_RUN
    say = _Talk()
    queueing = _Timed(search_queue.enqueue)
    search_queue.enqueue = queueing  # type: ignore[assignment]
    apps = [replace(app, text=say) for app in APPS]
    recording = Spent()
    for body in week(runs, apps=apps):
        with recording:
            store_spans(body, "application/x-protobuf")
    before, read = _size(), Spent()
    with read:
        while indexing.index_waiting(early=True):
            pass
    size = _size() - before
    print(f"{runs:,} runs of {SPANS_PER_RUN} steps; a span {'us':>10}{'cpu us':>8}{'bytes':>8}")
    for name, spent, taken in (("recording", recording, before), ("indexing", read, size)):
        figures = [spent.seconds / spans * 1e6, spent.cpu / spans * 1e6, taken / spans]
        print(f"{name:34}{figures[0]:10.0f}{figures[1]:8.0f}{figures[2]:8.0f}")
    ratios = [read.seconds / recording.seconds, read.cpu / recording.cpu, size / before]
    print(f"{'ratio':34}{ratios[0]:10.2f}{ratios[1]:8.2f}{ratios[2]:8.2f}")
    share = queueing.cpu / recording.cpu
    print(f"queueing runs for the index takes {share:.1%} of recording's processor time")
    connections.close_all()


class _Talk:
    """A text of so many characters; every five-hundredth has the Chinese word, one the rare one."""

    def __init__(self) -> None:
        rng = random.Random(7)
        vocabulary = ["".join(rng.choices(string.ascii_lowercase, k=rng.randrange(2, 11)))
                      for _ in range(8_000)]  # fmt: skip
        words = (
            str(rng.randrange(10**6)) if rng.random() < 0.1
            else vocabulary[min(int(rng.expovariate(1 / 600)), 7_999)]
            for _ in range(400_000)
        )  # fmt: skip
        self.pages = " ".join(words)
        self.common = vocabulary[5]
        self.count = 0

    def __call__(self, rng: random.Random, length: int) -> str:
        self.count += 1
        start = rng.randrange(len(self.pages) - length)
        text = self.pages[start : start + length]
        if self.count % 500 == 0:
            text = f"请{CHINESE} {text}"
        return f"{RARE} {text}" if 3_000 <= self.count < 3_003 else text


class _Timed(Spent):
    def __init__(self, work: Callable[..., Any]) -> None:
        super().__init__()
        self.work = work

    def __call__(self, *args: Any) -> Any:
        with self:
            return self.work(*args)


def _size() -> int:
    """Bytes of the database."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(connection.settings_dict["NAME"]).stat().st_size


def measure() -> None:
    from django.db.models import Count

    from runs.models import App, Run
    from runs.search import find, limits, parse_text

    limits.DEFAULT_LIMITS = limits.SearchLimits(seconds=60)
    common = _Talk().common
    quiet = App.objects.annotate(run_count=Count("runs")).earliest("run_count")

    def newest() -> int:
        return len(Run.objects.for_list()[:50])

    def search(text: str, app: App | None = None) -> Callable[[], int]:
        terms = parse_text(text)
        return lambda: len(find(Run.objects.for_list().for_app(app), terms).rows)

    searches = {
        "reference": newest,
        "a rare word": search(RARE),
        "two Chinese characters": search(CHINESE),
        "a common word": search(common),
        "two words, one rare": search(f"{common} {RARE}"),
        "a common word, quiet app": search(common, quiet),
        "a word in no run": search("unobtainium"),
        "a number in no run": search("99-88-77"),
    }
    take_turns({name: timed(ask) for name, ask in searches.items()}, size="rows")


if __name__ == "__main__":
    main()
