"""Comparing runs, versions and turns, through their pages and twins."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from nodes.diff.verdicts import NO_INPUTS, VERDICTS
from nodes.digests import digest_of
from nodes.models import Payload
from runs import samples
from runs.models import IngestKey, Run
from tests.factories import (
    make_app,
    make_conversation,
    make_execution,
    make_payload,
    make_run,
    make_version,
)
from tests.pages import FRAGMENT, check_fragment, check_page, check_view, text_of

pytestmark = pytest.mark.django_db
QUESTION = "How long can I return"
HOSTILE = "<script>alert(1)</script>\u202e"


def address(a, b, **more):
    query = "&".join(f"{key}={value}" for key, value in {"a": a.id, "b": b.id, **more}.items())
    return f"/runs/compare/?{query}"


def twin(console, a, b):
    answer = console.get(address(a, b).replace("compare/", "compare.json"))
    assert answer.status_code == 200, answer.content
    return answer.json()


def headline(tree):
    return text_of(tree.find(".//h2[@id='headline']"))


def pair_of_runs(outputs=("30 days", "14 days"), **facts):
    """Two runs of the same input that part at the step Find."""
    app = make_app()
    runs = []
    for n, output in enumerate(outputs):
        began = timezone.now() - timedelta(hours=2 - n)
        run = make_run(app, inputs={"q": "how long?"}, inputs_preview="how long?",
                       started_at=began, **facts)  # fmt: skip
        make_execution(run, "Start", kind="start", inputs={"q": "how long?"}, outputs={"q": "x"})
        make_execution(run, "Find", kind="tool", inputs={"q": "x"}, outputs={"text": output})
        make_execution(run, "Answer", inputs={"facts": output}, outputs={"text": f"In {output}."})
        runs.append(run)
    return runs


# -- the samples ---------------------------------------------------------------------------------


def test_why_the_same_question_was_answered_differently_on_two_days(console):
    samples.load(limit=5)
    asked = Run.objects.filter(app__slug="support-chat", inputs_preview__startswith=QUESTION)
    a, b = asked.order_by("started_at")
    tree = check_view(console, address(a, b))
    assert headline(tree) == "First origin: Help centre"
    text = text_of(tree)
    assert "Same inputs, another output." in text and "within 14 days" in text
    # The classifier's answer differs in its meters alone, which is said.
    assert "1 value differs only in ids, dates with a time, token usage, latency and 1" in text
    verdicts = {pair["title"]: pair["verdict"] for pair in twin(console, a, b)["pairs"]}
    assert verdicts["What is it about?"] == "same"
    assert verdicts["Answer from articles"] == verdicts["Answer"] == "inherited"


def test_a_failed_invoice_is_compared_with_the_one_that_passed(console):
    samples.load(limit=12)
    failed = Run.objects.filter(app__slug="invoice-intake", status="failed").first()
    page = console.get(f"/runs/{failed.id}/").content.decode()
    link = f"/runs/compare/?b={failed.id}&amp;with=success"
    assert link in page
    answer = console.get(link.replace("&amp;", "&"), follow=True)
    tree = check_page(answer.content.decode())
    text = text_of(tree)
    assert "A is the nearest success with the same input." in text
    assert "First to end otherwise: " in text and "what changed between them" in text


@pytest.mark.parametrize(
    "name", ["langgraph-openinference", "dify-phoenix", "openai-agents-openinference"]
)
def test_a_recorded_run_compared_with_itself_is_all_same(console, record, name):
    record(name)
    for run in Run.objects.all()[:4]:
        told = twin(console, run, run)
        assert {pair["verdict"] for pair in told["pairs"]} <= {"same"}
        assert told["first_divergence"] is None
        assert "A and B are the same run." in text_of(check_view(console, address(run, run)))


def test_recorded_runs_compared_the_other_way_round_tell_the_same(console, record):
    record("dify-phoenix")
    mirror = {"only_a": "only_b", "only_b": "only_a"}
    runs = list(Run.objects.order_by("-steps")[:4])
    for a in runs:
        for b in runs:
            there, back = twin(console, a, b), twin(console, b, a)
            assert [
                (pair["b"], pair["a"], mirror.get(pair["verdict"], pair["verdict"]))
                for pair in there["pairs"]
            ] == [(pair["a"], pair["b"], pair["verdict"]) for pair in back["pairs"]]


# -- the page ------------------------------------------------------------------------------------


def test_the_first_origin_is_the_headline_with_its_difference_open(console):
    a, b = pair_of_runs()
    tree = check_view(console, address(a, b))
    assert headline(tree) == "First origin: Find"
    shown = tree.find(".//section[@aria-labelledby='headline']")
    assert [text_of(one) for one in shown.findall(".//del")] == ["30 days"]
    assert [text_of(one) for one in shown.findall(".//ins")] == ["14 days"]
    words = [text_of(row) for row in tree.findall(".//li[@class='same-steps']")]
    assert words == ["1 step the same"]


def test_the_twin_says_what_the_contract_says(console):
    a, b = pair_of_runs()
    told = twin(console, a, b)
    assert told["a"]["id"] == str(a.id) and told["b"]["id"] == str(b.id)
    first = told["first_divergence"]
    assert first.pop("values") == {
        "Result": [{"path": "text", "change": "changed", "before": "30 days", "after": "14 days"}]
    }
    assert first == told["pairs"][1] and first["verdict"] == "origin"
    assert first["node_id"] == "find" and first["iteration"] == [] and first["attempt"] == 1
    assert first["differences"] == ["outputs"] and first["reason"] == "same inputs, another output"
    assert first["a"] == str(a.executions.get(title="Find").id)
    assert set(told["counts"]) == set(VERDICTS) and told["next"] is None


def test_a_row_opens_its_difference_in_place_and_at_its_own_address(console):
    a, b = pair_of_runs()
    ids = [run.executions.get(title="Answer").id.hex for run in (a, b)]
    key = ".".join(ids)
    tree = check_view(console, address(a, b, pair=key))
    opened = tree.find(f".//li[@id='p-{key.replace('.', '-')}']")
    assert opened.get("aria-current") == "true" and "14 days" in text_of(opened)
    part = console.get(
        address(a, b, pair=key), headers=FRAGMENT | {"HX-Target": f"difference-{key}"}
    )
    check_fragment(part.content.decode())
    assert "14 days" in part.content.decode() and "compare-rows" not in part.content.decode()


@pytest.mark.parametrize(
    "pair", ["x", ".", "a.b.c", f"{UUID(int=7).hex}.{UUID(int=8).hex}", "\x00."]
)
def test_a_pair_that_is_none_opens_nothing(console, pair):
    a, b = pair_of_runs()
    assert console.get("/runs/compare/", {"a": a.id, "b": b.id, "pair": pair}).status_code == 200


def test_a_pair_of_other_runs_is_not_shown(console):
    a, b = pair_of_runs()
    stranger = make_execution(make_run("elsewhere"), outputs={"secret": "of another run"})
    page = console.get(address(a, b, pair=f"{stranger.id.hex}.{stranger.id.hex}"))
    assert "of another run" not in page.content.decode()


def test_filters_show_one_verdict_or_all(console):
    a, b = pair_of_runs()
    rows = ".//ol[@class='compare-rows']/li[@data-row]"

    def verdicts(show):
        tree = check_view(console, address(a, b, show=show))
        return [text_of(row.find(".//span[@class='verdict']")) for row in tree.findall(rows)]

    assert verdicts("") == ["Origin", "Inherited"]
    assert verdicts("all") == ["Same", "Origin", "Inherited"]
    assert verdicts("inherited") == ["Inherited"] and verdicts("nonsense") == verdicts("")


def test_what_differed_from_the_start_is_told_before(console):
    app = make_app()
    a = make_run(app, version=make_version(app, 1), inputs={"q": "one"}, user="u-1")
    b = make_run(app, version=make_version(app, 2), inputs={"q": "two"}, user="u-1")
    for run, asked, model in ((a, "one", "small"), (b, "two", "large")):
        make_execution(run, "Answer", inputs={"q": asked}, outputs={"t": asked}, model=model)
    tree = check_view(console, address(a, b))
    assert headline(tree) == "No origin among the steps: the runs were given different inputs."
    begun = text_of(tree.find(".//div[@class='beginning']"))
    assert "v1 → in B v2" in begun and "small → in B large" in begun and "q onetwo" in begun
    assert "User" not in begun
    assert f"/apps/{app.slug}/versions/compare/?a=1&b=2" in [
        link.get("href") for link in tree.iter("a")
    ]


def test_ids_and_times_hide_no_origin_and_that_is_said(console):
    runs = []
    for output in ("30 days", "14 days"):
        run = make_run(inputs={"q": "x", "sys.workflow_run_id": str(uuid4())})
        given = {"q": "x", "sys.workflow_run_id": str(uuid4()), "at": timezone.now().isoformat()}
        make_execution(run, "Find", inputs=given, outputs={"text": output})
        runs.append(run)
    told = twin(console, *runs)
    assert told["first_divergence"]["verdict"] == "origin" and told["given"] == "alike"
    text = text_of(check_view(console, address(*runs)))
    assert "2 values differ only in ids" in text and "No origin" not in text


@pytest.mark.parametrize("meters_only", [True, False])
def test_values_are_looked_into_as_long_as_that_helps(console, meters_only):
    runs = [make_run(), make_run()]
    for place, run in enumerate(runs):
        for n in range(120):
            output = {"n": n, "usage" if meters_only else "told": place}
            make_execution(run, f"Step {n}", inputs={"n": n}, outputs=output, index=n)
    told = twin(console, *runs)
    text = text_of(check_view(console, address(*runs)))
    assert told["counts"]["same" if meters_only else "origin"] == 120
    assert ("120 values differ only in ids" if meters_only else "70 differing values are") in text


def test_values_that_are_deleted_meanwhile_differ(console, monkeypatch):
    a, b = pair_of_runs()
    monkeypatch.setattr(type(Payload.objects), "in_bulk", lambda *_: {})
    assert twin(console, a, b)["first_divergence"]["verdict"] == "origin"


def test_a_run_that_goes_on_is_said_to(console):
    a, b = pair_of_runs()
    Run.objects.filter(pk=b.pk).update(status="running", last_seen_at=timezone.now())
    assert "B has not finished" in text_of(check_view(console, address(a, b)))
    assert "A has not finished" in text_of(check_view(console, address(b, a)))
    assert "not finished" not in text_of(check_view(console, address(b, b)))
    Run.objects.update(status="running")
    assert "A and B have not finished" in text_of(check_view(console, address(a, b)))


def test_the_digest_of_no_inputs_is_known():
    assert digest_of(make_payload(make_app(), {}).id.hex) in NO_INPUTS


def test_runs_in_which_nothing_differs(console):
    a, b = pair_of_runs(("30 days", "30 days"))
    tree = check_view(console, address(a, b))
    assert headline(tree) == "No step differs." and "Nothing differs" in text_of(tree)
    bare = [make_run(), make_run()]
    tree = check_view(console, address(*bare))
    assert headline(tree) == "Neither run has steps." and "Nothing differs" not in text_of(tree)


def test_hostile_texts_come_not_alive(console):
    a, b = pair_of_runs((HOSTILE, HOSTILE * 20), error=HOSTILE, name=HOSTILE, user=HOSTILE)
    make_execution(b, HOSTILE, inputs={HOSTILE: HOSTILE}, taken=HOSTILE, error=HOSTILE)
    key = "." + b.executions.get(title=HOSTILE).id.hex
    for page in (address(a, b), address(a, b, show="all", pair=key)):
        check_view(console, page)
        assert "<script>alert" not in console.get(page).content.decode()


def test_white_space_is_shown_where_it_alone_differs(console):
    a, b = pair_of_runs(("30 days", "30  days\n"))
    text = text_of(check_view(console, address(a, b)))
    assert "Only white space differs." in text and "30··days↵" in text
    [change] = twin(console, a, b)["first_divergence"]["values"]["Result"]
    assert (change["before"], change["after"]) == ("30 days", "30  days\n")


def test_a_step_that_a_running_run_has_not_come_to_is_no_origin(console):
    a, b = pair_of_runs(("30 days", "30 days"))
    b.executions.filter(title__in=["Find", "Answer"]).delete()
    told = twin(console, a, b)
    assert told["first_divergence"]["verdict"] == "only_a"
    Run.objects.filter(pk=b.pk).update(status="running", last_seen_at=timezone.now())
    told = twin(console, a, b)
    assert told["first_divergence"] is None and told["counts"]["only_a"] == 2
    assert headline(check_view(console, address(a, b))) == "No origin among the steps so far."
    assert headline(check_view(console, address(b, a))) == "No origin among the steps so far."


def test_values_too_large_to_read_are_said_to_be(console):
    a, b = pair_of_runs(("x" * 3_000_000, "x" * 2_999_999 + "y"))
    answer = console.get(address(a, b)).content.decode()
    assert "Too large to be read whole" in answer and len(answer) < 200_000
    assert "too large, or too many, to be looked into" in answer


def test_a_long_comparison_is_bounded(console, django_assert_max_num_queries):
    runs = [make_run(), make_run()]
    for run in runs:
        for n in range(300):
            make_execution(run, f"Step {n}", inputs={"n": n}, outputs={"of": str(run.id)}, index=n)
    with django_assert_max_num_queries(14):
        answer = console.get(address(*runs, show="all"))
    page = check_page(answer.content.decode())
    assert len(page.findall(".//li[@data-row]")) == 100 and "Further steps" in text_of(page)
    rest = check_view(console, address(*runs, show="all", **{"from": "200"}))
    assert len(rest.findall(".//li[@data-row]")) == 100


# -- which run to compare with -------------------------------------------------------------------


def success(app, hours, asked, **fields):
    """A success so many hours ago; negative: to come."""
    began = timezone.now() - timedelta(hours=hours)
    fields = {"inputs": {"q": asked}, "inputs_preview": asked} | fields
    return make_run(app, started_at=began, **fields)


@pytest.fixture
def failed():
    app = make_app()
    return success(app, 0, "this", status="failed", error="no", version=make_version(app, 2))


def chosen(console, run):
    answer = console.get(f"/runs/compare/?b={run.id}&with=success")
    if answer.status_code == 200:
        return None
    page = text_of(check_page(console.get(answer["Location"]).content.decode()))
    return answer["Location"].split("a=")[1][:36], page.split("A is the ")[1].split(".")[0]


def test_the_last_success_is_the_nearest_with_the_same_input(console, failed):
    app, version = failed.app, failed.version
    assert chosen(console, failed) is None
    after = success(app, -1, "other")
    assert chosen(console, failed) == (str(after.id), "nearest success; none near had the same "
                                       "input or version")  # fmt: skip
    before = success(app, 9, "other")
    assert chosen(console, failed)[0] == str(before.id)
    same_version = success(app, 10, "other", version=version)
    assert chosen(console, failed)[0] == str(same_version.id)
    asked = success(app, 11, "this", inputs={"q": "this", "sys.workflow_run_id": str(uuid4())})
    assert chosen(console, failed) == (str(asked.id), "nearest success that was asked the same")
    same_input = success(app, 12, "this")
    assert chosen(console, failed) == (str(same_input.id), "nearest success with the same input")
    success(app, 13, "this")
    success(make_app("elsewhere"), 1, "this")
    assert chosen(console, failed)[0] == str(same_input.id)


def test_the_same_input_is_found_far_back(console, failed, monkeypatch):
    """Beyond those that are looked at for one that is alike."""
    monkeypatch.setattr("runs.pages.compare.baseline.MAX_RANKED", 2)
    for hour in range(5):
        success(failed.app, hour + 1, "other")
    same = success(failed.app, 40, "this")
    assert chosen(console, failed) == (str(same.id), "nearest success with the same input")
    monkeypatch.setattr("runs.pages.compare.baseline.MAX_SAME_INPUT", 3)
    assert chosen(console, failed)[1].startswith("nearest success; none near")


def test_without_a_success_there_is_a_sentence_and_a_choice(console, failed):
    other = success(failed.app, 1, "this", status="failed")
    text = text_of(check_view(console, f"/runs/compare/?b={failed.id}&with=success"))
    assert "No run of this app has succeeded" in text
    tree = check_view(console, f"/runs/compare/?b={failed.id}")
    links = [link.get("href") for link in tree.iter("a")]
    assert f"/runs/compare/?b={failed.id}&a={other.id}" in links and "same input text" in text


def test_turns_of_the_same_conversation_can_be_chosen(console):
    app = make_app("chat", mode="chatflow")
    talk = make_conversation(app)
    one, two = (make_run(app, conversation=talk) for _ in range(2))
    text = text_of(check_view(console, f"/runs/compare/?a={one.id}"))
    assert "Turns of the same conversation" in text
    assert two.id != one.id


def test_runs_are_found_by_the_producers_ids_too(console):
    a, b = pair_of_runs()
    a.sources.create(kind="trace", source_id="4bf92f3577b34da6a3ce929d0e0e4736")
    answer = console.get(f"/runs/compare/?a=4bf92f3577b34da6a3ce929d0e0e4736&b={b.id}")
    assert "First origin" in answer.content.decode()


@pytest.mark.parametrize("name", ["nonsense", "\x00", str(UUID(int=7)), "x" * 5000])
def test_a_run_that_is_none_is_a_404_with_a_sentence(console, name):
    answer = console.get("/runs/compare/", {"a": name, "b": name})
    assert answer.status_code == 404
    told = console.get("/runs/compare.json", {"a": name, "b": name})
    assert told.status_code == 404 and "no such run" in told.json()["error"]


def test_without_runs_the_page_asks_for_them(console):
    assert "Run A" in text_of(check_view(console, "/runs/compare/"))
    assert "Name two runs" in console.get("/runs/compare.json").json()["error"]


def test_a_bound_key_compares_runs_of_its_app_only(client):
    a, b = pair_of_runs()
    other = make_run("elsewhere")
    key = IngestKey.create("read", can_ingest=False, can_read=True, app=a.app)[1]
    headers = {"x-api-key": key}
    assert client.get(f"/runs/compare.json?a={a.id}&b={b.id}", headers=headers).status_code == 200
    found = client.get(f"/runs/compare.json?a={a.id}&b={other.id}", headers=headers)
    assert found.status_code == 404
    assert client.get(f"/runs/compare.json?a={a.id}&b={b.id}").status_code == 401
    assert client.get(address(a, b)).status_code == 302


# -- versions ------------------------------------------------------------------------------------


def node(name, **config):
    return {"id": name, "type": "llm", "kind": "llm", "title": name.title(), "config": config}


@pytest.fixture
def versions():
    app = make_app()
    edges = [{"source": "start", "target": "answer", "handle": ""}]
    make_version(app, 1, graph={"nodes": [node("start"), node("answer", prompt="Be kind.")],
                                "edges": edges}, configuration={"opener": "Hi"})  # fmt: skip
    make_version(app, 2, graph={"nodes": [node("start"), node("answer", prompt="Be brief."),
                                          node("check")], "edges": edges})  # fmt: skip
    first, second = app.versions.order_by("number")
    for n in range(4):
        make_run(app, version=first, duration_us=1_000_000, total_tokens=100)
        make_run(app, version=second, duration_us=(n + 1) * 1_000_000, total_tokens=200,
                 status="failed" if n == 3 else "succeeded")  # fmt: skip
    make_run(app, version=second, status="running")
    return first, second


def test_two_versions_before_and_after(console, versions):
    url = "/apps/support-desk/versions/compare/?a=1&b=2"
    text = text_of(check_view(console, url))
    assert "100.0 %" in text and "75.0 %" in text and "−25.0 points" in text
    assert "+1.00 s (×2.0)" in text and "+100 (×2.0)" in text
    told = console.get(url.replace("compare/", "compare.json")).json()
    assert told["b"]["runs"] == 4 and told["b"]["p95_us"] == 4_000_000
    assert told["a"]["median_us"] == 1_000_000 and told["a"]["tokens_per_run"] == 100


def test_what_changed_between_two_versions(console, versions):
    told = console.get("/apps/support-desk/versions/compare.json?a=v1&b=v2").json()
    assert [(one["change"], one["id"]) for one in told["nodes"]] == [
        ("changed", "answer"),
        ("added", "check"),
    ]
    [change] = told["nodes"][0]["settings"]
    assert (change["path"], change["before"], change["after"]) == (
        "prompt", "Be kind.", "Be brief.",
    )  # fmt: skip
    back = console.get("/apps/support-desk/versions/compare.json?a=v2&b=v1").json()
    assert {(one["change"], one["id"]) for one in back["nodes"]} == {
        ("changed", "answer"),
        ("removed", "check"),
    }
    [change] = told["configuration"]
    assert change["path"] == "" and '"opener": "Hi"' in change["before"]


def test_versions_without_a_sent_graph_are_compared_by_what_ran(console):
    app = make_app()
    for number, title in ((1, "Old way"), (2, "New way")):
        make_execution(make_run(app, version=make_version(app, number)), title)
    text = text_of(check_view(console, "/apps/support-desk/versions/compare/"))
    assert "Nobody sent the graph" in text and "Old way" in text and "New way" in text


def test_a_step_that_calls_another_model_is_told(console):
    app = make_app()
    for number, model in ((1, "large"), (2, "small")):
        run = make_run(app, version=make_version(app, number))
        make_execution(run, "Answer", model=model)
        make_execution(run, "Rank", model="ranker")
    url = "/apps/support-desk/versions/compare/?a=1&b=2"
    told = console.get(url.replace("compare/", "compare.json")).json()["models"]
    assert told == [{"title": "Answer", "before": "large", "after": "small"}]
    assert "large → then small" in text_of(check_view(console, url))


def test_the_list_of_versions_leads_to_what_changed(console, versions):
    tree = check_view(console, "/apps/support-desk/versions/")
    assert "/apps/support-desk/versions/compare/?b=2" in [one.get("href") for one in tree.iter("a")]
    tree = check_view(console, "/apps/support-desk/versions/compare/?b=2")
    chosen = [one.get("value") for one in tree.iter("option") if one.get("selected") is not None]
    assert chosen == ["1", "2"]


def test_versions_that_are_none(console, versions):
    base = "/apps/support-desk/versions/compare"
    for name in ("9", "x", "%00", "9" * 400):
        assert console.get(f"{base}/?a={name}").status_code == 404
        assert console.get(f"{base}.json?a={name}&b=1").status_code == 404
    assert console.get("/apps/none/versions/compare/").status_code == 404
    make_app("bare")
    assert "Only one version" in text_of(check_view(console, "/apps/bare/versions/compare/"))


def test_comparing_versions_asks_a_fixed_number_of_questions(
    console, versions, django_assert_max_num_queries
):
    for n in range(30):
        make_run(versions[0].app, version=versions[0], duration_us=n)
        make_version(versions[0].app, n + 3)
    with django_assert_max_num_queries(14):
        console.get("/apps/support-desk/versions/compare/?a=1&b=2")


# -- turns ---------------------------------------------------------------------------------------


def test_turns_of_a_conversation_side_by_side(console, django_assert_max_num_queries):
    app = make_app("chat", mode="chatflow")
    talk = make_conversation(app)
    runs = []
    for n, (asked, way) in enumerate([("one", "Search"), ("two", "Refund"), ("three", "Search"),
                                      ("four", "Search")]):  # fmt: skip
        began = timezone.now() - timedelta(minutes=9 - n)
        run = make_run(app, conversation=talk, started_at=began, inputs={"query": asked},
                       outputs={"answer": f"re {asked}"}, mode="chatflow")  # fmt: skip
        make_execution(run, "Start", kind="start")
        make_execution(run, way, kind="tool")
        runs.append(run)
    url = reverse("conversation-compare", args=[talk.id])
    tree = check_view(console, url)
    columns = tree.findall(".//section[@class='turn-column']")
    assert ["re two" in text_of(one) for one in columns] == [True, False, False]
    query = f"{url}?runs={runs[0].id}&runs={runs[1].id},{uuid4()},nonsense"
    tree = check_view(console, query)
    columns = tree.findall(".//section[@class='turn-column']")
    assert len(columns) == 2 and "re one" in text_of(columns[0])
    own = [text_of(one) for one in tree.findall(".//li[@class='own']")]
    assert own == ["Search", "Refund"]
    told = console.get(query.replace("compare/", "compare.json")).json()["turns"]
    assert [one["question"] for one in told] == ["one", "two"]
    assert [one["title"] for one in told[1]["way"]] == ["Start", "Refund"]
    with django_assert_max_num_queries(9):
        console.get(url)
    assert f"/conversations/{talk.id}/compare/" in console.get(f"/runs/{run.id}/").content.decode()


def test_turns_of_other_conversations_are_not_shown(console):
    app = make_app("chat", mode="chatflow")
    talk, other = make_conversation(app), make_conversation(app, "conversation-2")
    make_run(app, conversation=talk, outputs={"answer": "mine"})
    stranger = make_run(app, conversation=other, outputs={"answer": "not mine"})
    url = f"{reverse('conversation-compare', args=[talk.id])}?runs={stranger.id}"
    text = text_of(check_view(console, url))
    assert "not mine" not in text and "mine" in text
    assert console.get(f"/conversations/{uuid4()}/compare/").status_code == 404
