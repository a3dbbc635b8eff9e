"""Find runs by what stands in them, before and after they are in the index."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from runs.models import Run, SearchDue
from runs.paging import BadCursor
from runs.search import Hit, find, hits_json, parse_text
from runs.search.indexing import forget, rebuild
from tests.factories import make_app, make_conversation, make_execution, make_payload, make_run
from tests.runs.search.searching import index_all, search

pytestmark = pytest.mark.django_db


def hits(text: str) -> list[Hit]:
    [run] = search(text).rows
    return run.hits  # type: ignore[attr-defined, no-any-return]


def test_every_text_of_a_step_is_searched(ready: Callable[[], None]) -> None:
    run = make_run()
    step = make_execution(
        run, "Ask the model", node_id="node_4711", inputs={"question": "Where is my parcel?"},
        outputs="It left the warehouse.", process_data={"prompts": ["be brief"]},
        error="Quota used up", error_type="RateLimitError", iteration="3.0",
    )  # fmt: skip
    make_execution(make_run(), "Other", inputs={"question": "Nothing of it"})
    ready()
    for text, field in [
        ("parcel", "inputs"), ("arehous", "outputs"), ("brief", "process_data"),
        ("quota", "error"), ("ratelimit", "error"), ('"ask the"', "title"), ("e_47", "node_id"),
    ]:  # fmt: skip
        [hit] = hits(text)
        assert (hit.field, hit.execution_id, hit.title) == (field, step.id, "Ask the model")
        assert hit.iteration == [3, 0] and hit.passes == [4, 1]
        assert hit.url == f"/runs/{run.id}/tracing/{step.id}/"


def test_a_snippet_shows_the_text_around_a_match(ready: Callable[[], None]) -> None:
    run = make_run()
    words = " ".join(f"word{number}" for number in range(1000))
    make_execution(run, inputs={"text": f"{words} the NEEDLE\n\nin the hay {words}", "n": 1})
    ready()
    [hit] = hits('"needle in"')
    assert hit.match == "NEEDLE in"
    assert hit.before == "… word996 word997 word998 word999 the "
    assert hit.after.startswith(" the hay word0") and hit.after.endswith(" …")
    as_json = hits_json([hit], "http://console")[0]
    assert as_json["url"].startswith("http://console/runs/") and as_json["match"] == "NEEDLE in"


def test_json_is_shown_as_people_write_it(ready: Callable[[], None]) -> None:
    make_execution(make_run(), outputs={"order": "A-17", "lines": [{"sku": "X1"}, {"sku": "X2"}]})
    ready()
    [hit] = hits("x1")
    assert hit.before + hit.match + hit.after == "lines: sku: X1 · sku: X2 · order: A-17"


def test_all_terms_must_stand_in_one_run(ready: Callable[[], None]) -> None:
    both = make_run()
    make_execution(both, "First", inputs={"order": "A-17"})
    make_execution(both, "Second", outputs={"status": "refunded"})
    make_execution(make_run(), "First", inputs={"order": "A-17"})
    make_execution(make_run(), "Second", outputs={"status": "refunded"})
    ready()
    result = search("refunded a-17")
    assert result.rows == [both]
    assert [hit.match for hit in result.rows[0].hits] == ["A-17", "refunded"]  # type: ignore[attr-defined]
    assert len(search("refunded").rows) == 2
    assert search("refunded a-18").rows == []


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("请为订单退款，谢谢", "退款"),
        ("请为订单退款，谢谢", "退"),
        ("払い戻しをお願いします", "お願"),
        ("환불해 주세요", "환불"),
        ("Die Straße nach Köln", "STRASSE koln"),
        ("İptal et", "iptal"),
        ("all good 😀👍🏽 now", "😀👍"),
        ("Привет, мир", "ПРИВЕТ"),
        ("مرحبا بالعالم", "بالعالم"),
        ("cost 100%_of 'it'", "100%_of 'it'"),
        ("a\\b", "\\b"),
        ("x = 5", "5"),
        ('{"inner": "\\u4f60\\u597d\\nnext"}', "你好"),
    ],
)
def test_any_language(ready: Callable[[], None], stored: str, typed: str) -> None:
    run = make_run()
    make_execution(run, "-", node_id="-", outputs={"answer": stored})
    make_execution(make_run(), "-", node_id="-", outputs={"answer": "none of it"})
    ready()
    assert search(typed).rows == [run]


def test_texts_that_only_the_run_has(ready: Callable[[], None]) -> None:
    run = make_run(inputs={"question": "Why?"}, name="Night job", error="The worker went away")
    ready()
    for text, field in [("why", "inputs"), ("night", "title"), ("went away", "error")]:
        [hit] = hits(text)
        assert (hit.field, hit.execution_id, hit.url) == (field, None, f"/runs/{run.id}/detail/")


def test_an_equal_value_is_named_once_where_it_is_furthest_down(ready: Callable[[], None]) -> None:
    app = make_app()
    value = make_payload(app, {"question": "twice"})
    run = make_run(app, inputs=value)
    make_execution(run, "Outer", inputs=value, depth=0)
    inner = make_execution(run, "Inner", inputs=value, depth=1)
    ready()
    assert [hit.execution_id for hit in hits("twice")] == [inner.id]


def test_three_hits_are_shown_and_the_others_counted(ready: Callable[[], None]) -> None:
    run = make_run()
    for number in range(7):
        make_execution(run, f"Step {number}", inputs={"text": f"needle {number}"})
    make_execution(run, "Last", inputs={"text": "hay"})
    ready()
    [match] = search("needle hay").rows
    assert [hit.title for hit in match.hits] == ["Step 0", "Step 1", "Last"]  # type: ignore[attr-defined]
    assert match.more_hits == 5  # type: ignore[attr-defined]


def test_the_step_with_all_words_is_shown(ready: Callable[[], None]) -> None:
    run = make_run()
    for word in ("cannot", "read", "amount", "cannot", "read"):
        make_execution(run, "Step", node_id="step", inputs={"text": word})
    make_execution(run, "Join", error="cannot read amount", error_type="ValueError")
    make_execution(run, "Last", inputs={"text": "amount"})
    ready()
    ranked = hits("cannot read amount")
    assert [hit.title for hit in ranked] == ["Step", "Step", "Join"]
    assert ranked[2].match != "read"  # the shortest


def test_wrappers_are_not_searched(ready: Callable[[], None]) -> None:
    make_execution(make_run(), "Wrapper", inputs={"text": "needle"}, folded=True)
    ready()
    assert search("needle").rows == []


def test_ids_lead_to_their_run(ready: Callable[[], None]) -> None:
    run = make_run(source_ids={"trace": "7d3f0a", "dify": "f" * 32})
    make_run()
    ready()
    for source_id in (str(run.pk), run.pk.hex, "7d3f0a", "f" * 32):
        result = search(source_id)
        assert result.rows == [run] and result.rows[0].hits == []  # type: ignore[attr-defined]


def test_a_step_leads_to_its_run_by_its_whole_id(ready: Callable[[], None]) -> None:
    run = make_run()
    step = make_execution(run, "Ask", source_id="00F067AA0BA902B7")
    make_execution(make_run(), "Ask", source_id="17")
    ready()
    [hit] = hits("00f067aa0ba902b7")
    assert (hit.field, hit.execution_id) == ("source_id", step.pk)
    assert search(str(step.pk)).rows == [run]
    assert search("067aa").rows == [] and search("17").rows == []


def test_a_conversation_is_found_by_its_ids(ready: Callable[[], None]) -> None:
    talk = make_conversation(make_app(), "thread-9")
    turns = [make_run(conversation=talk) for _ in range(3)]
    make_run()
    ready()
    for conversation_id in ("thread-9", str(talk.pk), talk.pk.hex):
        assert sorted(run.pk for run in search(conversation_id).rows) == sorted(
            run.pk for run in turns
        )


def test_an_id_within_a_text_leads_to_its_run(ready: Callable[[], None]) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    run = make_run(source_ids={"trace": trace})
    make_run()
    ready()
    for text in (
        f"https://waylog.example/runs/{run.pk}/tracing/",
        f"2026-11-22 ERROR trace_id={trace} it failed",
        f"00-{trace}-00f067aa0ba902b7-01",
    ):
        assert search(text).rows == [run]
    assert search(f"{trace}{trace}").rows == []


def test_a_minus_excludes_runs(ready: Callable[[], None]) -> None:
    once, twice, never = make_run(), make_run(), make_run()
    make_execution(once, inputs={"text": "refunded"})
    make_execution(twice, inputs={"text": "refunded"})
    make_execution(twice, "Again", outputs={"text": "gift card, refunded"})
    make_execution(never, inputs={"text": "nothing"})
    ready()
    for text in ('refunded -"gift card"', "refunded -again"):
        assert search(text).rows == [once]
    assert {run.pk for run in search("-refunded").rows} == {never.pk}
    assert len(search('refunded "-again"').rows) == 0


def test_text_copied_from_json_with_its_escapes(ready: Callable[[], None]) -> None:
    run = make_run()
    make_execution(run, outputs={"said": 'First "A-17"\nthen 你好', "path": "C:\\new"})
    ready()
    for text in (r"A-17\"\nthen", r"\u4f60\u597d", r"c:\\new", r"C:\new", r'"then \u4f60"'):
        assert search(text).rows == [run], text


def test_a_run_that_is_gone_is_not_found(ready: Callable[[], None]) -> None:
    run, other = make_run(), make_run()
    for indexed in (run, other):
        make_execution(indexed, inputs={"text": "needle"})
    ready()
    forget(Run.objects.filter(pk=run.pk))
    run.delete()
    assert search("needle").rows == [other]
    assert not SearchDue.objects.filter(pk=run.pk).exists()


def test_a_changed_run_is_found_by_its_new_texts() -> None:
    run = make_run()
    step = make_execution(run, inputs={"text": "former"})
    index_all()
    step.inputs = make_payload(run.app, {"text": "latter"})
    step.save()
    SearchDue.objects.create(run=run, started_at=run.started_at, ready_at=timezone.now())
    for pending in (1, 0):
        assert search("latter").rows == [run] and search("former").rows == []
        assert search("latter").pending == pending
        index_all()
    rebuild()
    assert search("latter").pending == 1
    index_all()
    assert search("latter").rows == [run]


def test_times_that_no_index_holds() -> None:
    for year in (1950, 4000):
        run = make_run(started_at=timezone.now().replace(year=year, month=1))
        make_execution(run, inputs={"text": f"needle{year}"})
        index_all()
        assert search(f"needle{year}").rows == [run]


def test_a_cursor_from_elsewhere() -> None:
    with pytest.raises(BadCursor):
        search("needle", "not-a-cursor")


def test_nothing_to_search_for() -> None:
    run = make_run()
    assert find(Run.objects.all(), parse_text("")).rows == [run]
