"""The filters as a form with one input each. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from runs.choices import RunStatus
from runs.query.language import FormInput, Query, QueryLanguage, Term


@dataclass(frozen=True, slots=True)
class FilledInput:
    """An input of the form: the parameter that it writes, and its value now."""

    name: str
    label: str
    hint: str
    value: str


@dataclass(frozen=True, slots=True)
class MoreFilters:
    """`statuses`: (value, label, chosen). `rest` is the part of the query that the form has no
    input for; it stays active as text."""

    statuses: list[tuple[str, str, bool]]
    app: str
    inputs: list[FilledInput]
    rest: str


def more_filters(language: QueryLanguage, query: Query, *, with_app: bool) -> MoreFilters:
    """Return the form filled in with what `query` asks for; `with_app`: it has the choice of an
    app."""
    used = query.required("status")
    chosen = {term.value for term in used}
    app = query.required("app") if with_app else []
    if len(app) == 1:
        used += app
    inputs: list[tuple[FormInput, str, str]] = []
    for parameter, form_input, prefix, terms in _inputs(language, query):
        value = ""
        if len(terms) == 1:
            value = terms[0].value.removeprefix(prefix)
            used += terms
        inputs.append((form_input, parameter, value))
    inputs.sort(key=lambda filled: filled[0].place)
    return MoreFilters(
        [(status.value, str(status.label), status.value in chosen) for status in RunStatus],
        app[0].value if len(app) == 1 else "",
        [FilledInput(name, shape.label, shape.hint, value) for shape, name, value in inputs],
        query.without(*used).text,
    )


def _inputs(
    language: QueryLanguage, query: Query
) -> Iterator[tuple[str, FormInput, str, list[Term]]]:
    """Yield (parameter, input, what its value leaves out, terms that it could show)."""
    for field in language.fields:
        terms = query.required(field.name)
        if field.form:
            yield field.name, field.form, "", terms
        for signed in field.parameters:
            if signed.form:
                fitting = [term for term in terms if term.value.startswith(signed.sign)]
                yield signed.parameter, signed.form, signed.sign, fitting
