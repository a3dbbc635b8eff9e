"""Which differing values of two runs really differ, and which in ids and times alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from nodes.content import payloads
from nodes.diff.ignored import equivalent
from nodes.digests import digest_of
from nodes.models import Payload

FIRST_PAIRS, MAX_PAIRS = 50, 1_000
MAX_BYTES = 64_000  # of a value that is read
MAX_BYTES_IN_ALL = 8_000_000

IdPair = tuple[str, str]  # ids of two payloads, or their digests


@dataclass(frozen=True, slots=True)
class ValueEquality:
    """Which values are equal. `different` are the pairs that count as different; `ignored` is how
    many do not, because they differ in ids and times alone; `unread` how many were too many or too
    large to be read, and therefore count as different."""

    different: frozenset[IdPair]
    ignored: int
    unread: int

    def same(self, a: str | None, b: str | None) -> bool:
        """Return whether two values are the same; None is the id of no value."""
        return (a, b) not in self.different if a and b else a == b


def find_equal_values(pairs: Iterable[tuple[str | None, str | None]]) -> ValueEquality:
    """Find the equal values among `pairs` of payload ids, in four queries at most.

    The first fifty pairs that differ are read, and the rest if any of the fifty differs in ids and
    times alone; if none does, the runs have little in common.
    """
    digests: dict[IdPair, IdPair] = {}
    for a, b in pairs:
        if a and b and (key := (digest_of(a), digest_of(b)))[0] != key[1]:
            digests[a, b] = key
    by_digest = {key: pair for pair, key in digests.items()}
    keys = list(by_digest)
    first = {key: by_digest[key] for key in keys[:FIRST_PAIRS]}
    equal, unread, bytes_left = _equivalent_pairs(first, MAX_BYTES_IN_ALL)
    rest = keys[FIRST_PAIRS:MAX_PAIRS] if equal else []
    more, unread_rest, _ = _equivalent_pairs({key: by_digest[key] for key in rest}, bytes_left)
    equal |= more
    unread += unread_rest + len(keys[FIRST_PAIRS:]) - len(rest)
    different = frozenset(pair for pair, key in digests.items() if key not in equal)
    return ValueEquality(different, len(equal), unread)


def _equivalent_pairs(pairs: dict[IdPair, IdPair], bytes_left: int) -> tuple[set[IdPair], int, int]:
    """Return which of `pairs` (payload ids by digests) are equivalent, how many were not read, and
    how many of `bytes_left` are left. Takes two queries."""
    ids = {key: (UUID(a), UUID(b)) for key, (a, b) in pairs.items()}
    whole = Payload.objects.filter(pk__in=_all_ids(ids), size__lte=MAX_BYTES, cut_of=None)
    sizes = dict(whole.values_list("pk", "size")) if ids else {}
    read: dict[IdPair, tuple[UUID, UUID]] = {}
    for key, (a, b) in ids.items():
        if a in sizes and b in sizes and (size := sizes[a] + sizes[b]) <= bytes_left:
            read[key] = a, b
            bytes_left -= size
    stored = Payload.objects.in_bulk(_all_ids(read))
    values = {pk: payloads.load_value(payload) for pk, payload in stored.items()}
    equal = {
        key
        for key, (a, b) in read.items()
        if {a, b} <= values.keys() and equivalent(values[a], values[b])
    }
    return equal, len(pairs) - len(read), bytes_left


def _all_ids(pairs: dict[IdPair, tuple[UUID, UUID]]) -> set[UUID]:
    return {pk for pair in pairs.values() for pk in pair}
