"""Lists of records as django-tables2 tables, whose columns hold the templates of their cells. The
templates of a table's columns are joined to one template for its row, compiled once, so that a list
of many columns costs what one written by hand does.

Rows come already in order and cut to a page: the tables neither sort nor count.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import django_tables2 as tables
from django.template import Context, Template
from django.template.loader import get_template
from django.utils.functional import Promise
from django.utils.safestring import SafeString


class CellColumn(tables.Column):
    """A column whose cell is the template code `cell`, or that of the file `template`; it sees the
    page's context and the record.

    `css` is the class of cell and heading; numbers are "num". `label` names the cell on narrow
    pages, where a row is a block: by default it is the heading, "" for a cell that needs no name.
    `attributes` are further ones of the cell. All are template code but `heading`, which is text or
    HTML."""

    def __init__(
        self,
        heading: str,
        cell: str = "",
        *,
        template: str = "",
        css: str = "",
        label: str | None = None,
        attributes: str = "",
    ) -> None:
        super().__init__(verbose_name=heading, orderable=False, empty_values=())
        self.cell = cell
        self.template = template
        self.css = css
        self.attributes = attributes
        self.label = heading if label is None else label

    @property
    def header(self) -> str:
        return self.verbose_name

    @property
    def heading_css(self) -> str:
        return "num" if self.css.startswith("num") else ""

    def cell_source(self) -> str:
        css = f' class="{self.css}"' if self.css else ""
        label = f' data-label="{self.label}"' if self.label else ""
        cell = _source_of(self.template) if self.template else self.cell
        return f"<td{css}{label}{self.attributes}>{cell}</td>"


class WordColumn(CellColumn):
    """A word of the data, `variable`; a wider one is cut, with the whole in its title."""

    def __init__(self, heading: str, variable: str, **options: Any) -> None:
        cell = f"{{{{ {variable}|word_with_title }}}}"
        super().__init__(heading, cell, **{"css": "cell-word"} | options)


class NumberColumn(CellColumn):
    def __init__(self, heading: str, cell: str = "", **options: Any) -> None:
        super().__init__(heading, cell, **{"css": "num"} | options)


class TimeColumn(CellColumn):
    """How long ago the time `variable` was; without it, `absent`."""

    def __init__(self, heading: str, variable: str, *, absent: str = "", **options: Any) -> None:
        cell = f'{{% include "components/_time.html" with moment={variable} only %}}'
        if absent:
            muted = f'<span class="muted">{absent}</span>'
            cell = f"{{% if {variable} %}}{cell}{{% else %}}{muted}{{% endif %}}"
        super().__init__(heading, cell, **{"css": "nowrap"} | options)


@dataclass(frozen=True, slots=True)
class HeadingLink:
    """The link of a heading that orders the list; `direction`, where it is in that order already:
    "ascending" or "descending"."""

    href: str
    direction: str = ""


@dataclass(frozen=True, slots=True)
class EmptyState:
    """What is shown in place of a list without records: `text` may be HTML; `action` is what the
    link to `href` says."""

    title: str
    text: str = ""
    action: str = ""
    href: str | Promise = ""


class RecordTable(tables.Table):
    """A list of records. `caption` names the list to screen readers, `record_name` the record to
    the cells' templates, `row_attributes` is template code for the attributes of a row. `after_row`
    is template code for what follows a row. Without records, `empty` is shown, or nothing where it
    is None; the argument of this name takes its place."""

    caption = ""
    empty: EmptyState | None = None
    # The template of a row of headings above the others, or "".
    group_headings = ""
    record_name = "record"
    row_attributes = "data-row"
    after_row = ""

    class Meta:
        orderable = False

    def __init__(
        self,
        records: Iterable[Any],
        *,
        heading_links: dict[str, HeadingLink] | None = None,
        empty: EmptyState | None = None,
        **options: Any,
    ) -> None:
        super().__init__(list(records), **options)
        self.heading_links = heading_links or {}
        self.empty = empty or self.empty

    def headings(self) -> Iterator[tuple[CellColumn, HeadingLink | None]]:
        for column in self.columns:
            yield column.column, self.heading_links.get(column.name)

    def record_context(self, record: Any) -> dict[str, Any]:
        """Return what the cells' templates see of a record."""
        return {self.record_name: record}

    def row_source(self) -> str:
        cells = "".join(column.column.cell_source() for column in self.columns)
        return f"<tr {self.row_attributes}>{cells}</tr>{self.after_row}"

    def rows_as_html(self, context: Context) -> Iterator[SafeString]:
        """Write the rows within a page's context."""
        template = _row_template(self.row_source())
        with context.push():
            for record in self.data:
                context.update(self.record_context(record))
                yield template.render(context)
                context.pop()


def _source_of(template_name: str) -> str:
    """Return the code of a template file: as a part of the row it need not be looked up anew for
    every record, as `include` would."""
    return str(get_template(template_name).template.source).strip()  # type: ignore[attr-defined]


@cache
def _row_template(source: str) -> Template:
    """Compile a row; its figures are written as they are, without a look at the locale for each."""
    return Template(
        "{% load formats tables l10n %}{% localize off %}" + source + "{% endlocalize %}"
    )
