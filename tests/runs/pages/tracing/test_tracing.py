"""TRACING of loops, attempts and branches, and the same node elsewhere."""

import json
import time
from datetime import timedelta
from operator import itemgetter
from typing import Any

import pytest
from django.test import Client

from nodes.models import NodeExecution
from runs import samples
from runs.models import Run
from tests.factories import make_app, make_execution, make_run, make_version
from tests.pages import check_fragment, check_page, check_view, text_of
from tests.runs.pages.loops.test_views import SIDE, big_loop, passes_url, values_in


def test_a_loop_in_tracing_leads_to_its_matrix_and_back_to_one_iteration(console: Client) -> None:
    loop = big_loop(37, 2, failed=(20, 30))
    key = loop.id.hex[-8:]
    page = console.get(f"/runs/{loop.run_id}/tracing/?closed={key}").content.decode()
    link = check_page(page).find(".//a[@href='" + passes_url(loop) + "']")
    assert "37 iterations, 2 failed" in text_of(link)
    matrix = check_page(console.get(passes_url(loop)).content.decode())
    heads = matrix.findall(".//thead/tr[1]/th[@data-status]/a")
    assert heads[4].get("href") == f"/runs/{loop.run_id}/tracing/?only={key}.4#x-{key}.4"
    alone = check_page(console.get(heads[4].get("href")).content.decode())
    names = [text_of(name) for name in alone.findall(".//th//*[@class='step-name']")]
    assert names == ["Each item", "Iteration 5", "Node 0", "Node 1"]
    whole = [a for a in alone.findall(".//a") if text_of(a) == "Show the whole tree"]
    assert [link.get("href") for link in whole] == [f"/runs/{loop.run_id}/tracing/?"]


def test_attempts_are_counted_in_the_tree_and_listed_in_the_panel(console: Client) -> None:
    run = make_run()
    make_execution(run, "Fetch", status="retry", error="timeout after 3 s", duration_us=3_000_000)
    make_execution(run, "Beside")
    make_execution(run, "Fetch", status="retry", error="<i>busy</i>", attempt=2)
    last = make_execution(run, "Fetch", attempt=3)
    make_execution(run, "Fetch")
    text = text_of(check_view(console, f"/runs/{run.id}/tracing/"))
    assert (
        text.index("attempt 1 of 3") < text.index("attempt 2 of 3") < text.index("attempt 3 of 3")
    )
    assert text.index("attempt 3 of 3") < text.index("Beside")
    side = console.get(f"/runs/{run.id}/tracing/{last.id}/?closed=a", headers=SIDE).content.decode()
    attempts = check_fragment(side).find(".//ol[@class='attempts']")
    assert [text_of(item) for item in attempts] == [
        "Attempt 1 of 3 Retry 3.00 s timeout after 3 s",
        "Attempt 2 of 3 Retry 500 ms <i>busy</i>",
        "Attempt 3 of 3 Succeeded 500 ms",
    ]
    assert attempts.find("li/a").get("href").endswith("/?closed=a")


def tries(run: Run, count: int) -> list[NodeExecution]:
    """So many attempts at one step, the last of which succeeded."""
    return [
        make_execution(
            run, "Call", attempt=number, status="succeeded" if number == count else "retry"
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def attempts_in_panel(console: Client, step: NodeExecution) -> list[str]:
    side = console.get(f"/runs/{step.run_id}/tracing/{step.id}/", headers=SIDE).content.decode()
    return [
        text_of(item.find("a"))
        for item in check_fragment(side).findall(".//ol[@class='attempts']/li")
    ]


def test_attempts_far_on_among_the_executions_of_a_node_are_shown(console: Client) -> None:
    run = make_run()
    for _ in range(230):
        make_execution(run, "Call")
    *_, last = tries(run, 2)
    make_execution(run, "Call")
    assert attempts_in_panel(console, last) == ["Attempt 1 of 2", "Attempt 2 of 2"]


def test_of_very_many_attempts_those_around_the_chosen_are_shown(console: Client) -> None:
    made = tries(make_run(), 45)
    texts = attempts_in_panel(console, made[24])
    assert texts == [f"Attempt {number} of 45" for number in range(15, 36)]
    assert attempts_in_panel(console, made[44])[-1] == "Attempt 45 of 45"


def test_the_same_node_in_the_runs_before_and_after(console: Client) -> None:
    executions = []
    for day in (3, 2, 1):
        run = make_run()
        run.started_at -= timedelta(days=day)
        run.save()
        executions.append(
            [make_execution(run, "Write", iteration=n, started_at=run.started_at) for n in "01"]
        )
    here = executions[1][1]
    side = console.get(f"/runs/{here.run_id}/tracing/{here.id}/?open=a", headers=SIDE)
    tree = check_fragment(side.content.decode())
    for key, (_, other) in (("p", executions[0]), ("n", executions[2])):
        link = tree.find(f".//a[@data-key='{key}']")
        assert link.get("href") == f"/runs/{other.run_id}/tracing/{other.id}/?open=a"
    before = tree.find(".//a[@data-key='[']")
    assert before.get("href") == f"/runs/{here.run_id}/tracing/{executions[1][0].id}/?open=a"


def test_a_run_without_that_iteration_leads_to_another_of_the_node(console: Client) -> None:
    old = make_execution(make_run(), "Write", iteration="0")
    run = make_run()
    here = make_execution(
        run, "Write", iteration="7", started_at=run.started_at + timedelta(seconds=1)
    )
    side = console.get(f"/runs/{run.id}/tracing/{here.id}/", headers=SIDE).content.decode()
    assert f"/runs/{old.run_id}/tracing/{old.id}/" in side


# -- recorded runs ---------------------------------------------------------------------------------


def dify_events(*nodes: tuple[str, str, int, float, dict[str, Any]]) -> bytes:
    """A stream of Dify: nodes as (title, type, start, seconds, what else is in their data). A loop
    is reported as a container."""
    run = {"event": "", "workflow_run_id": "11111111-1111-4111-8111-11111111aaaa", "task_id": "t"}
    begin = int(time.time()) - 3600
    events = [{"event": "workflow_started", "data": {"id": run["workflow_run_id"], "inputs": {}}}]
    events[0]["data"]["created_at"] = begin
    timed: list[tuple[float, dict[str, Any]]] = []
    for number, (title, kind, start, seconds, more) in enumerate(nodes):
        word, end = ("loop", "completed") if kind == "loop" else ("node", "finished")
        data = {
            "id": title if kind == "loop" else f"e-{number}", "node_id": title, "node_type": kind,
            "title": title, "created_at": begin + start, **more,
        }  # fmt: skip
        done = {"status": "succeeded", "elapsed_time": seconds, "finished_at": begin + start + 1}
        ended = {"event": f"{word}_{end}", "data": data | done | {"outputs": {}}}
        timed += [(start, {"event": f"{word}_started", "data": data}), (start + seconds, ended)]
    events += [event for _, event in sorted(timed, key=itemgetter(0))]
    return b"".join(b"data: " + json.dumps(run | event).encode() + b"\n\n" for event in events)


def record_events(key: str, *nodes: tuple[str, str, int, float, dict[str, Any]]) -> Run:
    response = Client().post(
        "/api/dify/events?app=Branches",
        dify_events(*nodes),
        content_type="text/event-stream",
        headers={"x-api-key": key},
    )
    assert response.status_code == 200, response.content
    return Run.objects.get(app__name="Branches")


@pytest.mark.django_db(transaction=True)  # a stream is recorded beside the request
def test_parallel_branches_of_dify_are_lanes(console: Client, ingest_key: str) -> None:
    run = record_events(
        ingest_key, ("start", "start", 0, 0.1, {}), ("left", "llm", 1, 9, {}),
        ("right", "code", 1, 4, {}), ("more", "code", 6, 3, {}), ("end", "end", 10, 0.1, {}),
    )  # fmt: skip
    tree = check_page(console.get(f"/runs/{run.id}/tracing/").content.decode())
    lanes = {
        text_of(row.find(".//a[@class='step-name']")): [
            text_of(s) for s in row.findall(".//span[@class='lane']")
        ]
        for row in tree.findall(".//tr[@id]")
    }
    assert lanes == {
        "start": [],
        "left": ["∥ 1"],
        "right": ["∥ 2"],
        "more": ["∥ 2"],
        "end": [],
    }


def test_lanes_follow_the_graph_that_was_sent(
    console: Client, django_assert_max_num_queries: Any
) -> None:
    names = ["start", "left", "right", "after-right", "after-left", "end"]
    joins = [
        "start left",
        "start right",
        "left after-left",
        "right after-right",
        "after-left end",
    ]
    edges = [dict(zip(("source", "target"), pair.split(), strict=True)) for pair in joins]
    graph = {"nodes": [{"id": name} for name in names], "edges": edges}
    times = [(0, 1), (1, 3.5), (1, 3), (4, 9), (4.5, 8), (10, 11)]

    def lanes(**fields: Any) -> list[str]:
        app = make_app()
        run = make_run(app, duration_us=11_000_000, **fields)
        for name, (start, end) in zip(names, times, strict=True):
            began = run.started_at + timedelta(seconds=start, microseconds=17)
            make_execution(run, name, started_at=began, duration_us=int((end - start) * 1e6))
        with django_assert_max_num_queries(30):
            page = console.get(f"/runs/{run.id}/tracing/").content.decode()
        return [text_of(lane) for lane in check_page(page).findall(".//span[@class='lane']")]

    assert lanes() == ["∥ 1", "∥ 2", "∥ 1", "∥ 2"]  # by time alone, after the one that ended last
    assert lanes(version=make_version(make_app(), graph=graph)) == ["∥ 1", "∥ 2", "∥ 2", "∥ 1"]


@pytest.mark.django_db(transaction=True)  # a stream is recorded beside the request
def test_loop_variables_of_a_stream_of_dify(console: Client, ingest_key: str) -> None:
    def inside(number: int) -> dict[str, Any]:
        return {"loop_id": "again", "loop_index": number}

    values = {"0": {"draft": "one"}, "1": {"draft": "two"}}
    run = record_events(
        ingest_key,
        ("again", "loop", 0, 9, {"execution_metadata": {"loop_variable_map": values}}),
        ("write", "llm", 1, 2, {"loop_id": "again", "execution_metadata": inside(0)}),
        ("write", "llm", 4, 2, {"loop_id": "again", "execution_metadata": inside(1)}),
    )  # fmt: skip
    loop = NodeExecution.objects.visible().get(run=run, kind="loop")
    tree = check_view(console, passes_url(loop))
    assert "2 iterations" in text_of(tree) and values_in(tree) == [["draft", "one", "two"]]


def test_recorded_steps_that_followed_each_other_have_no_lanes(
    console: Client, record: Any
) -> None:
    record("dify-phoenix")
    for run in Run.objects.all():
        assert 'class="lane"' not in console.get(f"/runs/{run.id}/tracing/").content.decode()


def test_sample_runs_have_their_matrices_and_lanes(console: Client) -> None:
    samples.load(limit=5)
    loops = NodeExecution.objects.visible().filter(kind="iteration")
    failing = loops.filter(run__exceptions__gt=0).first() or loops[0]
    text = text_of(check_view(console, passes_url(failing)))
    assert "with failure" in text and "item" in text
    agent = NodeExecution.objects.filter(app__slug="research-agent", node_id="agent").first()
    assert agent and "iterations" in text_of(check_view(console, passes_url(agent)))
    intake = Run.objects.filter(app__slug="invoice-intake").first()
    assert intake
    tree = check_page(console.get(f"/runs/{intake.id}/tracing/").content.decode())
    assert {text_of(lane) for lane in tree.findall(".//span[@class='lane']")} >= {
        "∥ 1",
        "∥ 2",
        "∥ 3",
    }


def test_each_row_says_what_its_step_did(console: Client) -> None:
    run = make_run()
    agent = make_execution(run, "agent", kind="agent", outputs_preview="Done.")
    for title, kind, given, came, depth in (
        ("model", "llm", "How?", "→ search(query=lanes)", 1),
        ("search", "tool", "lanes " * 20, "One page", 1),
        ("same", "code", "x", "x", 0),
        ("which", "if-else", "x", "true", 0),
        ("start", "start", "How?", "", 0),
    ):
        make_execution(
            run, title, kind=kind, inputs_preview=given, outputs_preview=came, depth=depth,
            parent_id=agent.id if depth else None,
        )  # fmt: skip
    tree = check_view(console, f"/runs/{run.id}/tracing/")
    summaries = {
        text_of(row.find(".//*[@class='step-name']")): text_of(
            row.find(".//*[@class='step-summary']")
        )
        for row in tree.findall(".//tr[@id]")
        if row.find(".//*[@class='step-summary']") is not None
    }
    assert summaries == {
        "model": "→ search(query=lanes)",
        "search": f"{('lanes ' * 20)[:60].strip()}… → One page",
        "same": "x",
        "start": "How?",
    }
