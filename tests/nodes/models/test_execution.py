"""Light rows: the columns that every reading of a run's steps starts with."""

from dataclasses import fields

from nodes.clock import hex_id
from nodes.diff.pairing import COMPARED_COLUMNS, ComparedStep
from nodes.light_step import LIGHT_COLUMNS, LightStep
from nodes.models import NodeExecution
from tests.factories import make_app, make_execution, make_run


def test_light_rows_begin_with_the_fields_of_a_light_step(db: None) -> None:
    run = make_run(make_app())
    outer = make_execution(run, "Each", node_id="each", kind="iteration")
    inner = make_execution(run, "Ask", node_id="ask", parent_id=outer.id, iteration="0")
    rows = {hex_id(row[0]): row for row in NodeExecution.objects.in_run(run.id).light_rows("title")}
    step_id, parent_id, *rest = rows[inner.id.hex]
    assert (hex_id(step_id), hex_id(parent_id)) == (inner.id.hex, outer.id.hex)
    assert rest == ["ask", inner.kind, inner.status, "0", "Ask"]
    assert rows[outer.id.hex][1] is None
    assert len(fields(LightStep)) == len(LIGHT_COLUMNS)


def test_only_the_columns_that_are_named_are_read() -> None:
    query = str(NodeExecution.objects.light_rows("title").query)
    assert "error" not in query and "hints" not in query and "inputs_id" not in query


def test_a_compared_step_has_a_field_for_each_column() -> None:
    assert len(fields(ComparedStep)) == len(LIGHT_COLUMNS) + len(COMPARED_COLUMNS)
