"""Notes on the pages of a run: scores, thumbs, texts, and the steps that they are about."""

import pytest
from django.urls import reverse

from runs.models import Note, Run
from tests.factories import make_execution, make_run
from tests.pages import FRAGMENT, check_fragment, check_view, text_of

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script></textarea>\u202e*bold*"
LONG = "It names the wrong shop. " * 20


def noted(run: Run, name: str = "correctness", **fields: object) -> Note:
    fields.setdefault("source", "langfuse")
    return Note.objects.create(run=run, name=name, **fields)


@pytest.fixture
def run():
    run = make_run()
    answer = make_execution(run, "Answer", source_id="ab" * 8)
    make_execution(run, "Search", source_id="x-1", hints='{"span_ids": ["cd"]}')
    noted(run, number=0.25, text=LONG)
    noted(run, "thumbs", number=-1.0, label="dislike", author="u-7", source="dify-feedback")
    noted(run, "relevance", number=1.0, about_step=answer.source_id, source="evaluation")
    noted(run, "found", label="yes", about_step="cd")
    noted(run, "late", label="no", about_step="not received")
    return run


def test_json(console, run):
    notes = console.get(f"/runs/{run.id}.json").json()["notes"]
    answer, search = run.executions.order_by("index")
    assert [(note["name"], note["number"], note["label"], note["step"]) for note in notes] == [
        ("correctness", 0.25, None, None),
        ("thumbs", -1.0, "dislike", None),
        ("relevance", 1.0, None, str(answer.id)),
        ("found", None, "yes", str(search.id)),
        ("late", None, "no", None),
    ]
    assert set(notes[1]) == {
        "id", "name", "number", "label", "text", "source", "author", "step", "created_at"
    }  # fmt: skip
    assert (notes[1]["author"], notes[1]["source"]) == ("u-7", "dify-feedback")


def test_header_and_detail(console, run):
    tree = check_view(console, reverse("run-detail", args=[run.id]))
    header, section = tree.find(".//p[@class='header-notes']"), tree.find(".//*[@id='notes']")
    assert "correctness 0.25" in text_of(header)
    assert "👎 thumbs dislike" in text_of(header)
    assert "relevance 1 on Answer" in text_of(section)
    assert "found yes on Search" in text_of(section)
    folded = section.find(".//details")
    assert text_of(folded.find("summary")).endswith("…")
    assert text_of(folded.find("p")) == LONG.strip()


def test_panel_of_the_step(console, run):
    step = run.executions.get(title="Answer")
    url = reverse("run-execution", args=[run.id, step.id])
    tree = check_view(console, url)
    assert "relevance 1" in text_of(tree.find(".//section[@class='step-notes']"))
    headers = FRAGMENT | {"HX-Target": "side"}
    part = check_fragment(console.get(url, headers=headers).content.decode())
    assert "relevance 1" in text_of(part.find(".//section[@class='step-notes']"))


def test_markdown(console, run):
    text = console.get(f"/runs/{run.id}.md").content.decode()
    assert "## Notes" in text
    assert "- thumbs dislike (dify-feedback, u-7)" in text
    assert "- relevance 1 on Answer (evaluation)" in text


def test_hostile_words_stay_words(console):
    run = make_run()
    noted(run, HOSTILE, label=HOSTILE, text=HOSTILE, author=HOSTILE)
    tree = check_view(console, reverse("run-detail", args=[run.id]))
    assert "<script>alert(1)</script>" in text_of(tree)
    assert "<script>" not in console.get(f"/runs/{run.id}.md").content.decode()


def test_queries_do_not_grow_with_notes(console, run, django_assert_max_num_queries):
    url = reverse("run-detail", args=[run.id])
    console.get(url)
    with django_assert_max_num_queries(40) as first:
        console.get(url)
    for number in range(30):
        noted(run, f"score {number}", number=1.0, about_step="ab" * 8)
    with django_assert_max_num_queries(len(first)):
        console.get(url)


def test_a_run_without_notes_has_no_list(console):
    run = make_run()
    tree = check_view(console, reverse("run-detail", args=[run.id]))
    assert tree.find(".//p[@class='header-notes']") is None
    assert console.get(f"/runs/{run.id}.json").json()["notes"] == []


def test_what_pages_show_as_a_thumb_is_a_thumb_to_the_filter(console, run):
    """The label of an evaluator that judges a tone is none."""
    other = make_run()
    noted(other, "tone", label="negative")
    page = check_view(console, reverse("run-detail", args=[other.id]))
    assert "👎" not in text_of(page.find(".//p[@class='header-notes']"))
    runs = console.get("/runs.json?thumbs=down").json()["runs"]
    assert [run_json["id"] for run_json in runs] == [str(run.id)]
