"""The parts that all lists of records share."""

import pytest
from django.template import Context, Template

from runs.models import ErrorGroup
from runs.tables import CellColumn, HeadingLink, NumberColumn, RecordTable
from tests.factories import make_app, make_execution, make_run
from tests.pages import check_fragment, check_page, text_of

# Lists without records show an empty state instead.
LISTS = {
    "/": "Apps",
    "/runs/": "Runs",
    "/apps/desk/": "Runs",
    "/errors/": "Errors",
    "/apps/desk/nodes/": "Nodes",
}


class FruitTable(RecordTable):
    caption = "Fruit"
    record_name = "fruit"
    after_row = "{% if fruit.rotten %}<tr><td>{{ where }}</td></tr>{% endif %}"

    name = CellColumn("Name", "<b>{{ fruit.name }}</b>", css="cell-word", label="")
    weight = NumberColumn("Weight", "{{ fruit.weight }}", label="Grams")

    class Meta:
        attrs = {"class": "table"}


FRUIT = [{"name": "<apple>", "weight": 1200}, {"name": "pear", "weight": 90, "rotten": True}]


def written(table, **context):
    template = Template('{% include "components/table.html" %}')
    html = template.render(Context({"table": table} | context))
    return check_fragment(html).find(".//table")


def test_cells_see_the_record_and_the_page_and_are_escaped():
    table = written(FruitTable(FRUIT), where="cellar")
    assert [[text_of(cell) for cell in row] for row in table.findall("tbody/tr")] == [
        ["<apple>", "1200"], ["pear", "90"], ["cellar"],
    ]  # fmt: skip
    assert [cell.get("data-label") for cell in table.find("tbody/tr")] == [None, "Grams"]


def test_headings_have_a_scope_and_may_order_the_list():
    links = {"weight": HeadingLink("?order=weight", "ascending")}
    table = written(FruitTable(FRUIT, heading_links=links))
    name, weight = table.findall("thead/tr/th")
    assert (name.get("scope"), name.get("aria-sort"), name.get("class")) == ("col", None, None)
    assert (weight.get("aria-sort"), weight.get("class")) == ("ascending", "num")
    assert weight.find("a").get("href") == "?order=weight"
    assert text_of(table.find("caption")) == "Fruit"


def test_an_excluded_column_is_left_out():
    table = written(FruitTable(FRUIT, exclude=("name",)))
    assert text_of(table.find("thead")) == "Weight"
    assert [text_of(row) for row in table.findall("tbody/tr")][:2] == ["1200", "90"]


@pytest.mark.parametrize(("url", "caption"), LISTS.items())
def test_lists_are_captioned_tables_with_scopes(console, url, caption):
    app = make_app("desk")
    group = ErrorGroup.objects.create(app=app, message="Quota exceeded")
    make_execution(make_run(app, status="failed", error_group=group), "Ask")
    page = check_page(console.get(url).content.decode())
    tables = page.findall(".//div[@class='table-frame']/table")
    assert [text_of(table.find("caption")) for table in tables] == [caption]
    for table in tables:
        assert all(heading.get("scope") for heading in table.findall("thead/tr/th"))
