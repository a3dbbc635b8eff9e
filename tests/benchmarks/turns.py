"""Several things done in turns, because machines are noisy, and what each of them took."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

ROUNDS, WARM = 30, 3


class Cost(NamedTuple):
    """What one execution cost; the unit of `size` is the heading that `take_turns` prints."""

    ms: float
    cpu_ms: float
    size: int


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


def timed(work: Callable[[], int]) -> Callable[[], Cost]:
    """Return a function that does `work`, which returns a size, and returns what it cost."""

    def measure() -> Cost:
        with (spent := Spent()):
            size = work()
        return Cost(spent.seconds * 1000, spent.cpu * 1000, size)

    return measure


def take_turns(things: Mapping[str, Callable[[], Cost]], size: str = "bytes") -> None:
    """Do all things in turns and print a table; the ratio is that to the first of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in things}
    for turn in range(WARM + ROUNDS):
        for name, do in things.items():
            cost = do()
            if turn >= WARM:
                costs[name].append(cost)
    first = next(iter(costs.values()))
    print(f"{'':26}{'median ms':>10}{'p95 ms':>9}{'cpu ms':>9}{'ratio':>8}{size:>10}")
    for name, taken in costs.items():
        times = [cost.ms for cost in taken]
        p95 = sorted(times)[-(-len(times) * 95 // 100) - 1]
        cpu = statistics.median(cost.cpu_ms for cost in taken)
        ratio = statistics.median(
            ours.ms / bare.ms for ours, bare in zip(taken, first, strict=True)
        )
        print(f"{name:26}{statistics.median(times):10.1f}{p95:9.1f}{cpu:9.1f}{ratio:8.1f}"
              f"{taken[-1].size:10,}")  # fmt: skip
