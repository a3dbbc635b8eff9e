"""From an address's parameters to the one text that they mean, and back. Pure.

`?status=failed&min_tokens=900&q=refund` says what `?q=status:failed tokens:>=900 refund` says: each
field of the search is a parameter, too, and takes its value as it is, without quotes.
"""

from collections.abc import Iterable
from urllib.parse import urlencode

from runs.query.fields import ENDS, field_of
from runs.query.language import Query, quoted

NEWEST = "-started_at"
# Parameters that ask for a part of a page, or for a page of the list.
PARTS = frozenset({"after", "facets", "live", "seen", "open", "told", "opened"})
NO_FILTERS = PARTS | {"order"}
Parameters = Iterable[tuple[str, list[str]]]


def typed(parameters: Parameters) -> tuple[str, list[str]]:
    """The whole query as it would be typed, and what is wrong with the parameters."""
    pieces: list[str] = []
    text: list[str] = []
    problems: list[str] = []
    for name, values in parameters:
        values = [value.strip() for value in values if value.strip()]
        if name == "q":
            text += values
        elif name in ENDS:
            field, sign = ENDS[name]
            pieces += [f"{field}:{quoted(sign + value)}" for value in values]
        elif name not in NO_FILTERS:
            known = field_of(name)
            if known is None:
                problems.append(f"There is no filter “{name[:40]}”.")
            else:
                pieces += [f"{known.name}:{quoted(value)}" for value in values]
    return " ".join([*pieces, *text]), problems


def query_string(query: Query, order: str = "") -> str:
    """`query` as an address tells it, with "?"; "?" alone for everything, newest first."""
    told = {"q": query.text, "order": "" if order == NEWEST else order}
    return "?" + urlencode({name: value for name, value in told.items() if value})
