"""Which values of two runs really differ, and which in ids and times alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from nodes.content import payloads
from nodes.diff.ignored import equivalent
from nodes.digests import digest_of
from nodes.models import Payload

FIRST, MAX_COUPLES = 50, 1_000
MAX_BYTES, ROOM = 64_000, 8_000_000  # of one value, and of all

Couple = tuple[str, str]  # ids of two payloads, or their digests


@dataclass(frozen=True, slots=True)
class ValueEquality:
    """`different`: couples that count as different; `aside`: how many do not, because they differ
    in ids and times alone; `unread`: how many were too many or too large to be read, and therefore
    count as different."""

    different: frozenset[Couple]
    aside: int
    unread: int

    def same(self, one: str | None, other: str | None) -> bool:
        """Whether two values tell the same; None for no value."""
        return (one, other) not in self.different if one and other else one == other


def find_equal_values(couples: Iterable[tuple[str | None, str | None]]) -> ValueEquality:
    """Read the first fifty couples that differ, and the rest if any of the fifty differs in ids and
    times alone; if none does, the runs have little in common. Four queries at most."""
    digests: dict[Couple, Couple] = {}
    for one, other in couples:
        if one and other and (key := (digest_of(one), digest_of(other)))[0] != key[1]:
            digests[one, other] = key
    waiting = {key: couple for couple, key in digests.items()}
    keys = list(waiting)
    equal, unread, room = _alike({key: waiting[key] for key in keys[:FIRST]}, ROOM)
    rest = keys[FIRST:MAX_COUPLES] if equal else []
    found, skipped, _ = _alike({key: waiting[key] for key in rest}, room)
    equal |= found
    unread += skipped + len(keys[FIRST:]) - len(rest)
    different = frozenset(couple for couple, key in digests.items() if key not in equal)
    return ValueEquality(different, len(equal), unread)


def _alike(couples: dict[Couple, Couple], room: int) -> tuple[set[Couple], int, int]:
    """Which of the couples say the same, how many were not read, and how many bytes of `room`
    are left. Two queries."""
    ids = {key: (UUID(one), UUID(other)) for key, (one, other) in couples.items()}
    whole = Payload.objects.filter(pk__in=_each(ids), size__lte=MAX_BYTES, cut_of=None)
    sizes = dict(whole.values_list("pk", "size")) if ids else {}
    chosen: dict[Couple, tuple[UUID, UUID]] = {}
    for key, (one, other) in ids.items():
        if one in sizes and other in sizes and (size := sizes[one] + sizes[other]) <= room:
            chosen[key] = one, other
            room -= size
    found = Payload.objects.in_bulk(_each(chosen))
    values = {one: payloads.load_value(payload) for one, payload in found.items()}
    equal = {
        key
        for key, (one, other) in chosen.items()
        if {one, other} <= values.keys() and equivalent(values[one], values[other])
    }
    return equal, len(couples) - len(chosen), room


def _each(couples: dict[Couple, tuple[UUID, UUID]]) -> set[UUID]:
    return {one for couple in couples.values() for one in couple}
