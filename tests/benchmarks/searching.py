"""How long a search takes that a person waits for, and what the index costs beside recording.

    .venv/bin/python -m tests.benchmarks.searching                 SQLite, a throw-away file
    .venv/bin/python -m tests.benchmarks.searching --postgres      PostgreSQL, a throw-away server
    .venv/bin/python -m tests.benchmarks.searching --runs 2000     fewer runs than 10,000

The runs say what a vocabulary of 8,000 words says, some of them often, numbers between, and a few
say something that no other does. Searches and a reference take turns, because machines are noisy:
the reference reads the 50 newest runs. Searches may use as much time as they like, so that their
figures are those of whole answers.

Measured with 5,000 runs on SQLite and 2 quiet cores, median: a rare word 14 ms, one that nobody
said 10, two Chinese characters and a common word 86 (50 runs, all of which it reads). Indexing
takes 1.9 times the processor time of recording (0.23 of the bytes), noting what is due 0.3 %. With
2,500 runs on PostgreSQL, busy: indexing 0.7 times beside the server's own (0.7 of the bytes, as it
keeps the texts).
"""

import argparse
import os
import random
import statistics
import string
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks import throwaway

ROUNDS, WARM = 15, 2
RARE, CHINESE = "zq-4711-kx", "退款"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    with throwaway(options.postgres) as (folder, url):
        os.environ |= {
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "WAYLOG_VAR": str(folder),
        }
        fill(options.runs)
        measure()


def fill(runs: int) -> None:
    """Record as the door would, then index; says what both cost."""
    from django.core.management import call_command
    from django.db import connections

    import config.wsgi  # noqa: F401  as the server starts: settings, apps, garbage collector

    call_command("migrate", verbosity=0)
    from runs.recording import due
    from runs.recording.doors.intake import take
    from runs.search import indexing
    from tests.benchmarks.bodies import APPS, SPANS_PER_RUN, week

    spans = runs * SPANS_PER_RUN
    say = _Talk()
    noting = _Timed(due.note)
    due.note = noting  # type: ignore[assignment]
    apps = [replace(app, text=say) for app in APPS]
    recording = Spent()
    for body in week(runs, apps=apps):
        with recording:
            take(body, "application/x-protobuf")
    before, read = _size(), Spent()
    with read:
        while indexing.work_off(early=True):
            pass
    size = _size() - before
    print(f"{runs:,} runs of {SPANS_PER_RUN} steps; a span {'us':>10}{'cpu us':>8}{'bytes':>8}")
    for name, spent, taken in (("recording", recording, before), ("indexing", read, size)):
        told = [spent.seconds / spans * 1e6, spent.cpu / spans * 1e6, taken / spans]
        print(f"{name:34}{told[0]:10.0f}{told[1]:8.0f}{told[2]:8.0f}")
    ratios = [read.seconds / recording.seconds, read.cpu / recording.cpu, size / before]
    print(f"{'ratio':34}{ratios[0]:10.2f}{ratios[1]:8.2f}{ratios[2]:8.2f}")
    print(
        f"noting what is due takes {noting.cpu / recording.cpu:.1%} of recording's processor time"
    )
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


class Spent:
    """Seconds on the clock, and of the processor (of this process)."""

    def __init__(self) -> None:
        self.seconds = self.cpu = 0.0

    def __enter__(self) -> None:
        self.seconds -= time.perf_counter()
        self.cpu -= time.process_time()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter()
        self.cpu += time.process_time()


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
    from runs.models import App, Run
    from runs.search import find, finding, parse_text

    finding.BUDGET = 60.0
    common = _Talk().common
    quiet = App.objects.get(name="bench-coach")

    def newest() -> int:
        return len(Run.objects.for_list()[:50])

    def search(text: str, app: App | None = None) -> Callable[[], int]:
        terms = parse_text(text)
        return lambda: len(find(Run.objects.for_list().for_app(app), terms).rows)

    asked = {
        "reference": newest,
        "a rare word": search(RARE),
        "two Chinese characters": search(CHINESE),
        "a common word": search(common),
        "two words, one rare": search(f"{common} {RARE}"),
        "a common word, quiet app": search(common, quiet),
        "a word nobody said": search("unobtainium"),
        "a number nobody said": search("99-88-77"),
    }
    times: dict[str, list[float]] = {name: [] for name in asked}
    cpu: dict[str, list[float]] = {name: [] for name in asked}
    rows: dict[str, int] = {}
    for turn in range(WARM + ROUNDS):
        for name, ask in asked.items():
            with (spent := Spent()):
                rows[name] = ask()
            if turn >= WARM:
                times[name].append(spent.seconds * 1000)
                cpu[name].append(spent.cpu * 1000)
    print(f"{'':26}{'median ms':>10}{'p95 ms':>9}{'cpu ms':>9}{'ratio':>8}{'rows':>6}")
    for name, taken in times.items():
        pairs = zip(taken, times["reference"], strict=True)
        ratio = statistics.median(ours / bare for ours, bare in pairs)
        p95 = sorted(taken)[-(-len(taken) * 95 // 100) - 1]
        middle, worked = statistics.median(taken), statistics.median(cpu[name])
        print(f"{name:26}{middle:10.1f}{p95:9.1f}{worked:9.1f}{ratio:8.1f}{rows[name]:6}")


if __name__ == "__main__":
    main()
