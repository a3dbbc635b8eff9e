"""Which runs wait to be indexed, what indexing makes of them, and how much a search may cost."""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.models import NodeExecution
from runs import samples
from runs.models import Run, SearchDue
from runs.recording.records.record import NodeRecord, RunFacts
from runs.recording.storing.store import save_records
from runs.search import SearchResult, coding, find, indexing, parse_text, reading, worker
from runs.search.indexing import index_waiting
from runs.search.normalizing import composed, normalized
from runs.search.terms import SearchTerms
from tests.factories import make_execution, make_payload, make_run

pytestmark = pytest.mark.django_db
# Letters that are one character or are composed to one, in many scripts; without the character that
# separates two forms of a text, which no phrase spans.
LETTERS = st.characters(
    codec="utf-8", exclude_categories=("Cs", "Cn", "Co", "Lm"),
    exclude_characters="".join(map(chr, [0x1E, *range(0x1100, 0x1200), *range(0xA960, 0xA980)])),
)  # fmt: skip


def search(text: str) -> SearchResult:
    return find(Run.objects.for_list(), parse_text(text))


@settings(max_examples=60)
@given(st.data(), st.text(LETTERS, min_size=2, max_size=40))
def test_any_part_of_any_text_is_found(data: Any, text: str) -> None:
    run = make_run()
    wrap = data.draw(st.sampled_from([
        lambda value: value,
        lambda value: {"list": [1, {"text": value}]},
        lambda value: {"json": '{"text": ' + json.dumps(value) + "}"},
    ]))  # fmt: skip
    make_execution(run, "-", outputs=wrap(text))
    readable = composed(text)
    start = data.draw(st.integers(0, len(readable) - 1))
    end = data.draw(st.integers(start + 1, len(readable)))
    word = " ".join(normalized(readable[start:end]).split())
    for _ in range(2):
        if word:
            assert run in find(Run.objects.all(), SearchTerms((word,))).rows
        index_waiting(early=True)
    assert not SearchDue.objects.filter(pk=run.pk).exists()
    run.delete()


def test_recording_notes_which_runs_wait(record: Any) -> None:
    before = timezone.now()
    record("langgraph-openinference")
    waiting = SearchDue.objects.all()
    assert {row.pk for row in waiting} == set(Run.objects.values_list("pk", flat=True)) != set()
    assert {(row.pk, row.started_at) for row in waiting} == set(
        Run.objects.values_list("pk", "started_at")
    )
    assert all(row.ready_at >= before for row in waiting)
    # Runs that have just changed are left alone for a while.
    SearchDue.objects.update(ready_at=timezone.now() + timedelta(seconds=20))
    assert index_waiting() == 0
    assert index_waiting(early=True) == len(waiting)
    assert not SearchDue.objects.exists()
    record("langgraph-openinference")
    assert SearchDue.objects.exists()


def test_a_run_that_changes_while_it_is_indexed_waits_again(monkeypatch: Any) -> None:
    run = make_run()
    make_execution(run, inputs={"text": "needle"})
    write = indexing.search_index().write

    def meanwhile(documents: Any) -> None:
        SearchDue.objects.filter(pk=run.pk).update(ready_at=timezone.now())
        write(documents)

    monkeypatch.setattr(type(indexing.search_index()), "write", lambda self, rows: meanwhile(rows))
    assert index_waiting(early=True) == 1
    assert SearchDue.objects.get().pk == run.pk


def test_two_processes_do_not_take_the_same_run() -> None:
    for _ in range(3):
        make_run()
    first, second = SearchDue.objects.claim(2, early=True), SearchDue.objects.claim(9, early=True)
    assert len(first.runs) == 2 and len(second.runs) == 1
    assert not set(first.runs) & set(second.runs)
    SearchDue.objects.mark_done(second.runs, first.mark - timedelta(seconds=1))
    assert SearchDue.objects.count() == 3


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time")
@pytest.mark.django_db(transaction=True)
def test_indexing_waits_for_nobody_who_records() -> None:
    run = make_run()
    claim = SearchDue.objects.claim(1, early=True)

    def mark_done() -> None:
        try:
            SearchDue.objects.mark_done(claim.runs, claim.mark)
        finally:
            connection.close()

    with ThreadPoolExecutor() as executor, transaction.atomic():
        SearchDue.objects.filter(pk=run.pk).update(ready_at=timezone.now())
        executor.submit(mark_done).result(timeout=10)
    assert SearchDue.objects.get().pk == run.pk


def test_a_run_that_is_gone_no_longer_waits() -> None:
    run = make_run()
    SearchDue.objects.filter(pk=run.pk)._raw_delete("default")  # type: ignore[attr-defined]
    SearchDue.objects.bulk_create([
        SearchDue(run_id=run.pk, started_at=run.started_at, ready_at=timezone.now())
    ])  # fmt: skip
    Run.objects.filter(pk=run.pk)._raw_delete("default")  # type: ignore[attr-defined]
    assert index_waiting() == 1 and not SearchDue.objects.exists()


def test_the_worker_indexes_the_waiting_runs() -> None:
    make_execution(make_run(), inputs={"text": "needle"})
    assert worker.index_portion() and not worker.index_portion()
    assert search("needle").pending == 0 and len(search("needle").rows) == 1


def test_the_worker_outlives_what_cannot_be_read(monkeypatch: Any) -> None:
    rests: list[float] = []

    class Ended(BaseException):
        pass

    def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 4:
            raise Ended

    def unreadable(most: int) -> int:
        raise ValueError("a broken value")

    monkeypatch.setattr(worker, "index_waiting", unreadable)
    monkeypatch.setattr(worker, "time", SimpleNamespace(sleep=rest, monotonic=time.monotonic))
    with pytest.raises(Ended):
        worker.work()
    assert rests == [worker.POLL, worker.PATIENCE] * 2


def test_the_command(capsys: Any) -> None:
    make_execution(make_run(), inputs={"text": "needle"})
    call_command("index_runs")
    assert "1 runs were" in capsys.readouterr().out
    call_command("index_runs", "--anew")
    assert "1 runs were" in capsys.readouterr().out
    assert search("needle").pending == 0 and len(search("needle").rows) == 1


def test_samples_are_found_and_gone() -> None:
    samples.load(limit=1)
    while index_waiting(early=True):
        pass
    for text in ("A-17", "refund", "clause"):
        assert search(text).rows
    samples.remove()
    assert not SearchDue.objects.exists()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM runs_searchindex")
            assert cursor.fetchone() == (0,)


def test_a_page_takes_a_constant_number_of_queries(django_assert_max_num_queries: Any) -> None:
    def more(runs: int) -> None:
        for _ in range(runs):
            run = make_run()
            for number in range(5):
                make_execution(run, f"Step {number}", inputs={"text": f"needle {number}"})

    more(2)
    with CaptureQueriesContext(connection) as few:
        search("needle")
    more(18)
    with django_assert_max_num_queries(len(few)):
        assert len(search("needle").rows) == 20
    while index_waiting(early=True):
        pass
    with django_assert_max_num_queries(len(few) + 3):  # PostgreSQL is told what a look costs
        assert len(search("needle").rows) == 20


def test_a_run_of_ten_thousand_steps(django_assert_max_num_queries: Any) -> None:
    run = make_run(steps=10_000)
    values = [make_payload(run.app, {"text": f"value {number}"}) for number in range(50)]
    rng = random.Random(1)
    NodeExecution.objects.bulk_create(
        NodeExecution(
            id=rng.getrandbits(128).to_bytes(16).hex(), run=run, app=run.app, source_id=str(n),
            service="s", title=f"Step {n % 40}", node_id=f"step-{n % 40}", kind="tool", index=n,
            status="succeeded", inputs=values[n % 50],
        )
        for n in range(10_000)
    )  # fmt: skip
    for _ in range(2):
        with django_assert_max_num_queries(25):
            [match] = search("value 49").rows
        assert match.hits and match.more_hits is None  # type: ignore[attr-defined]
        index_waiting(early=True)
    assert search("value 50").rows == []


def test_a_run_has_no_more_texts_than_are_read(monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 1000)
    monkeypatch.setattr(reading, "SMALL_VALUE", 300)
    run = make_run()
    for number in range(10):
        make_execution(run, f"Step {number}", inputs=f"needle{number} " + "x" * 200)
    make_execution(make_run(), "Long", inputs="y" * 5000 + " end")
    for _ in range(2):
        assert len(search("needle3").rows) == 1 and search("needle9").rows == []
        assert search("yyyy").rows and search("end").rows == []
        assert search('"step 9"').rows == [run]
        while index_waiting(early=True):
            pass


def test_long_texts_are_condensed_for_the_index(monkeypatch: Any) -> None:
    text = coding.encoded(normalized(composed("Order A-17 was refunded 退款 " * 50)))
    monkeypatch.setattr(coding, "LONG_TEXT", 100)
    short = coding.condensed(text)
    assert len(short) < len(text) / 5
    assert set(coding.trigrams(text)) <= set(coding.trigrams(short[:])) | {
        short[i : i + 3] for i in range(len(short))
    }
    run = make_run()
    make_execution(run, inputs="Order A-17 was refunded 退款 " * 50)
    index_waiting(early=True)
    assert search("a-17 退款 order").rows == [run] and search("a-18").rows == []


def test_a_run_that_another_takes_in_leaves_the_index() -> None:
    """An id that is learned late joins two runs into one."""

    def step(trace: str, source_id: str, **fields: Any) -> NodeRecord:
        return NodeRecord(trace, source_id, "bot", "Step", "llm", started_us=10**15, **fields)

    save_records([step("a", "1", inputs="needle")])
    save_records([step("b", "2", inputs="needle", run=RunFacts(source_ids=(("dify", "x"),)))])
    while index_waiting(early=True):
        pass
    assert len(search("needle").rows) == 2
    save_records([step("a", "3", inputs="hay", run=RunFacts(source_ids=(("dify", "x"),)))])
    [run] = search("needle hay").rows
    assert SearchDue.objects.count() == 2
    while index_waiting(early=True):
        pass
    assert search("needle hay").rows == [run] and search("needle hay").pending == 0
    indexed = indexing.search_index().runs(["needle"], None, None)
    assert [row.run_id for row in indexed] == [run.pk]
