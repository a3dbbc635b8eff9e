"""Two runs compared, through their page and their JSON."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
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
    """Make two runs of the same input that diverge at the step Find."""
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
    runs = Run.objects.filter(app__slug="support-chat", inputs_preview__startswith=QUESTION)
    a, b = runs.order_by("started_at")
    tree = check_view(console, address(a, b))
    assert headline(tree) == "First difference: Help centre"
    text = text_of(tree)
    assert "Same inputs, different output." in text and "within 14 days" in text
    # The classifier's answer differs in its meters alone, which is said.
    assert "1 value differs only in ids, timestamps, token usage, latency, headers" in text
    verdicts = {pair["title"]: pair["verdict"] for pair in twin(console, a, b)["pairs"]}
    assert verdicts["What is it about?"] == "same"
    assert verdicts["Answer from articles"] == verdicts["Answer"] == "inherited"


def test_a_failed_invoice_is_compared_with_the_nearest_success(console):
    samples.load(limit=12)
    failed = Run.objects.filter(app__slug="invoice-intake", status="failed").first()
    page = console.get(f"/runs/{failed.id}/").content.decode()
    assert "The same input succeeded" in page and "in 1.3.0:" in text_of(check_page(page))
    [link] = [a.get("href") for a in check_page(page).iter("a") if a.text == "compare"]
    answer = console.get(link)
    tree = check_page(answer.content.decode())
    text = text_of(tree)
    assert "A is the nearest successful run with the same input." in text
    assert headline(tree) == "join failed in B and succeeded in A" and "First difference" in text
    assert "The error quotes " in text and ", which is the same in both." in text
    assert "what changed between them" in text


@pytest.mark.parametrize(
    "name", ["langgraph-openinference", "dify-phoenix", "openai-agents-openinference"]
)
def test_a_recorded_run_compared_with_itself_is_all_same(console, record, name):
    record(name)
    for run in Run.objects.all()[:4]:
        answer = twin(console, run, run)
        assert {pair["verdict"] for pair in answer["pairs"]} <= {"same"}
        assert answer["first_divergence"] is None
        assert "A and B are the same run." in text_of(check_view(console, address(run, run)))


def test_recorded_runs_swapped_give_the_mirrored_comparison(console, record):
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
    assert headline(tree) == "First difference: Find"
    section = tree.find(".//section[@aria-labelledby='headline']")
    assert [text_of(element) for element in section.findall(".//del")] == ["30 days"]
    assert [text_of(element) for element in section.findall(".//ins")] == ["14 days"]
    words = [text_of(row) for row in tree.findall(".//li[@class='same-steps']")]
    assert words == ["1 identical step"]


def test_the_step_that_failed_is_named_before_the_first_difference(console):
    a, b = pair_of_runs()
    inputs = [{"rows": [{"total": "3'470.01"}], "score": score} for score in (1, 2)]
    make_execution(a, "Join", kind="code", inputs=inputs[0])
    failing = make_execution(b, "Join", kind="code", inputs=inputs[1], status="failed",
                             error="no number: 3'470.01")  # fmt: skip
    Run.objects.filter(pk=b.pk).update(status="failed", failed_execution=failing.id)
    tree = check_view(console, address(a, b))
    assert headline(tree) == "Join failed in B and succeeded in A"
    text = text_of(tree.find(".//section[@aria-labelledby='headline']"))
    assert "Its inputs differ in score" in text
    assert "The error quotes rows[0].total, which is the same in both." in text
    assert "First difference: Find" in text
    assert headline(check_view(console, address(b, a))) == "Join failed in A and succeeded in B"


def test_a_step_that_failed_and_ran_in_one_run_alone(console):
    a, b = pair_of_runs(outputs=("30 days", "30 days"))
    failing = make_execution(b, "Check", status="failed", error="no")
    Run.objects.filter(pk=b.pk).update(status="failed", failed_execution=failing.id)
    tree = check_view(console, address(a, b))
    assert headline(tree) == "Check failed in B and did not run in A"


def test_the_json_has_the_documented_fields(console):
    a, b = pair_of_runs()
    answer = twin(console, a, b)
    assert answer["a"]["id"] == str(a.id) and answer["b"]["id"] == str(b.id)
    first = answer["first_divergence"]
    assert first.pop("values") == {
        "Result": [{"path": "text", "change": "changed", "before": "30 days", "after": "14 days"}]
    }
    assert first == answer["pairs"][1] and first["verdict"] == "origin"
    assert first["node_id"] == "find" and first["iteration"] == [] and first["attempt"] == 1
    assert first["differences"] == ["outputs"]
    assert first["reason"] == "same inputs, different output"
    assert first["a"] == str(a.executions.get(title="Find").id)
    assert set(answer["counts"]) == set(VERDICTS) and answer["next"] is None


def test_the_json_chooses_the_other_run(console):
    a, b = pair_of_runs()
    answer = console.get("/runs/compare.json", {"b": str(b.id)}).json()
    assert (answer["a"]["id"], answer["b"]["id"]) == (str(a.id), str(b.id))
    alone = make_run("alone")
    answer = console.get("/runs/compare.json", {"b": str(alone.id)})
    assert answer.status_code == 404 and "has succeeded" in answer.json()["error"]
    assert console.get("/runs/compare.json", {"a": str(a.id)}).status_code == 404


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
def test_an_unknown_pair_opens_nothing(console, pair):
    a, b = pair_of_runs()
    assert console.get("/runs/compare/", {"a": a.id, "b": b.id, "pair": pair}).status_code == 200


def test_a_pair_of_other_runs_is_refused(console):
    a, b = pair_of_runs()
    stranger = make_execution(make_run("elsewhere"), outputs={"secret": "of another run"})
    page = console.get(address(a, b, pair=f"{stranger.id.hex}.{stranger.id.hex}"))
    assert "of another run" not in page.content.decode()


def test_filters_show_a_verdict_or_all(console):
    a, b = pair_of_runs()
    rows = ".//ol[@class='compare-rows']/li[@data-row]"

    def verdicts(show):
        tree = check_view(console, address(a, b, show=show))
        return [text_of(row.find(".//span[@class='verdict']")) for row in tree.findall(rows)]

    assert verdicts("") == ["Origin", "Inherited"]
    assert verdicts("all") == ["Same", "Origin", "Inherited"]
    assert verdicts("inherited") == ["Inherited"] and verdicts("nonsense") == verdicts("")


def test_what_differed_from_the_start_is_listed_first(console):
    app = make_app()
    a = make_run(app, version=make_version(app, 1), inputs={"q": "one"}, user="u-1")
    b = make_run(app, version=make_version(app, 2), inputs={"q": "two"}, user="u-1")
    for run, question, model in ((a, "one", "small"), (b, "two", "large")):
        make_execution(run, "Answer", inputs={"q": question}, outputs={"t": question}, model=model)
    tree = check_view(console, address(a, b))
    assert headline(tree) == "No step differs first: the runs had different inputs."
    begun = text_of(tree.find(".//div[@class='beginning']"))
    assert "v1 → in B v2" in begun and "small → in B large" in begun and "q onetwo" in begun
    assert "User" not in begun
    assert f"/apps/{app.slug}/versions/compare/?a=1&b=2" in [
        link.get("href") for link in tree.iter("a")
    ]


def test_ids_and_times_hide_no_origin_and_are_counted(console):
    runs = []
    for output in ("30 days", "14 days"):
        run = make_run(inputs={"q": "x", "sys.workflow_run_id": str(uuid4())})
        inputs = {"q": "x", "sys.workflow_run_id": str(uuid4()), "at": timezone.now().isoformat()}
        make_execution(run, "Find", inputs=inputs, outputs={"text": output})
        runs.append(run)
    answer = twin(console, *runs)
    assert answer["first_divergence"]["verdict"] == "origin" and answer["given"] == "alike"
    text = text_of(check_view(console, address(*runs)))
    assert "2 values differ only in ids" in text and "No step differs first" not in text


@pytest.mark.parametrize("usage_only", [True, False])
def test_values_are_read_as_long_as_that_helps(console, usage_only):
    runs = [make_run(), make_run()]
    for position, run in enumerate(runs):
        for n in range(120):
            output = {"n": n, "usage" if usage_only else "position": position}
            make_execution(run, f"Step {n}", inputs={"n": n}, outputs=output, index=n)
    answer = twin(console, *runs)
    text = text_of(check_view(console, address(*runs)))
    assert answer["counts"]["same" if usage_only else "origin"] == 120
    assert ("120 values differ only in ids" if usage_only else "70 differing values were") in text


def test_values_that_are_deleted_meanwhile_differ(console, monkeypatch):
    a, b = pair_of_runs()
    monkeypatch.setattr(type(Payload.objects), "in_bulk", lambda *_: {})
    assert twin(console, a, b)["first_divergence"]["verdict"] == "origin"


def test_an_unfinished_run_has_a_note(console):
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


def test_hostile_texts_stay_text(console):
    a, b = pair_of_runs((HOSTILE, HOSTILE * 20), error=HOSTILE, name=HOSTILE, user=HOSTILE)
    make_execution(b, HOSTILE, inputs={HOSTILE: HOSTILE}, taken=HOSTILE, error=HOSTILE)
    key = "." + b.executions.get(title=HOSTILE).id.hex
    for page in (address(a, b), address(a, b, show="all", pair=key)):
        check_view(console, page)
        assert "<script>alert" not in console.get(page).content.decode()


def test_white_space_is_visible_where_it_alone_differs(console):
    a, b = pair_of_runs(("30 days", "30  days\n"))
    text = text_of(check_view(console, address(a, b)))
    assert "Only whitespace differs." in text and "30··days↵" in text
    [change] = twin(console, a, b)["first_divergence"]["values"]["Result"]
    assert (change["before"], change["after"]) == ("30 days", "30  days\n")


def test_a_step_that_a_running_run_may_still_reach_is_no_origin(console):
    a, b = pair_of_runs(("30 days", "30 days"))
    b.executions.filter(title__in=["Find", "Answer"]).delete()
    answer = twin(console, a, b)
    assert answer["first_divergence"]["verdict"] == "only_a"
    Run.objects.filter(pk=b.pk).update(status="running", last_seen_at=timezone.now())
    answer = twin(console, a, b)
    assert answer["first_divergence"] is None and answer["counts"]["only_a"] == 2
    assert headline(check_view(console, address(a, b))) == "No step differs first so far."
    assert headline(check_view(console, address(b, a))) == "No step differs first so far."


def test_values_too_large_to_read_have_a_note(console):
    a, b = pair_of_runs(("x" * 3_000_000, "x" * 2_999_999 + "y"))
    answer = console.get(address(a, b)).content.decode()
    assert "Too large to compare in full" in answer and len(answer) < 200_000
    assert "not compared in detail: too large, or too many" in answer


def test_a_long_comparison_is_bounded(console, django_assert_max_num_queries):
    runs = [make_run(), make_run()]
    for run in runs:
        for n in range(300):
            make_execution(run, f"Step {n}", inputs={"n": n}, outputs={"of": str(run.id)}, index=n)
    with django_assert_max_num_queries(14):
        answer = console.get(address(*runs, show="all"))
    page = check_page(answer.content.decode())
    assert len(page.findall(".//li[@data-row]")) == 100 and "Later steps" in text_of(page)
    rest = check_view(console, address(*runs, show="all", **{"from": "200"}))
    assert len(rest.findall(".//li[@data-row]")) == 100


# -- the choice of the second run ----------------------------------------------------------------


def test_turns_of_the_same_conversation_can_be_chosen(console):
    app = make_app("chat", mode="chatflow")
    talk = make_conversation(app)
    first, second = (make_run(app, conversation=talk) for _ in range(2))
    text = text_of(check_view(console, f"/runs/compare/?a={first.id}"))
    assert "Turns of the same conversation" in text
    assert second.id != first.id


def test_a_run_may_be_named_by_the_producers_id(console):
    a, b = pair_of_runs()
    a.sources.create(kind="trace", source_id="4bf92f3577b34da6a3ce929d0e0e4736")
    answer = console.get(f"/runs/compare/?a=4bf92f3577b34da6a3ce929d0e0e4736&b={b.id}")
    assert "First difference" in answer.content.decode()


@pytest.mark.parametrize("name", ["nonsense", "\x00", str(UUID(int=7)), "x" * 5000])
def test_an_unknown_run_is_a_404_with_a_sentence(console, name):
    answer = console.get("/runs/compare/", {"a": name, "b": name})
    assert answer.status_code == 404
    response = console.get("/runs/compare.json", {"a": name, "b": name})
    assert response.status_code == 404 and "no such run" in response.json()["error"]


def test_without_runs_the_page_asks_for_them(console):
    assert "Run A" in text_of(check_view(console, "/runs/compare/"))
    assert "Name two runs" in console.get("/runs/compare.json").json()["error"]


def test_a_bound_key_compares_runs_of_its_app_only(client):
    a, b = pair_of_runs()
    foreign = make_run("elsewhere")
    key = IngestKey.create("read", can_ingest=False, can_read=True, app=a.app)[1]
    headers = {"x-api-key": key}
    assert client.get(f"/runs/compare.json?a={a.id}&b={b.id}", headers=headers).status_code == 200
    response = client.get(f"/runs/compare.json?a={a.id}&b={foreign.id}", headers=headers)
    assert response.status_code == 404
    assert client.get(f"/runs/compare.json?a={a.id}&b={b.id}").status_code == 401
    assert client.get(address(a, b)).status_code == 302
