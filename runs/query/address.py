"""Translates the parameters of an address into one query text, and back. Pure.

`?status=failed&min_tokens=900&q=refund` means what `?q=status:failed tokens:>=900 refund` means:
each field of the search is a parameter, too, and takes its value as it is, without quotes.
"""

from collections.abc import Iterable
from urllib.parse import urlencode

from runs.query.language import Query, QueryLanguage, quoted

NEWEST = "-started_at"
# Parameters that ask for a part of a page, or for a page of the list.
PAGE_PARAMETERS = frozenset(
    {
        "after",
        "columns",
        "complete",
        "facets",
        "figures",
        "live",
        "seen",
        "open",
        "told",
        "opened",
        "shown",
    }
)
NOT_FILTERS = PAGE_PARAMETERS | {"order", "limit"}
Parameters = Iterable[tuple[str, list[str]]]


def text_from_parameters(language: QueryLanguage, parameters: Parameters) -> tuple[str, list[str]]:
    """Return the whole query as it would be typed, and what is wrong with the parameters."""
    terms: list[str] = []
    words: list[str] = []
    problems: list[str] = []
    for name, values in parameters:
        values = [value.strip() for value in values if value.strip()]
        if name == "q":
            words += values
        elif name in language.signed_parameters:
            field, signed = language.signed_parameters[name]
            terms += [f"{field.name}:{quoted(signed.sign + value)}" for value in values]
        elif name not in NOT_FILTERS:
            known = language.field(name)
            if known is None:
                problems.append(f"There is no filter “{name[:40]}”.")
            else:
                terms += [f"{known.name}:{quoted(value)}" for value in values]
    if len(terms) + len(words) > 1:
        words = [_beside_others(language, text) for text in words]
    return " ".join([*terms, *words]), problems


def _beside_others(language: QueryLanguage, text: str) -> str:
    """Return a query as it can stand beside other terms: its alternatives in parentheses."""
    query, problems = language.parse(text)
    return query.text if query.groups and not problems else text


def query_string(query: Query, order: str = "") -> str:
    """Return `query` as the query string of an address, with "?"; "?" alone for all runs, newest
    first."""
    parameters = {"q": query.text, "order": "" if order == NEWEST else order}
    return "?" + urlencode({name: value for name, value in parameters.items() if value})
