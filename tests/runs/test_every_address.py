"""Every address of the console, walked from its URL patterns: who may read it, and what it does
with a hostile question. A new pattern is tested as soon as it is there."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urljoin

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, get_resolver
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.models import NodeExecution
from runs.models import (
    App,
    Conversation,
    ErrorGroup,
    IngestKey,
    Note,
    Rerun,
    Run,
    SavedView,
    ShareLink,
    Version,
)
from runs.pages.guide.addresses import MACHINE_SUFFIX, path_of
from tests.conftest import shared_rows
from tests.hostile import nasty_run, poster

pytestmark = pytest.mark.django_db

SECRET = "zqxmarkzqx"  # in every text of the app that a stranger may not read
# Open to everybody, and holds no data; or its secret is in the address.
OPEN = {"healthz", "llms", "skill-md", "login", "shared-run", "shared-step", "shared-run-json",
        "shared-step-json"}  # fmt: skip
# Take what is sent, and tell nothing of what is there.
WRITABLE_MODELS = (ErrorGroup, Note, Rerun, SavedView, ShareLink)
INGEST_PREFIXES = ("v1/", "api/", "dify/")
PATTERNS = [
    pattern for pattern in get_resolver("runs.urls").url_patterns if isinstance(pattern, URLPattern)
]
READ = [
    pattern
    for pattern in PATTERNS
    if not str(pattern.pattern).startswith(INGEST_PREFIXES) and pattern.name != "logout"
]


@pytest.fixture(scope="module")
def app_of_secrets(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Any]]:
    with shared_rows(django_db_blocker):
        poster(IngestKey.create("ingest", can_ingest=True)[1])(nasty_run(SECRET))
        yield everything_of_the_app(User.objects.create_superuser("owner"))


@pytest.fixture
def places(app_of_secrets: dict[str, Any], db: None) -> dict[str, Any]:
    return app_of_secrets


def everything_of_the_app(owner: User) -> dict[str, Any]:
    """Return what stands in the places of the addresses: everything of one app, full of SECRET."""
    app, run = App.objects.get(), Run.objects.get()
    step = NodeExecution.objects.filter(run=run, folded=False, depth=0).first()
    assert step
    view = SavedView.objects.create(owner=owner, app=app, name=SECRET, query=f"q={SECRET}",
                                    shared=True)  # fmt: skip
    SavedView.objects.create(owner=owner, app=None, name=f"{SECRET} of all", shared=True)
    note = Note.objects.create(run=run, name="comment", text=SECRET, source="person",
                               author="owner")  # fmt: skip
    link, secret = ShareLink.create(run, timedelta(days=1), [], owner)
    rerun = Rerun.objects.create(original=run, sent={"q": SECRET}, requested_by=owner)
    version = Version.objects.get()
    return {
        "slug": app.slug, "run_id": run.id, "source_id": "a" * 32, "execution_id": step.id,
        "node_id": SECRET, "number": version.number, "rerun_id": rerun.id,
        "conversation_id": Conversation.objects.get().id, "group_id": ErrorGroup.objects.get().id,
        "note_id": note.id, "view_id": view.pk, "link_id": link.id, "token": secret,
        "key_id": IngestKey.objects.get().pk, "record_id": 1, "price_id": 1, "name": "x",
        "path": "x",
    }  # fmt: skip


def address_of(pattern: URLPattern, places: dict[str, Any]) -> str:
    route = str(pattern.pattern)
    for part in route.split("<")[1:]:
        place = part.partition(">")[0]
        route = route.replace(f"<{place}>", quote(str(places[place.rpartition(":")[2]]), safe=""))
    return f"/{route}"


def stranger_queries(places: dict[str, Any]) -> list[str]:
    """Return query strings by which a stranger may try to read the app after all."""
    run, app = places["run_id"], places["slug"]
    return ["", f"?q={SECRET}", f"?a={run}&b={run}", f"?app={app}", f"?run={run}&state=all"]


def body_of(answer: Any) -> str:
    return b"".join(answer).decode("utf-8", "replace")


def reveals_app(answer: Any, places: dict[str, Any]) -> bool:
    """Whether an answer holds anything of the app, but for what the query itself named."""
    names = ("run_id", "execution_id", "conversation_id", "group_id", "note_id", "rerun_id")
    body = body_of(answer)
    return SECRET in body or any(str(places[name]) in body for name in names)


@pytest.mark.any_database
@pytest.mark.parametrize("pattern", READ, ids=lambda pattern: f"{pattern.name}:{pattern.pattern}")
def test_a_key_of_another_app_reads_nothing(places, pattern, admin):
    """Nor is somebody without key and session."""
    other = App.objects.create(name="other", slug="other")
    stranger = IngestKey.create("stranger", can_read=True, app=other)[1]
    address = address_of(pattern, places)
    if pattern.name in OPEN:
        return
    anonymous = Client().get(address)
    assert anonymous.status_code in (302, 401, 405), address
    for question in stranger_queries(places):
        answer = Client().get(address + question, headers={"x-api-key": stranger})
        assert answer.status_code in (200, 302, 400, 401, 403, 404, 405), address + question
        if answer.status_code in (200, 302):
            if answer.status_code == 302:
                assert answer["Location"].startswith("/login/"), address + question
            else:
                assert not reveals_app(answer, places), address + question


# Tell of no single run: what a stranger asks of them is tested all the same.
WITHOUT_RUNS = {"facets-json", "inbox-json", "inbox-refused-json", "openapi-json", "sums-json"}
TWINS = [
    pattern
    for pattern in READ
    if MACHINE_SUFFIX.search(path_of(pattern)) and pattern.name not in OPEN | WITHOUT_RUNS
]
REQUIRED_QUERIES = {
    "run-compare-json": "?a={run_id}&b={run_id}",
    "app-versions-compare-json": "?a={number}&b={number}",
}


@pytest.mark.parametrize("pattern", TWINS, ids=lambda pattern: f"{pattern.name}:{pattern.pattern}")
def test_a_key_of_the_app_reads_it(places, pattern):
    """Without it the test above proves nothing."""
    secret = IngestKey.create("own", can_read=True, app=App.objects.get())[1]
    query = REQUIRED_QUERIES.get(pattern.name or "", "").format(**places)
    answer = Client().get(address_of(pattern, places) + query, headers={"x-api-key": secret})
    assert answer.status_code == 200, answer.content[:200]
    assert reveals_app(answer, places)


WRITES = [
    pattern
    for pattern in READ
    if not MACHINE_SUFFIX.search(path_of(pattern)) and pattern.name != "login"
]


@pytest.mark.any_database
@pytest.mark.parametrize("pattern", WRITES, ids=lambda pattern: f"{pattern.name}:{pattern.pattern}")
def test_nothing_is_written_without_a_token_or_by_a_key(places, pattern, admin):
    """Wherever something is sent from another site, or with a key that only reads."""
    address, secret = address_of(pattern, places), IngestKey.create("own", can_read=True)[1]
    before = [list(model.objects.values()) for model in WRITABLE_MODELS]
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(admin)
    form = {"name": "forged", "thumb": "up", "comment": "forged", "lasts": "1h", "to": "resolved"}
    # One that takes no POST says so, unless it asks for the token or a key first.
    assert forged.post(address, form).status_code in (401, 403, 405), address
    by_key = Client().post(address, form, headers={"x-api-key": secret})
    assert by_key.status_code in (302, 401, 403, 404, 405, 415), address
    assert [list(model.objects.values()) for model in WRITABLE_MODELS] == before


NAMES = sorted({
    "a", "after", "all", "app", "author", "b", "closed", "columns", "error", "errorgroup",
    "execution",
    "facets", "figures",
    "first", "from", "heat", "is", "label", "live", "name", "next", "node", "note", "only", "open",
    "opened", "order", "pair", "path", "q", "run", "runs", "scope", "seen", "show", "since", "sort",
    "source", "state", "status", "step", "tab", "tag", "thumbs", "told", "tokens", "until", "user",
    "version", "view", "ways", "why", "with", "nothing",
})  # fmt: skip
JUNK = ["", " ", "\0", "%", "%00", "-1", "0", "1", "9" * 6, "9" * 30, "9" * 5000, "1e400", "NaN",
        "²", "٣",
        "0000-00-00", "9000-12-31T23:59", "0001-01-01", "99999w", "’; DROP TABLE runs_run; --",
        "\ufffe", "é" * 300, "x" * 20_000, "1~2", f"{2**70}~{'0' * 32}", f"1e15~{'0' * 32}",
        f"~{'0' * 32}", "new", "..", "[", "(" * 200, '"', ",", ":", "a:b", "-", "//evil.example",
        "/0/1/~1/~0/~2", "/" * 5000, "0" * 32, "-started_at", "-cost", "failures", "failed", "all",
        "inputs", "outputs", "outputs/0", "success", "<script>alert(1)</script>", "\n",
        "2026-11-22",
        "status:failed", "tokens:>1e9", "is:running -is:running", "x " * 300]  # fmt: skip
HTMX = [{}, {"HX-Request": "true"}] + [
    {"HX-Request": "true", "HX-Target": target}
    for target in ("side", "run-results", "difference-x", "header-notes", "step-notes", "notes",
                   "turn-notes-x", "\ud7ff")
]  # fmt: skip
junk_queries = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from([*JUNK, "{run_id}", "{execution_id}", "{conversation_id}", "{group_id}",
                         "{node_id}", "{slug}"]) | st.text(max_size=30),
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=100)
@given(st.sampled_from(READ), junk_queries, st.sampled_from(HTMX))
def test_every_address_answers_junk(places, console, pattern, query, headers):
    """Right, wrong or not there; never an error of ours, and nothing comes alive."""
    parameters = [
        (name, str(places[value[1:-1]]) if value[:1] == "{" and value[1:-1] in places else value)
        for name, value in query
    ]
    address = f"{address_of(pattern, places)}?{urlencode(parameters)}"
    answer = console.get(address, headers=headers)
    assert answer.status_code in (200, 286, 302, 400, 404, 405), address[:300]
    if "json" not in answer.get("Content-Type", ""):  # which repeats the query
        assert "<script>alert" not in body_of(answer)
    if answer.status_code == 302:
        assert urljoin("http://site/login/", answer["Location"]).startswith("http://site/")


@given(st.data())
@settings(max_examples=60)
def test_places_of_addresses_answer_junk(places, console, data):
    pattern = data.draw(st.sampled_from([item for item in READ if "<" in str(item.pattern)]))
    junk = st.sampled_from([text for text in JUNK if text]) | st.text(min_size=1, max_size=20)
    route = str(pattern.pattern)
    for part in route.split("<")[1:]:
        place = part.partition(">")[0]
        kept = data.draw(st.booleans())
        value = str(places[place.rpartition(":")[2]]) if kept else data.draw(junk)
        route = route.replace(
            f"<{place}>", quote(value, safe=data.draw(st.sampled_from(["", "/"])))
        )
    answer = console.get(f"/{route}")
    assert answer.status_code in (200, 301, 302, 400, 404, 405), route
    body_of(answer)
