"""Pages over hostile records, and hostile questions to them."""

import re
from html import unescape
from urllib.parse import quote, urlencode

import pytest
from django.urls import resolve

from nodes.models import NodeExecution
from runs.models import App, Conversation, Run
from tests.hostile import NASTY, body, nasty_run, poster, span
from tests.pages import check_page

pytestmark = pytest.mark.django_db
post = pytest.fixture(poster)

ADDRESS = re.compile(r'\b(?:href|hx-get)="([^"]+)"')
ELSEWHERE = ("/static/", "/admin/", "/logout/", "//")


def repr_of(text: str) -> str:
    return ascii(text[:20])


def links_of(page: str) -> set[str]:
    """Every address on a page that leads to another page of the console."""
    links = {unescape(link).partition("#")[0] for link in ADDRESS.findall(page)}
    return {link for link in links if link.startswith("/") and not link.startswith(ELSEWHERE)}


@pytest.mark.parametrize("text", NASTY[1:20:2] + NASTY[20:22], ids=repr_of)
def test_every_page_of_a_nasty_run(post, console, text):
    """Valid pages without anything of it come alive, every link on them leads somewhere. One
    address of each kind is asked: a history alone has hundreds."""
    post(nasty_run(text))
    run = f"/runs/{Run.objects.get().id}"
    waiting = ["/", "/runs/", f"{run}/", f"{run}.json", f"{run}.md", f"{run}/tracing.json"]
    seen: set[str] = set()
    while waiting:
        address = waiting.pop(0)
        kind = resolve(address.partition("?")[0]).view_name
        if kind in seen:
            continue
        seen.add(kind)
        answer = console.get(address)
        assert answer.status_code in (200, 302), address
        if answer.status_code == 302:
            waiting.append(answer["Location"].partition("#")[0])
        elif answer["Content-Type"].startswith("text/html"):
            page = b"".join(answer).decode()
            assert len(page) < 4_500_000 or answer.has_header("Content-Disposition"), address
            if len(page) < 300_000 and "<html" in page:
                check_page(page)
            assert "<script>alert" not in page and "<img src=x" not in page
            waiting += sorted(links_of(page))
    assert len(seen) > 50


@pytest.mark.parametrize("name", ["a/b", "..", "%2F", "a?b#c", "a b", "a\nb", "é/😀", "x" * 300])
def test_nodes_of_any_name_have_a_last_run(post, console, name):
    post(body(span(1, parent=9, name=name)))
    app, node_id = App.objects.get(), NodeExecution.objects.get().node_id
    panel = console.get(
        f"/apps/{app.slug}/graph/?" + urlencode({"node": node_id, "tab": "last-run"})
    )
    assert panel.status_code == 200
    [address] = [
        link for link in links_of(panel.content.decode()) if link.endswith("last-run.json")
    ]
    if ".." not in address.split("/"):  # a browser takes such a step out of an address
        assert console.get(address).json()["node_id"] == node_id


def test_names_that_make_no_slug(post, console):
    names = ["😀", "...", "/", "App", "app", "a/b", "ab", "new", "NEW", "x" * 200, "x" * 199]
    for number, name in enumerate(names):
        post(body(span(1, f"{number + 1:032x}"), service=name))
    apps = App.objects.all()
    assert {app.name for app in apps} == set(names)
    assert len({app.slug for app in apps}) == len(names)
    for app in apps:
        for page in ("", "graph/", "versions/", "conversations/"):
            assert console.get(app.get_absolute_url() + page).status_code == 200
        assert console.get(f"/apps/{app.slug}.json").json()["name"] == app.name


def test_ids_with_slashes_lead_to_their_run(post, console):
    metadata = '{"trace_entity_type": "workflow", "workflow_run_id": "a/b c?d"}'
    post(body(span(1, attributes={"metadata": metadata}), scope="arize_phoenix_tracer_1"))
    run = Run.objects.get()
    address = "/runs/by/" + quote("a/b c?d")
    assert console.get(f"{address}/")["Location"] == run.get_absolute_url()
    assert console.get(f"{address}.json").json()["id"] == str(run.id)


JUNK = ["", "\0", "%", "-1", "9" * 30, "9" * 5000, "1e400", "NaN", "0000-00-00", "9999-12-31T23:59",
        "0001-01-01", "99999w", "2026-13-45", "’; DROP TABLE runs_run; --", "\ufffe", "é" * 300,
        "1~2", f"{2**70}~{'0' * 32}", f"-{2**70}~{'0' * 32}", f"1e15~{'0' * 32}",
        f"NaN~{'0' * 32}", f"sNaN~{'0' * 32}", f"~{'0' * 32}", "٣", "new", "..", "["]  # fmt: skip
PARAMETERS = ["q", "status", "app", "version", "user", "since", "until", "conversation", "source",
         "model", "node", "kind", "error", "tag", "min_duration", "max_duration", "min_tokens",
         "min_cost", "order", "after", "nothing"]  # fmt: skip


@pytest.mark.parametrize("name", PARAMETERS)
def test_filters_answer_junk(post, console, name):
    post(nasty_run("x"))
    for junk in JUNK:
        answer = console.get(f"/runs/?{urlencode({name: junk})}")
        assert answer.status_code in (200, 400), junk


@pytest.mark.parametrize("order", ["started_at", "-started_at", "-duration", "-cost", "-tokens"])
def test_cursors_answer_junk(post, console, order):
    post(nasty_run("x"))
    for junk in JUNK:
        answer = console.get("/runs.json?" + urlencode({"order": order, "after": junk}))
        assert answer.status_code in (200, 400), junk


def test_addresses_answer_junk(post, console):
    post(nasty_run("x"))
    run, slug = Run.objects.get(), App.objects.get().slug
    talk = Conversation.objects.get().id
    bases = [
        f"/apps/{slug}/graph/?version=", f"/apps/{slug}/graph/?node=", f"/apps/{slug}/graph/?run=",
        f"/apps/{slug}/graph.json?version=", f"/apps/{slug}/conversations/?after=",
        f"/apps/{slug}/conversations.json?after=", f"/conversations/{talk}/?after=",
        f"/conversations/{talk}.json?after=", f"/runs/{run.id}/tracing/?from=",
        f"/runs/{run.id}/tracing/?open=", f"/runs/{run.id}/tracing.json?after=",
        "/projects/?redirect_project_name=", "/runs/by/", "/apps/", f"/apps/{slug}/nodes/",
        "/payloads/", "/runs/",
    ]  # fmt: skip
    for base in bases:
        for junk in JUNK[1::2]:
            tail = "" if "?" in base else "/last-run/" if base.endswith("nodes/") else "/"
            answer = console.get(base + quote(junk, safe="") + tail)
            assert answer.status_code in (200, 302, 400, 404), (base, junk)
