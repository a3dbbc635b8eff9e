"""The limits of one search."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """After so many `seconds` on the `clock` no further run is looked at.

    `first_window`: among so many runs of all kinds it looks at once, few at first, because a common
    word fills the page from them; then in windows `window_growth` times as wide, up to
    `widest_window`. `portion`: runs that are looked at together, and ids in one SQL statement."""

    seconds: float = 0.3
    clock: Callable[[], float] = time.monotonic
    first_window: int = 500
    window_growth: int = 4
    widest_window: int = 20_000
    portion: int = 500


DEFAULT_LIMITS = SearchLimits()
