"""The columns of the history that a reader has chosen, kept in the session."""

from dataclasses import dataclass

from django.http import HttpRequest

from runs.pages.history.tables import DEFAULT_COLUMNS, RunTable

PARAMETER = "columns"
SESSION_KEY = "history_columns"
# What the parameter says to go back to the columns of somebody who has chosen none.
DEFAULT = "default"
# Always shown: the link to the run.
LINK = "summary"


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    name: str
    heading: str
    chosen: bool


def chosen_columns(request: HttpRequest) -> tuple[str, ...]:
    """Return the columns to show. Those in the address are kept from now on."""
    asked = request.GET.getlist(PARAMETER)
    kept = request.session.get(SESSION_KEY)
    if asked:
        columns = [name for name in RunTable.base_columns if name in (*asked, LINK)]
        wanted = None if DEFAULT in asked else columns
        if wanted != kept:
            request.session[SESSION_KEY] = kept = wanted
    if not kept:
        return DEFAULT_COLUMNS
    return tuple(name for name in RunTable.base_columns if name in kept)


def column_choices(columns: tuple[str, ...], *, with_app: bool) -> list[ColumnChoice]:
    """Return what can be chosen, in the order of the table; `with_app`: the list has many apps."""
    return [
        ColumnChoice(name, column.header, name in columns)
        for name, column in RunTable.base_columns.items()
        if name != LINK and (with_app or name != "app")
    ]
