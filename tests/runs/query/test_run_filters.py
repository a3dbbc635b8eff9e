"""The runs that each field of the search matches, and combinations of fields."""

from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlencode

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.models import ErrorGroup, IngestKey, Note, Rerun, Run
from runs.pages.history.listing import list_runs
from runs.query.run_filters import RunFilters
from runs.search import limits
from runs.search.limits import SearchLimits
from tests.factories import make_app, make_conversation, make_execution, make_run, make_version
from tests.pages import check_page, text_of

GROUP = "5a0c6a3e-9f0b-5c39-8f6e-2f7d1c0b4e55"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def previews(client, text, **parameters):
    """Return the input previews of the runs that the machine twin lists, sorted."""
    response = client.get("/runs.json?" + urlencode({"q": text, **parameters}))
    assert response.status_code == 200, response.content
    return sorted(run["input_preview"] for run in response.json()["runs"])


def error_of(client, text):
    """Return the sentence with which the machine twin refuses a query."""
    response = client.get("/runs.json?" + urlencode({"q": text}))
    assert response.status_code == 400
    return response.json()["error"]


@pytest.fixture
def two_runs(db):
    """Two runs that differ in everything a field can ask for."""
    now = timezone.now()
    app = make_app("The desk", slug="desk")
    group = ErrorGroup.objects.create(
        id=GROUP, app=app, message="Quota exceeded", error_type="openai.QuotaError"
    )
    hit = make_run(
        app, inputs="please refund", inputs_preview="hit", status="failed", user="u-1",
        version=make_version(app, 4, label="2026-11"), source_kind="dify-otlp", name="checkout",
        trigger="webhook", environment="production", error="Quota exceeded", tags=["vip", "日本"],
        failed_node_id="ask-1", failed_title="Ask", error_group=group, duration_us=2_500_000,
        total_tokens=12_000, cost=Decimal("0.05"), cost_currency="USD", steps=120, retries=2,
        started_at=now - timedelta(hours=1), conversation=make_conversation(app, "thread-9"),
        source_ids={"otel-trace": TRACE},
    )  # fmt: skip
    make_execution(hit, "Ask", kind="llm", model="gpt-4o", node_id="ask-1")
    make_execution(hit, "Look up", kind="tool", node_id="tool-1")
    Note.objects.create(run=hit, name="correctness", number=0.25, label="wrong-tone")
    Note.objects.create(run=hit, name="thumbs", number=-1)
    Note.objects.create(run=hit, name="tag", label="to discuss")
    Note.objects.create(run=hit, name="pin")
    miss = make_run(
        "other", inputs="hello", inputs_preview="miss", user="u-2", source_kind="otlp",
        started_at=now - timedelta(days=9), total_tokens=5, duration_us=100_000, tags=["vipp"],
        cost=Decimal("0.001"), steps=1,
    )  # fmt: skip
    make_execution(miss, "Answer", kind="llm", model="gpt-4o-mini")
    Note.objects.create(run=miss, name="fluency", number=0.9, label="fine")
    Note.objects.create(run=miss, name="thumbs", number=1)
    Rerun.objects.create(original=miss, run=hit)
    return hit


@pytest.mark.usefixtures("two_runs")
@pytest.mark.parametrize(
    "text",
    [
        "status:failed", "app:desk", "version:#4", "version:4", "version:2026-11", "user:u-1",
        "since:7d", "conversation:thread-9", f"id:{TRACE}", "name:checkout",
        "source:dify-otlp", "trigger:webhook", "environment:production", "env:production",
        "node:ask-1", "node:Ask", "node:ask", 'node:"Look up"', "kind:tool", "model=gpt-4o",
        "failed_in:ask-1", "failed_in:Ask", "error:quota", f"errorgroup:{GROUP}",
        "tag:vip", "tag:日本", 'tag:"to discuss"', "note:correctness", "label:wrong-tone",
        "thumbs:down", "score:0..0.5", "note:correctness label:wrong-tone score:<0.5",
        "time:>2s", "time:2s..3s", "tokens:>10k", "tokens:12000", "cost:>0.01", "steps:>100",
        "retries:>0", "is:pinned", "is:rerun", "has:error", "has:conversation",
        "has:retry", "refund", '"please refund"', "status:failed refund", "status:failed,stopped",
        "-status:succeeded", "-app:other", "-user:u-2", "-model:gpt-4o-mini", "-note:fluency",
        "-thumbs:up", "-tag:vipp", "-time:<1s", "-label:fine", "-node:Answer", "-score:>0.5",
        f"{TRACE}", "cost>0.01", "duration>=2s", "tokens>10k", "status=failed", "user!=u-2",
        "error:QuotaError", 'error:"QuotaError: Quota"', 'app:"the DESK"', "since>=7d",
        "(status:failed OR cost>1)", "(user:u-9 OR node:Ask kind:llm)", "-(user:u-2 OR cost>1)",
        "NOT (app:other) (tag:vip) (tag:日本)", "is:rerun OR user:u-9",
    ],
)  # fmt: skip
def test_each_field_lets_through_what_it_names(console, text):
    assert previews(console, text) == ["hit"]


@pytest.mark.usefixtures("two_runs")
@pytest.mark.parametrize(
    "text",
    [
        "until:2d", "status:succeeded", "-has:conversation", "-is:pinned", "-errorgroup:" + GROUP,
        "-failed_in:Ask", "time:<1s", "-environment:production", "-kind:tool",
        "-error:quota", "-version:#4", "-conversation:thread-9", "-tag:vip -is:rerun",
    ],
)  # fmt: skip
def test_each_field_excludes_the_other_run(console, text):
    assert previews(console, text) == ["miss"]


@pytest.mark.usefixtures("two_runs")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("user:u-1,u-2", ["hit", "miss"]),
        ("user:u-1 user:u-2", ["hit", "miss"]),
        ("app:desk,other", ["hit", "miss"]),
        ("model:gpt-4o,gpt-4o-mini", ["hit", "miss"]),
        ("note:correctness,fluency", ["hit", "miss"]),
        ("model:gpt-4o", ["hit", "miss"]),
        ("model:GPT", ["hit", "miss"]),
        ("user:u-1 OR user:u-2", ["hit", "miss"]),
        ("(user:u-1 OR user:u-2) -(app:other OR cost>1)", ["hit"]),
        ("(model=gpt-4o OR kind:tool) kind:llm", ["hit"]),
        ("(model=gpt-4o kind:tool OR user:u-9)", []),  # not of one step
        ("model:gpt-4o kind:tool", []),  # not of one step
        ("note:correctness label:fine", []),  # not of one note
        ("score:>0.2 score:<0.3", ["hit"]),
        ("tokens:>1 tokens:<100", ["miss"]),
        ("is:pinned is:finished", ["hit"]),
        ("is:running", []),
        ("version:none", []),
        ("errorgroup:none", []),
        ("has:user has:note has:tag", ["hit", "miss"]),
        ("-user:u-1 -user:u-2", []),
    ],
)
def test_several_terms(console, text, names):
    assert previews(console, text) == names


def test_states(console):
    now = timezone.now()
    old = now - timedelta(hours=3)
    make_run("desk", inputs_preview="going", status="running")
    make_run("desk", inputs_preview="stuck", status="running", last_seen_at=old)
    make_run("desk", inputs_preview="waits", status="paused")
    make_run("desk", inputs_preview="done")
    assert previews(console, "is:running") == ["going", "stuck"]
    assert previews(console, "is:stalled") == ["stuck"]
    assert previews(console, "is:running -is:stalled") == ["going"]
    assert previews(console, "is:paused") == ["waits"]
    assert previews(console, "is:finished") == ["done"]


@pytest.mark.usefixtures("two_runs")
def test_typed_terms_and_parameters_combine(console):
    assert previews(console, "refund", status="failed", min_tokens="10k", tag="vip") == ["hit"]
    assert previews(console, "refund", status="succeeded") == []
    page = check_page(console.get("/runs/?status=failed&q=refund+-user:x").content.decode())
    box = page.find(".//input[@id='id_q']")
    assert box.get("value") == "status:failed -user:x refund"


@pytest.mark.usefixtures("two_runs")
def test_conditions_in_force_can_be_taken_away(console):
    page = check_page(
        console.get("/runs/?q=status:failed+-user:x+refund&order=-started_at").content.decode()
    )
    chips = page.findall(".//a[@class='condition']")
    texts = [text_of(chip) for chip in chips]
    assert [text.partition(" ×")[0] for text in texts] == [
        "status failed",
        "not user x",
        "text refund",
    ]
    assert [chip.get("href") for chip in chips] == [
        "/runs/?q=-user%3Ax+refund",
        "/runs/?q=status%3Afailed+refund",
        "/runs/?q=status%3Afailed+-user%3Ax",
    ]


@pytest.mark.usefixtures("two_runs")
def test_the_form_shows_what_it_can_and_keeps_the_rest(console):
    url = "/runs/?" + urlencode({"q": "status:failed app:desk time:>=2s tokens:>9 -tag:x refund"})
    page = check_page(console.get(url).content.decode())
    form = page.find(".//form[@aria-label='More filters']")
    values = {i.get("name"): i.get("value") for i in form.iter("input") if i.get("value")}
    assert values["min_duration"] == "2s"
    assert values["q"] == "tokens:>9 -tag:x refund"
    checked = [i.get("value") for i in form.iter("input") if "checked" in i.attrib]
    assert checked == ["failed"]
    [app] = [o.get("value") for o in form.iter("option") if "selected" in o.attrib]
    assert app == "desk"


@pytest.mark.usefixtures("two_runs")
def test_apps_that_are_not_there(console):
    assert "there is no app “des”. Did you mean “app:desk”?" in error_of(console, "app:des")
    assert "no app “zzz”" in error_of(console, "-app:zzz")
    response = console.get("/apps/desk/?q=app:other")
    assert "history of one app" in text_of(check_page(response.content.decode()))


@pytest.mark.usefixtures("two_runs")
def test_filters_that_contradict_each_other(console):
    assert "since is not before until" in error_of(console, "since:1d until:2d")
    assert "no letters or digits" in error_of(console, '""')
    assert "newest first" in console.get("/runs.json?q=refund&order=-cost").json()["error"]
    assert "Fewer than 20 words" in error_of(console, " ".join(f"word{n}" for n in range(30)))


@pytest.mark.usefixtures("two_runs")
def test_what_was_probably_meant_is_a_link(console):
    page = check_page(console.get("/runs/?q=stauts:failed+refund").content.decode())
    [link, _] = page.findall(".//div[@role='alert']//a")
    assert text_of(link) == "status:failed"
    page = check_page(console.get(link.get("href")).content.decode())
    assert page.find(".//*[@role='alert']") is None
    assert page.find(".//input[@id='id_q']").get("value") == "status:failed refund"


@pytest.mark.usefixtures("two_runs")
def test_alternatives_are_one_chip_and_stay_in_every_link(console):
    url = "/runs/?q=(user:u-1+OR+user:u-2)+-tag:x&facets=1"
    page = check_page(console.get(url).content.decode())
    texts = [text_of(chip).partition(" ×")[0] for chip in page.findall(".//a[@class='condition']")]
    assert texts == ["not tag x", "any of (user:u-1 OR user:u-2)"]
    facet = page.find(".//section[@aria-label='Model']//a")
    assert "(user:u-1 OR user:u-2)" in parse_qs(facet.get("href"))["/runs/?q"][0]
    form = page.find(".//form[@aria-label='More filters']")
    assert form.find(".//input[@name='q']").get("value") == "-tag:x (user:u-1 OR user:u-2)"


PIECES = st.sampled_from([
    "(", ")", "-(", " ", " OR ", " AND ", "NOT ", '"', "status:failed ", "cost>1 ", "tag:a ",
    "node:Ask ", "model:gpt ", "app:desk ", "refund ", "user!=u-1 ", "is:stalled ", "score<0 ",
    "output:x ", "returned:empty ",
])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40) | st.lists(PIECES, max_size=20).map("".join))
def test_any_text_is_a_list_or_a_sentence(two_runs, text):
    filters = RunFilters(QueryDict(urlencode({"q": text.encode(errors="replace")})))
    if filters.is_valid():
        assert set(list_runs(Run.objects.for_list(), filters).page.rows) <= set(Run.objects.all())
    else:
        assert all(filters.sentences)


def test_a_bound_key_never_leaves_its_app(client, two_runs):
    secret = IngestKey.create("bound", can_read=True, app=make_app("other"))[1]
    headers = {"x-api-key": secret}
    for text in ("", "tokens:>1", "-user:x", "hello"):
        answer = client.get("/runs.json?" + urlencode({"q": text}), headers=headers).json()
        assert [run["input_preview"] for run in answer["runs"]] == ["miss"]
    refused = client.get("/runs.json?q=app:desk", headers=headers)
    assert refused.status_code == 400 and "no app “desk”" in refused.json()["error"]


def test_hits_on_the_page_and_in_json(console, two_runs):
    run = console.get("/runs.json?q=refund").json()["runs"][0]
    assert [(hit["match"], hit["field"]) for hit in run["hits"]] == [("refund", "inputs")]
    assert console.get("/runs.json").json()["runs"][0]["hits"] is None
    page = check_page(console.get("/runs/?q=refund").content.decode())
    assert text_of(page.find(".//tr[@class='hits-row']")).startswith("checkout · input please")
    assert "1 run found; all runs were searched" in text_of(page)


def test_a_search_that_ran_out_of_time_can_go_on(console, monkeypatch):
    now = timezone.now()
    for n in range(3):
        make_run("desk", inputs=f"refund {n}", started_at=now - timedelta(hours=n))
    monkeypatch.setattr(limits, "DEFAULT_LIMITS", SearchLimits(seconds=-1))
    answer = console.get("/runs.json?q=refund").json()
    assert answer["next"] and answer["searched_until"]
    page = check_page(console.get("/runs/?q=refund").content.decode())
    assert "searched back to" in text_of(page)
    [older] = [a for a in page.iter("a") if a.text == "Search older"]
    assert console.get("/runs/" + older.get("href")).status_code == 200
    seen, url = [], "/runs.json?q=refund"
    while url:
        answer = console.get(url[url.index("/runs.json") :]).json()
        seen += [run["id"] for run in answer["runs"]]
        url = answer["next"]
    assert len(seen) == len(set(seen)) == 3


def test_exports_contain_what_a_search_finds(console, two_runs):
    lines = b"".join(console.get("/runs.csv?q=refund")).decode().splitlines()
    assert len(lines) == 2 and str(two_runs.pk) in lines[1]
