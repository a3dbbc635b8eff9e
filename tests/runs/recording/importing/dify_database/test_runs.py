"""What an import of Dify's PostgreSQL makes of its rows."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client

from nodes.models import NodeExecution
from runs.models import App, ImportState, Run, Version
from tests.pages import check_page, text_of
from tests.runs.recording.importing.dify_database.dify_rows import (
    GRAPH,
    imported,
    put_workflow_run,
    step,
    tree,
)
from tests.runs.recording.importing.dify_database.dify_tables import DifyTables, at, uid
from tests.runs.recording.snapshot import snapshot

pytestmark = pytest.mark.django_db
Make = Callable[..., DifyTables]


@pytest.mark.parametrize("shape", ["old", "new"])
def test_a_workflow_run_with_everything(dify: Make, shape: str) -> None:
    db = dify(shape)
    db.people()
    app = db.app("Desk")
    run_id = put_workflow_run(db, app)
    out = imported(db)
    assert out.startswith("Read 1 runs and messages with 12 steps")
    [run] = Run.objects.with_source_id(run_id)
    assert (run.app.name, run.mode, run.status) == ("Desk", "workflow", "partial-succeeded")
    assert (run.user, run.trigger, run.source_kind) == ("session-7", "app-run", "dify-database")
    assert str(run.started_at) == "2026-06-01 12:00:00+00:00"
    assert (run.duration_us, run.total_tokens, run.reported_tokens) == (6_000_000, 300, 300)
    assert (run.input_tokens, run.output_tokens, str(run.cost)) == (240, 60, "0.0000720000")
    assert (run.retries, run.exceptions, run.iterations) == (1, 1, 2)
    assert run.inputs and run.inputs.value == {"q": "hi", "sys.user_id": "u1"}
    assert run.outputs and run.outputs.value == {"answer": "A"}
    assert tree(run) == [
        (0, "start", "Start", "succeeded", ""),
        (0, "if-else", "Long?", "succeeded", ""),
        (0, "http-request", "Find", "retry", ""),
        (0, "http-request", "Find", "succeeded", ""),
        (0, "iteration", "Each", "succeeded", ""),
        (1, "llm", "Write", "succeeded", "0"),
        (1, "llm", "Write", "succeeded", "1"),
        (0, "code", "Guess", "exception", ""),
        (0, "end", "Output", "succeeded", ""),
    ]
    assert step(run, "Long?").taken == "IF"
    assert (step(run, "Find", 0).attempt, step(run, "Find", 1).attempt) == (1, 2)
    guess = step(run, "Guess")
    assert (guess.error, guess.error_type) == ("division by zero", "CodeNodeError")
    write = step(run, "Write", 1)
    assert (write.node_id, write.model, write.provider) == (
        "5", "gpt-4o-mini", "langgenius/openai/openai",
    )  # fmt: skip
    assert (
        write.process_data and write.process_data.value["prompts"][0]["text"] == "Gr\u00fc\u00dfe"
    )
    assert write.outputs and write.outputs.value["text"] == "B"


@pytest.mark.parametrize("shape", ["old", "new"])
def test_doing_it_again_changes_nothing(dify: Make, shape: str) -> None:
    db = dify(shape)
    db.people()
    app = db.app("Desk")
    for n in range(3):
        put_workflow_run(db, app, f"run {n}", begin=n * 3600)
    imported(db)
    before = snapshot()
    assert imported(db).startswith("Read 0 runs")
    assert snapshot() == before
    assert imported(db, "--since", "2026-01-01").startswith("Read 3 runs")
    assert snapshot() == before
    ImportState.objects.all().delete()
    assert imported(db).startswith("Read 3 runs")
    assert snapshot() == before


def test_the_graph_that_ran_is_its_versions(dify: Make, console: Any) -> None:
    db = dify()
    app = db.app("Desk")
    workflow = db.put(
        "workflows", id=uid(f"workflow {app}"), tenant_id=uid("tenant"), app_id=app,
        version="2026-05-01 08:00:00.123456", graph=GRAPH, marked_name="Spring",
        marked_comment="asks first", features={"speech_to_text": {"enabled": True}},
        environment_variables={"KEY": {"value_type": "secret", "value": "encryptedthing"}},
        created_at=at(-100), updated_at=at(-100),
    )  # fmt: skip
    db.put("workflows", id=uid("draft"), tenant_id=uid("tenant"), app_id=app, version="draft",
           graph={}, created_at=at(-200))  # fmt: skip
    put_workflow_run(db, app)
    moved = {**GRAPH, "nodes": [{**n, "position": {"x": 1, "y": 1}} for n in GRAPH["nodes"]]}
    fewer = {**GRAPH, "nodes": GRAPH["nodes"][:-1], "edges": GRAPH["edges"][:-1]}
    for n, graph in enumerate([GRAPH, moved, fewer]):
        db.run(app, f"test {n}", 10 + n, version="draft", graph=graph, triggered_from="debugging")
    imported(db)
    published = Version.objects.get(label="2026-05-01 08:00:00.123456")
    assert (published.source_id, published.comment) == (workflow, "Spring\nasks first")
    assert published.runs.count() == 1
    assert published.configuration == {
        "features": {"speech_to_text": {"enabled": True}},
        "environment_variables": [{"name": "KEY", "type": "secret"}],
    }
    drafts = Version.objects.filter(label__startswith="draft-").order_by("pk")
    assert [draft.runs.count() for draft in drafts] == [2, 1]
    page = console.get("/apps/desk/graph/?version=1").content.decode()
    assert "as published" in page and "Long?" in page
    graph_json = console.get("/apps/desk/graph.json?version=1").json()
    handles = {(e["source"], e["target"]): (e["handle"], e["runs"]) for e in graph_json["edges"]}
    assert handles["2", "3"] == ("IF", 1)
    assert handles["2", "6"] == ("ELIF 1", 0)
    assert handles["2", "7"] == ("ELSE", 0)
    assert handles["3", "4"] == (None, 1)
    assert "verysecret" not in str(graph_json) and "encryptedthing" not in str(snapshot())


def test_a_run_at_work_is_followed_to_its_end(dify: Make) -> None:
    db = dify()
    app = db.app("Desk")
    now = db.connection.execute("SELECT now() AT TIME ZONE 'utc'").fetchone()
    assert now
    run = db.run(app, "live", status="running", outputs=None, finished_at=None, elapsed_time=0,
                 total_tokens=0, created_at=now[0])  # fmt: skip
    first = db.node(run, 1, "1", "start", 0, created_at=now[0], finished_at=now[0])
    begun = now[0] + timedelta(milliseconds=1)
    work = db.node(run, 2, "5", "llm", 0, status="running", created_at=begun, finished_at=None,
                   elapsed_time=0, inputs=None, outputs=None)  # fmt: skip
    imported(db)
    recorded = Run.objects.with_source_id(run).get()
    assert (recorded.status, [row[3] for row in tree(recorded)]) == (
        "running",
        ["succeeded", "running"],
    )
    assert imported(db).startswith("Read 0 runs")  # nothing has changed
    db.change("workflow_node_executions", work, status="retry", error="503", outputs={})
    imported(db)
    assert [row[3] for row in tree(recorded)] == ["succeeded", "running"]
    db.change("workflow_node_executions", work, status="succeeded", error=None,
              outputs={"text": "A"}, finished_at=now[0])  # fmt: skip
    db.change("workflow_runs", run, status="succeeded", outputs={"text": "A"}, elapsed_time=2.0,
              total_tokens=9, finished_at=now[0])  # fmt: skip
    imported(db)
    recorded.refresh_from_db()
    assert (recorded.status, recorded.outputs_preview, recorded.error) == ("succeeded", "A", "")
    done = step(recorded, "llm")
    assert (done.status, done.error, done.outputs and done.outputs.value) == (
        "succeeded", "", {"text": "A"},
    )  # fmt: skip
    late = db.node(run, 3, "7", "end", 1, created_at=now[0], finished_at=now[0])
    imported(db)
    assert NodeExecution.objects.filter(source_id=late).exists()
    assert NodeExecution.objects.filter(source_id=first).count() == 1


def test_steps_that_an_aborted_run_left_behind_were_stopped(dify: Make) -> None:
    db = dify("old")
    run = db.run(db.app("Desk"), "x", status="failed", error="boom", outputs=None)
    db.node(run, 1, "5", "llm", 1, status="running", finished_at=None, elapsed_time=0)
    imported(db)
    recorded = Run.objects.with_source_id(run).get()
    assert (recorded.status, recorded.error) == ("failed", "boom")
    assert [row[3] for row in tree(recorded)] == ["stopped"]


def test_steps_of_one_second_are_in_the_order_of_their_index(dify: Make) -> None:
    db = dify("old")
    run = db.run(db.app("Desk"), "x")
    for index, title in [(2, "b"), (1, "a"), (3, "c")]:
        db.node(run, index, title, "code", 0, took=index, title=title)
    imported(db)
    assert [row[2] for row in tree(Run.objects.get())] == ["a", "b", "c"]


def test_broken_and_odd_values_are_kept_as_they_are(dify: Make) -> None:
    db = dify()
    run = db.run(db.app("Desk"), "x", inputs='{"q": "\\ud83d', graph="[[[", outputs='"text"',
                 version=None, created_by=None, error="", triggered_from=None)  # fmt: skip
    db.node(run, 1, "9", "brand-new-type", 0, title="", execution_metadata="not json",
            outputs="null", process_data="[1,", created_by=None)  # fmt: skip
    db.node(
        run, 2, "8", "llm", 1, execution_metadata={"iteration_id": "gone", "iteration_index": 0}
    )
    imported(db)
    recorded = Run.objects.with_source_id(run).get()
    assert recorded.inputs and recorded.inputs.value == '{"q": "\\ud83d'
    assert recorded.outputs and recorded.outputs.value == "text"
    [odd, lost] = NodeExecution.objects.in_run(recorded.pk).visible().with_payloads()
    assert (odd.kind, odd.title, odd.outputs) == ("brand-new-type", "brand-new-type", None)
    assert odd.process_data and odd.process_data.value == "[1,"
    assert lost.title == "llm"


def test_values_that_dify_cut_are_flagged_or_read_whole(dify: Make, tmp_path: Path) -> None:
    db = dify()
    run = db.run(db.app("Desk"), "x")
    node = db.node(run, 1, "5", "llm", 0, outputs={"text": "beginn…"}, process_data={"p": 1})
    code_node = db.node(run, 2, "6", "code", 1, outputs={"text": "cut"})
    for name, owner, kind, key in [
        ("1", node, "outputs", "files/whole.json"),
        ("2", node, "process_data", "files/gone.json"),
        ("3", code_node, "outputs", "../../secret.json"),
    ]:
        db.put("upload_files", id=uid(f"file {name}"), key=key, size=123_456)
        db.put("workflow_node_execution_offload", id=uid(f"off {name}"), node_execution_id=owner,
               type=kind, file_id=uid(f"file {name}"))  # fmt: skip
    imported(db)
    recorded = Run.objects.with_source_id(run).get()
    write = step(recorded, "llm")
    assert write.outputs and write.outputs.cut_of == 123_456
    assert write.process_data and write.process_data.cut_of == 123_456
    storage = tmp_path / "dify" / "storage"
    (storage / "files").mkdir(parents=True)
    (storage / "files" / "whole.json").write_text('{"text": "beginning and end"}')
    (tmp_path / "secret.json").write_text('{"text": "secret"}')
    imported(db, "--since", "2026-01-01", "--storage", str(storage))
    write, guess = step(recorded, "llm"), step(recorded, "code")
    assert write.outputs and write.outputs.value == {"text": "beginning and end"}
    assert write.outputs.cut_of is None
    assert guess.outputs and guess.outputs.value == {"text": "cut"}
    with pytest.raises(CommandError, match="There is no folder"):
        imported(db, "--storage", str(tmp_path / "none"))


def test_apps_by_name_or_id(dify: Make) -> None:
    db = dify()
    ids = [db.app("One"), db.app("Two")]
    twin = db.put("apps", id=uid("twin"), name="Two", mode="workflow", created_at=at(1))
    for n, app in enumerate([*ids, twin]):
        db.run(app, f"of {n}")
    imported(db, "--app", ids[0])
    assert [app.name for app in App.objects.all()] == ["One"]
    imported(db, "--app", "Two")
    names = {app.name for app in App.objects.all()}
    assert names == {"One", f"Two ({ids[1][:8]})", f"Two ({twin[:8]})"}
    with pytest.raises(CommandError, match="no app 'Three'"):
        imported(db, "--app", "Three")


def test_an_empty_dify_and_one_before_workflows(dify: Make) -> None:
    db = dify()
    with pytest.raises(CommandError, match="This Dify database has no apps"):
        imported(db)
    app = db.app("Chat", "chat")
    db.connection.execute("DROP TABLE workflow_node_executions, workflow_runs, workflows")
    db.connection.execute("ALTER TABLE messages DROP COLUMN workflow_run_id")
    db.message(app, uid("t"), "m")
    imported(db)
    assert Run.objects.get().status == "succeeded"


@pytest.mark.parametrize("names", [("invocation", "parent_execution"), ("invocation",)])
def test_steps_of_a_workflow_tool_stand_below_it(dify: Make, names: tuple[str, ...]) -> None:
    db = dify()
    run_id = db.run(db.app("Desk"), "one")
    db.node(run_id, 1, "1", "start", 0)
    tool = db.node(run_id, 2, "2", "tool", 0.5, 2.0)
    values = {"invocation": "call-1", "parent_execution": tool}
    ids = {f"workflow_tool_{name}_id": values[name] for name in names}
    inner: dict[str, Any] = {"triggered_from": "workflow-tool", "process_data": ids}
    db.node(run_id, 3, "1", "start", 0.7, **inner)
    usage = {"usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
    db.node(run_id, 4, "2", "llm", 0.9, **(inner | {"process_data": ids | usage}))
    db.node(run_id, 5, "9", "end", 3.0)
    imported(db)
    run = Run.objects.get()
    steps = NodeExecution.objects.in_run(run.pk).visible()
    assert [(step.kind, step.depth, step.node_id) for step in steps] == [
        ("start", 0, "1"), ("tool", 0, "2"), ("start", 1, "2/1"), ("llm", 1, "2/2"),
        ("end", 0, "9"),
    ]  # fmt: skip
    assert run.total_tokens == 7


def test_a_workflow_tool_whose_run_is_its_own_is_linked_with_it_and_its_app(
    dify: Make, console: Client
) -> None:
    db = dify()
    desk, prices = db.app("Desk"), db.app("Prices")
    provider = db.put("tool_workflow_providers", id=uid("tool"), app_id=prices, name="prices")
    run_id = db.run(desk, "one")
    info = {"tool_info": {"provider_type": "workflow", "provider_id": provider}}
    db.node(run_id, 1, "1", "start", 0)
    db.node(run_id, 2, "2", "tool", 0.5, 2.0, inputs={"sku": "A"}, execution_metadata=info)
    called = db.run(prices, "called", 0.6, inputs={"sku": "A", "sys.user_id": "u1"})
    db.run(prices, "with others", 0.7, inputs={"sku": "B"})
    db.run(prices, "later", 9.0, inputs={"sku": "A"})
    db.run(prices, "of another", 0.8, inputs={"sku": "A"}, created_by=uid("account"))
    imported(db)
    caller, child = (Run.objects.with_source_id(it).get() for it in (run_id, called))
    tool = NodeExecution.objects.in_run(caller.pk).get(kind="tool")
    panel = text_of(
        check_page(console.get(f"/runs/{caller.pk}/tracing/{tool.pk}/").content.decode())
    )
    assert "This tool is the workflow of Prices." in panel
    assert "This step links to a run of Prices." in panel
    [link] = console.get(f"/runs/{child.pk}.json").json()["linked_runs"]
    assert (link["direction"], link["run"]) == ("from", str(caller.pk))


def test_a_run_that_has_been_running_for_long_is_stalled_at_once(dify: Make) -> None:
    db = dify()
    run_id = db.run(db.app("Desk"), "one", status="running", finished_at=None, outputs=None)
    db.node(run_id, 1, "1", "start", 0)
    imported(db)
    run = Run.objects.get()
    assert (run.status, run.stalled) == ("running", True)


def test_a_decision_says_who_made_it_by_which_channel_and_how_long_it_took(dify: Make) -> None:
    db = dify()
    db.people()
    run_id = db.run(db.app("Desk"), "one")
    db.node(run_id, 1, "form", "human-input", 0, 61)
    db.connection.execute(
        "CREATE TABLE human_input_forms (id uuid, workflow_run_id uuid, node_id varchar,"
        " status varchar, selected_action_id varchar, created_at timestamp, submitted_at timestamp,"
        " submission_end_user_id uuid);"
        "CREATE TABLE human_input_form_deliveries (id uuid, form_id uuid,"
        " delivery_method_type varchar)"
    )
    db.connection.execute(
        "INSERT INTO human_input_forms VALUES (%s, %s, 'form', 'submitted', 'yes', %s, %s, %s)",
        [uid("form"), run_id, at(0), at(60), uid("user")],
    )
    db.connection.execute(
        "INSERT INTO human_input_form_deliveries VALUES (%s, %s, 'email')",
        [uid("delivery"), uid("form")],
    )
    imported(db)
    form = NodeExecution.objects.get(kind="human-input").received["attributes"]["form"]
    assert (form["decided_by"], form["action"], form["channels"]) == ("session-7", "yes", ["email"])
    assert form["waited_seconds"] == 60
