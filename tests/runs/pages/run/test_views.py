"""The run page: header, RESULT, DETAIL, TRACING, and the twins."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4, uuid5

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from nodes.models import NodeExecution
from runs.models import Run
from tests.factories import (
    make_app,
    make_conversation,
    make_execution,
    make_payload,
    make_run,
    make_version,
)
from tests.pages import FRAGMENT, check_fragment, check_page, check_view, text_of
from tests.runs.search.searching import index_all

HOSTILE = "<script>alert(1)</script></textarea>\u202egnp.exe\x07"
DEEP = "[" * 10_000 + "]" * 10_000


def failed_run(**fields: Any) -> tuple[Run, NodeExecution]:
    run = make_run(status="failed", error="order A-404 not found", **fields)
    make_execution(run, "Plan", kind="chain", outputs={"plan": "look it up"})
    culprit = make_execution(
        run, "Look up order", kind="tool", status="failed", error="order A-404 not found",
        error_type="LookupError", inputs={"order_id": "A-404"},
        received={"attributes": {"tool.name": "lookup"}, "events": [
            {"name": "exception", "attributes": {"exception.stacktrace": "Traceback: line 7"}}]},
    )  # fmt: skip
    run.failed_execution, run.failed_title, run.failed_node_id = culprit.id, culprit.title, "x"
    run.save()
    return run, culprit


def ident(number: int) -> UUID:
    return uuid5(UUID(int=0), str(number))


def big_run(steps: int) -> Run:
    """A run with an iteration of that many passes less one; the last one failed."""
    run = make_run(status="failed", error="boom", steps=steps, duration_us=steps * 1000)
    rows = [
        NodeExecution(
            id=ident(n + 1), run=run, app=run.app, source_id=str(n), service="s",
            title=f"Step {n}" + "x" * 60, kind="llm" if n else "iteration",
            node_id="work" if n else "it",
            status="failed" if n == steps - 1 else "succeeded", index=n, depth=min(n, 1),
            parent_id=ident(1) if n else None, iteration=str(n - 1) if n else "",
            started_at=run.started_at + timedelta(milliseconds=n),
            duration_us=1000 * (steps if not n else 1),
            self_us=1000, error="boom" if n == steps - 1 else "", inputs_preview="p" * 200,
        )
        for n in range(steps)
    ]  # fmt: skip
    NodeExecution.objects.bulk_create(rows, batch_size=500)
    run.failed_execution = rows[-1].id
    run.save()
    return run


# -- pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "result/", "detail/", "tracing/", "tracing/?all=1"])
def test_every_tab_is_a_page_and_a_fragment(console: Client, path: str) -> None:
    run, _ = failed_run(inputs={"q": "where?"}, version=make_version(make_app()), tags=["beta"])
    check_view(console, f"/runs/{run.id}/{path}")


def test_a_failed_run_says_why_first_and_links_to_the_step(console: Client) -> None:
    run, culprit = failed_run()
    for path in ("", "detail/", "tracing/"):
        text = text_of(check_page(console.get(f"/runs/{run.id}/{path}").content.decode()))
        assert "Look up order failed: order A-404 not found" in text
    page = console.get(f"/runs/{run.id}/").content.decode()
    assert f"/runs/{run.id}/tracing/{culprit.id}/" in page


def test_tracing_of_a_failed_run_opens_the_failing_step(console: Client) -> None:
    run, culprit = failed_run()
    tree = check_view(console, f"/runs/{run.id}/tracing/")
    side = tree.find(".//aside[@id='side']")
    assert "LookupError" in text_of(side) and "A-404" in text_of(side)
    assert "Traceback: line 7" in text_of(side)
    (row,) = tree.findall(".//tr[@aria-current='true']")
    assert row.get("id") == f"x-{culprit.id.hex[-8:]}"


def test_a_succeeded_run_shows_where_the_time_went(console: Client) -> None:
    run = make_run()
    for n in range(3):
        make_execution(run, "Draft", node_id="draft", self_us=1000 * (n + 1))
    side = check_view(console, f"/runs/{run.id}/tracing/").find(".//aside[@id='side']")
    assert "Where the time went" in text_of(side) and "× 3" in text_of(side)


def test_the_panel_is_a_page_and_for_htmx_only_itself(console: Client) -> None:
    run, culprit = failed_run()
    url = f"/runs/{run.id}/tracing/{culprit.id}/"
    tree = check_view(console, url)
    assert "Close" in text_of(tree.find(".//aside[@id='side']"))
    panel = console.get(url, headers=FRAGMENT | {"HX-Target": "side"}).content.decode()
    title, _, aside = panel.partition("</title>")
    words = " ".join(title.removeprefix("\n").replace("<title>", "").split())
    assert words == "Look up order · Tracing · support-desk · Failed · Waylog"
    assert aside.lstrip().startswith("<aside") and '<table class="trace"' not in panel
    check_fragment(panel)


def test_groups_open_and_close_by_link_and_keep_the_panel(console: Client) -> None:
    run = big_run(40)
    key = ident(1).hex[-8:]
    closed = console.get(f"/runs/{run.id}/tracing/?closed={key}").content.decode()
    assert "39 iterations, 1 failed" in text_of(check_page(closed))
    opened = console.get(f"/runs/{run.id}/tracing/?open={key}").content.decode()
    assert opened.count(">Iteration ") == 39
    here = f"/runs/{run.id}/tracing/{ident(2)}/"
    headers = FRAGMENT | {"HX-Target": "tree", "HX-Current-URL": f"http://testserver{here}"}
    response = console.get(f"/runs/{run.id}/tracing/?open={key}", headers=headers)
    assert response["HX-Push-Url"] == f"{here}?open={key}"
    check_fragment(response.content.decode())


def test_iterations_executions_branches_and_attempts_are_shown(console: Client) -> None:
    run = make_run()
    loop = make_execution(run, "Each document", kind="iteration")
    for n in range(2):
        make_execution(run, "Write", parent_id=loop.id, iteration=str(n))
    make_execution(run, "Route", kind="if-else", taken="refund")
    make_execution(run, "Fetch", kind="http-request", status="retry", error="timeout")
    make_execution(run, "Fetch", kind="http-request", attempt=2)
    make_execution(run, "Agent", node_id="agent")
    make_execution(run, "Agent", node_id="agent")
    text = text_of(check_view(console, f"/runs/{run.id}/tracing/"))
    for words in (
        "Iteration 1 of 2",
        "Iteration 2 of 2",
        "→ refund",
        "attempt 2",
        "Retry",
        "#2 of 2",
        "timeout",
    ):
        assert words in text


def test_the_panel_links_the_iterations_around_this_one(console: Client) -> None:
    run = big_run(1000)
    page = console.get(f"/runs/{run.id}/tracing/{ident(700)}/")
    links = text_of(check_page(page.content.decode()).find(".//nav[@class='visits']"))
    assert "#699" in links and "#693" in links and "#705" in links and "#1" not in links.split()
    assert "999 in this run" in links


def test_words_that_a_page_cannot_hold_have_signs(console: Client) -> None:
    app = make_app("odd\x01", slug="odd")
    run = make_run(app, user="u\x02", tags=["t\x03"], trigger="x\x04", environment="e\x05",
                   name="n\x06", version=make_version(app, label="v\x07"))  # fmt: skip
    for path in (f"/runs/{run.id}/tracing/", f"/runs/{run.id}/detail/", "/runs/", "/apps/odd/"):
        check_view(console, path)
    text = text_of(check_view(console, f"/runs/{run.id}/detail/"))
    for words in ("odd␁", "u␂", "t␃", "x␄", "e␅", "n␆", "v␇"):
        assert words in text


def test_a_version_that_is_a_timestamp_is_shown_to_the_minute(console: Client) -> None:
    version = make_version(make_app(), label="2026-11-19 05:32:10.482113")
    run = make_run(version=version)
    for path, shown in ((f"/runs/{run.id}/", ">2026-11-19 05:32<"), ("/runs/", ">#1<")):
        page = console.get(path).content.decode()
        assert shown in page and 'title="2026-11-19 05:32:10.482113"' in page


def test_a_failed_run_without_a_result_says_so_once(console: Client) -> None:
    run, _ = failed_run(outputs={})
    result = check_view(console, f"/runs/{run.id}/").find(".//section[@id='result']")
    said = "The run failed at Look up order before it produced an output. order A-404 not found"
    assert text_of(result) == said
    long = make_run(status="failed", error="long " * 1000)
    page = check_view(console, f"/runs/{long.id}/")
    assert text_of(page.find(".//pre[@class='error']")).count("long") == 1000


def section_of(tree: Any, name: str) -> str:
    """Return the text of the section of RESULT whose heading is `name`."""
    for section in tree.findall(".//section[@aria-labelledby]"):
        if text_of(section.find("h2")) == name:
            return text_of(section)
    return ""


def test_a_failed_run_shows_its_input_that_of_its_step_and_the_last_good_result(
    console: Client,
) -> None:
    app = make_app()
    earlier = timezone.now() - timedelta(days=1)
    good = make_run(
        app, inputs={"order": "A-17"}, outputs={"answer": "It is on its way."}, started_at=earlier
    )
    run, step = failed_run(app=app, inputs={"order": "A-17"}, outputs={})
    step.inputs = make_payload(app, {"order_id": "17"})
    step.save()
    tree = check_view(console, f"/runs/{run.id}/result/")
    assert "A-17" in section_of(tree, "Input")
    assert "order_id 17" in section_of(tree, "Input of Look up order")
    assert "It is on its way." in section_of(tree, "Last good result of the same input")
    assert f"/runs/{good.id}/" in [a.get("href") for a in tree.iter("a")]
    step.inputs = make_payload(app, {"order": "A-17"})
    step.save()
    assert not section_of(check_view(console, f"/runs/{run.id}/"), "Input of Look up order")


SAID = "Partition by month."
TOOL = "a long page from a tool"


@pytest.mark.parametrize(
    "outputs",
    [
        {"messages": [{"role": "user", "content": "How?"},  # LangGraph
                      {"role": "assistant", "content": "", "tool_calls": [
                          {"id": "1", "function": {"name": "read", "arguments": "{}"}}]},
                      {"role": "tool", "tool_call_id": "1", "content": TOOL},
                      {"role": "assistant", "content": SAID}]},
        {"question": "How?", "notes": [TOOL], "report": SAID},  # a state that repeats its input
        {"raw": SAID, "tasks_output": [{"raw": TOOL}], "token_usage": {"total_tokens": 3}},
        [{"type": "function_call", "name": "read", "arguments": "{}", "call_id": "1"},
         {"type": "function_call_output", "call_id": "1", "output": TOOL},
         {"type": "message", "role": "assistant",
          "content": [{"type": "output_text", "text": SAID}]}],
    ],
)  # fmt: skip
def test_the_result_of_an_agent_is_what_the_user_saw(console: Client, outputs: Any) -> None:
    run = make_run(inputs={"question": "How?"}, outputs=outputs)
    tree = check_view(console, f"/runs/{run.id}/")
    result = tree.find(".//section[@id='result']")
    whole = result.find("details")
    shown = text_of(result).removesuffix(text_of(whole))
    assert shown.strip() == SAID and TOOL in text_of(whole)
    assert console.get(f"/runs/{run.id}.json").json()["answer"] == SAID


def test_an_output_that_the_user_saw_whole_is_shown_whole(console: Client) -> None:
    for outputs in ({"answer": "Yes.", "sources": ["a"]}, "Yes.", ["Yes.", "No."]):
        run = make_run(inputs={"question": "How?"}, outputs=outputs)
        result = check_view(console, f"/runs/{run.id}/").find(".//section[@id='result']")
        assert result.find("details") is None and "Yes." in text_of(result)
        assert console.get(f"/runs/{run.id}.json").json()["answer"] is None


def test_a_file_is_shown_as_one(console: Client) -> None:
    file = {"dify_model_identity": "__dify__file__", "filename": "lease.pdf", "size": 12_345,
            "mime_type": "application/pdf", "remote_url": "https://example.org/a.pdf"}  # fmt: skip
    tree = check_view(console, f"/runs/{make_run(outputs={'report': file}).id}/")
    (link,) = [a for a in tree.iter("a") if a.get("href") == file["remote_url"]]
    assert text_of(link) == "lease.pdf, application/pdf, 12.3 KB"
    bad = file | {"remote_url": "javascript:alert(1)"}
    check_view(console, f"/runs/{make_run(outputs={'report': bad}).id}/")


def test_a_parent_that_was_not_received_has_a_place(console: Client) -> None:
    run = make_run()
    orphan = make_execution(run, "Lost child", parent_id=uuid4(), orphan=True)
    tree = check_view(console, f"/runs/{run.id}/tracing/")
    assert "Parent not received" in text_of(tree.find(".//table"))
    assert console.get(f"/runs/{run.id}/tracing/{orphan.parent_id}/").status_code == 404


def test_all_spans_show_wrappers_where_they_were_sent(console: Client) -> None:
    run = make_run()
    wrapper = make_execution(run, "Wrapper", folded=True, source_id="w")
    make_execution(run, "Inner", parent_source_id=wrapper.source_id)
    assert "Wrapper" not in text_of(
        check_view(console, f"/runs/{run.id}/tracing/").find(".//table")
    )
    assert "Wrapper" in text_of(
        check_view(console, f"/runs/{run.id}/tracing/?all=1").find(".//table")
    )


def test_result_belongs_to_workflows(console: Client) -> None:
    conversation = make_conversation(make_app(), last_run_at=timezone.now())
    turn = make_run(
        mode="chatflow", conversation=conversation, inputs={"query": "hello?"}, outputs="hi!"
    )
    answer = console.get(f"/runs/{turn.id}/result/")
    assert (answer.status_code, answer["Location"]) == (302, f"/runs/{turn.id}/tracing/")
    tree = check_view(console, f"/runs/{turn.id}/")
    text = text_of(tree)
    assert "hello?" in text and "hi!" in text and "Conversation" in text
    assert not [a for a in tree.iter("a") if a.get("href", "").endswith("/result/")]


def test_results_of_every_kind(console: Client) -> None:
    run = make_run(outputs="# Done\n\n**all** good")
    assert "<strong>all</strong>" in console.get(f"/runs/{run.id}/result/").content.decode()
    nothing = text_of(check_view(console, f"/runs/{make_run().id}/result/"))
    assert "without an output" in nothing


def test_detail_shows_what_the_run_worked_with(console: Client) -> None:
    run = make_run(
        inputs={"q": "x"}, source_ids={"trace": "abc123"}, environment="staging", user="u-7"
    )
    make_execution(run, model="gpt-4o", provider="openai", counted=True, total_tokens=9,
                   inputs={"messages": [], "parameters": {"temperature": 0.2}},
                   resource={"service.name": "desk"})  # fmt: skip
    text = text_of(check_view(console, f"/runs/{run.id}/detail/"))
    for words in ("abc123", "staging", "u-7", "gpt-4o", "temperature=0.2", "desk"):
        assert words in text


def test_what_the_producer_reports_is_shown_beside_what_adds_up(console: Client) -> None:
    run = make_run(
        total_tokens=150, reported_tokens=300, cost=Decimal("0.1"), reported_cost=Decimal("0.1")
    )
    text = text_of(check_view(console, f"/runs/{run.id}/"))
    assert "Reported tokens" in text and "300 (steps: 150)" in text
    assert "Reported cost" not in text


def test_neighbours_are_runs_of_the_same_app(console: Client) -> None:
    now = timezone.now()
    first, run, last = (make_run(started_at=now + timedelta(seconds=n)) for n in range(3))
    make_run("other-app", started_at=now)
    page = console.get(f"/runs/{run.id}/").content.decode()
    assert f'href="/runs/{first.id}/" rel="prev"' in page
    assert f'href="/runs/{last.id}/" rel="next"' in page
    assert "First run" in console.get(f"/runs/{first.id}/").content.decode()


def in_list(console: Client, address: str) -> list[str]:
    """The links to the runs of a list, in its order."""
    page = check_page(console.get(address).content.decode())
    return [link.get("href") or "" for link in page.findall(".//a[@class='summary']")]


def neighbours(console: Client, address: str) -> tuple[str, str]:
    page = check_page(console.get(address).content.decode())
    links = (page.find(f".//a[@rel='{rel}']") for rel in ("prev", "next"))
    before, after = ("" if link is None else link.get("href") or "" for link in links)
    return before, after


@pytest.mark.parametrize(
    "query",
    ["/runs/", "/runs/?status=failed", "/runs/?status=failed&status=stopped", "/runs/?order=-cost",
     "/runs/?order=-duration&status=failed", "/runs/?q=refund", "/apps/one/?status=failed"],
)  # fmt: skip
def test_neighbours_are_those_of_the_list(console: Client, query: str) -> None:
    now = timezone.now()
    for n in range(9):
        make_run(
            ("one", "two")[n % 2], started_at=now - timedelta(seconds=n),
            status=("failed", "failed", "stopped")[n % 3], duration_us=None if n == 3 else n % 4,
            cost=None if n % 3 else n, inputs_preview="refund", name="refund" if n % 2 else "",
        )  # fmt: skip
    index_all()
    links = in_list(console, query)
    assert len(links) >= 2 and all("?list=" in link for link in links)
    for n, link in enumerate(links):
        expected = (links[n - 1] if n else "", links[n + 1] if n + 1 < len(links) else "")
        assert neighbours(console, link) == expected
    page = check_page(console.get(links[1]).content.decode())
    tabs = page.findall(".//nav[@aria-label='Run']/a[@hx-get]")
    assert tabs and all("?list=" in (tab.get("href") or "") for tab in tabs)
    for tab in tabs:
        assert neighbours(console, tab.get("href") or "")[0] == links[0]
    [back] = [a for a in page.iter("a") if a.text == "List"]
    assert in_list(console, back.get("href") or "") and back.get("href") != "/runs/"


@pytest.mark.parametrize("name", ["", "no=filter", "status=", "%00", "q=" + "x" * 3000, "after=x"])
def test_a_list_that_is_none_leaves_the_neighbours_of_the_app(console: Client, name: str) -> None:
    now = timezone.now()
    first, run = (make_run(started_at=now + timedelta(seconds=n)) for n in range(2))
    answer = console.get(f"/runs/{run.id}/?{urlencode({'list': name})}")
    assert answer.status_code == 200
    assert f"/runs/{first.id}/" in answer.content.decode()


def test_all_runs_of_an_app_are_neighbours_without_a_list(console: Client) -> None:
    make_run()
    assert all("?" not in link for link in in_list(console, "/apps/support-desk/"))


@pytest.mark.parametrize("reported", ["succeeded", "partial-succeeded", ""])
def test_why_a_run_succeeded_in_part(console: Client, reported: str) -> None:
    run = make_run(status="partial-succeeded", exceptions=1)
    facts = {"mode": "workflow"} | ({"status": reported} if reported else {})
    make_execution(run, "Root", folded=True, hints=orjson.dumps({"run": facts}).decode())
    make_execution(run, "Each", status="exception", error="no")
    text = text_of(check_page(console.get(f"/runs/{run.id}/").content.decode()))
    assert "1 step failed and was handled" in text
    assert ("reported this run as succeeded" in text) == (reported == "succeeded")
    assert "came to its end although a step of it failed" in text
    alone = make_run(status="partial-succeeded", exceptions=0)
    text = text_of(check_page(console.get(f"/runs/{alone.id}/").content.decode()))
    assert "The producer reported that this run succeeded in part." in text


# -- live ------------------------------------------------------------------------------------------


def test_a_running_run_polls_until_it_has_ended(console: Client) -> None:
    run = make_run(status="running")
    page = console.get(f"/runs/{run.id}/tracing/").content.decode()
    assert 'hx-trigger="every 3s"' in page and 'hx-trigger="run-changed from:body"' in page
    seen = page.split("header/?seen=")[1].split('"')[0]
    url = f"/runs/{run.id}/header/?seen={seen}"
    quiet = console.get(url, headers=FRAGMENT)
    assert quiet.status_code == 200 and "HX-Trigger" not in quiet
    Run.objects.filter(pk=run.pk).update(status="succeeded", ended_at=timezone.now())
    ended = console.get(url, headers=FRAGMENT)
    assert ended.status_code == 286 and "run-changed" in ended["HX-Trigger"]
    assert "every 3s" not in ended.content.decode()
    check_fragment(ended.content.decode())
    check_page(console.get(url).content.decode())


def test_a_stalled_run_says_so_and_does_not_poll(console: Client) -> None:
    run = make_run(status="running", last_seen_at=timezone.now() - timedelta(hours=2))
    page = console.get(f"/runs/{run.id}/").content.decode()
    assert (
        "Stalled" in page and "Nothing has been received since" in page and "every 3s" not in page
    )


# -- hostile, large, missing -----------------------------------------------------------------------


def test_hostile_content_is_shown_as_text(console: Client) -> None:
    run = make_run(status="failed", name=HOSTILE[:40], error=HOSTILE, outputs={"answer": HOSTILE},
                   inputs=HOSTILE, user="<b>u</b>", tags=["<i>"])  # fmt: skip
    execution = make_execution(
        run, HOSTILE, status="failed", error=HOSTILE, inputs={"k" + HOSTILE: DEEP}, taken="<u>",
        outputs="x" * 1_000_000, node_id="n/<b>?#", received={"attributes": {HOSTILE: HOSTILE}},
    )  # fmt: skip
    for path in ("", "detail/", "tracing/", f"tracing/{execution.id}/"):
        response = console.get(f"/runs/{run.id}/{path}")
        assert "<script>alert" not in response.content.decode()
        assert len(response.content) < 150_000
        check_view(console, f"/runs/{run.id}/{path}")


@pytest.mark.any_database
def test_ten_thousand_steps_paint_in_one_small_response(console: Client) -> None:
    run = big_run(10_000)
    url = f"/runs/{run.id}/tracing/"
    response = console.get(url)
    text = text_of(check_page(response.content.decode()))
    assert "Iteration 9999" in text and "Iterations 1–9998: none failed" in text
    assert len(response.content) < 60_000
    key = ident(1).hex[-8:]
    opened = console.get(f"{url}?open={key}").content
    assert len(opened) < 600_000
    more = console.get(f"{url}?open={key}&from=250", headers=FRAGMENT | {"HX-Target": "more-rows"})
    check_fragment(f"<table><tbody>{more.content.decode()}</tbody></table>")
    assert "Iteration 260" in more.content.decode()


@pytest.mark.parametrize("path", ["", "result/", "detail/", "tracing/", "header/"])
def test_a_missing_run_is_a_sentence(console: Client, path: str) -> None:
    response = console.get(f"/runs/{uuid4()}/{path}")
    assert response.status_code == 404 and "There is no such run" in response.content.decode()
    assert console.post(f"/runs/{make_run().id}/{path}").status_code == 405


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    for path in ("", "detail/", "tracing/", "header/"):
        assert client.get(f"/runs/{uuid4()}/{path}").status_code == 302


@pytest.mark.parametrize("path", ["", "detail/", "tracing/", "panel"])
def test_the_number_of_queries_does_not_grow(
    console: Client, path: str, django_assert_max_num_queries: Any
) -> None:
    run, culprit = failed_run(inputs="x", outputs="y", version=make_version(make_app()))
    for n in range(60):
        make_execution(run, f"Step {n % 5}", model=f"m{n}", inputs={"parameters": {"t": n}})
    url = f"/runs/{run.id}/" + (f"tracing/{culprit.id}/" if path == "panel" else path)
    with django_assert_max_num_queries(23):
        console.get(url)


# -- machines --------------------------------------------------------------------------------------


def test_the_twins_tell_the_same(client: Client, read_key: str) -> None:
    run, culprit = failed_run(inputs={"q": "where?"}, outputs=None)
    key = {"x-api-key": read_key}
    run_json = client.get(f"/runs/{run.id}.json", headers=key).json()
    assert run_json["inputs"] == {"q": "where?"} and run_json["outputs"] is None
    assert run_json["failed_node"]["execution"] == str(culprit.id)
    assert {"metadata", "configuration"} <= run_json.keys()
    listed = client.get(f"/runs/{run.id}/tracing.json", headers=key).json()
    assert [step["title"] for step in listed["executions"]] == ["Plan", "Look up order"]
    assert listed["run"] == str(run.id) and listed["next"] is None
    step = client.get(f"/runs/{run.id}/tracing/{culprit.id}.json", headers=key).json()
    assert step["error"] == "order A-404 not found" and step["inputs"] == {"order_id": "A-404"}
    assert step["attributes"] == {"tool.name": "lookup"}


def test_long_runs_are_paged_in_order(client: Client, read_key: str) -> None:
    run = big_run(2500)
    key = {"x-api-key": read_key}
    url, seen = f"/runs/{run.id}/tracing.json", []
    while url:
        page = client.get(url, headers=key).json()
        seen += [step["index"] for step in page["executions"]]
        url = page["next"]
    assert seen == list(range(2500))


def test_twins_refuse_with_a_sentence(client: Client, ingest_key: str, read_key: str) -> None:
    run = make_run()
    for path in (".json", ".md", "/tracing.json", f"/tracing/{uuid4()}.json"):
        assert client.get(f"/runs/{run.id}{path}").status_code == 401
        forbidden = client.get(f"/runs/{run.id}{path}", headers={"x-api-key": ingest_key})
        assert forbidden.status_code == 403
        missing = client.get(f"/runs/{uuid4()}{path}", headers={"x-api-key": read_key})
        assert missing.status_code == 404 and missing.json()["error"]
    bad = client.get(f"/runs/{run.id}/tracing.json?after=x", headers={"x-api-key": read_key})
    assert bad.status_code == 400 and "after" in bad.json()["error"]
