"""The filters as a form with a field each, for whoever would rather not type them. Pure."""

from dataclasses import dataclass

from runs.choices import RunStatus
from runs.query.fields import ENDS
from runs.query.language import Query, Term

# By parameter: label, example.
WORDS = {
    "version": ("Version", "Number or label"),
    "user": ("User", ""),
    "since": ("Since", "2026-11-22, or 24h, 7d"),
    "until": ("Until", "2026-11-22, or 1h"),
    "conversation": ("Conversation", "Id"),
    "source": ("Source", "otlp, dify-otlp, …"),
    "model": ("Model", ""),
    "node": ("Node", "Id or title"),
    "kind": ("Kind of node", "llm, tool, …"),
    "error": ("Error has", ""),
    "tag": ("Tag", ""),
}
RANGES = {
    "min_duration": ("Time from", "2s, 500ms"),
    "max_duration": ("Time to", "2s, 500ms"),
    "min_tokens": ("Tokens from", "10k"),
    "min_cost": ("Cost from", "0.05"),
}
FORM = WORDS | RANGES


@dataclass(frozen=True, slots=True)
class Plain:
    """A field of the form: the parameter that it writes, and its value now."""

    name: str
    label: str
    hint: str
    value: str


@dataclass(frozen=True, slots=True)
class MoreFilters:
    """`statuses`: (value, label, chosen). `rest` is what the form cannot say; it stays in force as
    text."""

    statuses: list[tuple[str, str, bool]]
    app: str
    plain: list[Plain]
    rest: str


def more_filters(query: Query, *, with_app: bool) -> MoreFilters:
    """The form filled in with what `query` asks for."""
    used: list[Term] = query.of("status")[0]
    chosen = {term.value for term in used}
    words: dict[str, str] = {}
    for name in [*WORDS, *(["app"] if with_app else [])]:
        asked, _ = query.of(name)
        if len(asked) == 1:
            words[name] = asked[0].value
            used += asked
    for name in RANGES:
        field, sign = ENDS[name]
        ends = [term for term in query.of(field)[0] if term.value.startswith(sign)]
        if len(ends) == 1:
            words[name] = ends[0].value.removeprefix(sign)
            used += ends
    return MoreFilters(
        [(status.value, str(status.label), status.value in chosen) for status in RunStatus],
        words.get("app", ""),
        [Plain(name, *told, words.get(name, "")) for name, told in FORM.items()],
        query.without(*used).text,
    )
