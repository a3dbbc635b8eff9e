"""What the fields of a step still hold of what was sent. Pure.

An attribute is left out of what is kept as received only if the fields hold all of it: every text,
number, true, false and null, as often as it was sent. Where one text or number stands is not
compared: a dialect may rename and arrange what it reads.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from runs.recording.records.json_text import readable

# Fields that say how records are merged, not what a step did.
NO_VALUES = frozenset({"rank"})


class KeptValues:
    """The values in the fields of a step, of which each stands for one that was sent."""

    def __init__(self, fields: dict[str, Any]) -> None:
        values = [fields[name] for name in fields if name not in NO_VALUES]
        self.counts = Counter(_values_in(values))

    def take(self, sent: Any) -> bool:
        """Return whether the fields hold all of `sent`, beside what was taken before; if so, take
        it."""
        needed = Counter(_values_in(sent))
        if any(self.counts[value] < count for value, count in needed.items()):
            return False
        self.counts.subtract(needed)
        return True


def _values_in(sent: Any) -> Iterator[str]:
    """Yield the values in JSON, and in JSON that a text in it holds, as texts."""
    waiting = [sent]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            parsed = readable(item)
            if parsed is item:
                yield item
            else:
                waiting.append(parsed)
        elif isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list | tuple):
            waiting += item
        elif item is None or isinstance(item, bool):
            yield {None: "null", True: "true", False: "false"}[item]
        else:
            yield str(item)
