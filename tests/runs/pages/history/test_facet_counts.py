"""How the facets are counted: as the search finds, over how many runs, and no search twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from runs.pages.history import facet_counts
from runs.paging import PAGE_SIZE
from runs.query.run_filters import RunFilters
from tests.factories import make_execution, make_run
from tests.pages import FRAGMENT, check_page
from tests.runs.pages.history.test_facets import counts


def test_the_newest_runs_are_counted_and_the_page_says_so(console, monkeypatch):
    monkeypatch.setattr(facet_counts, "MAX_RUNS", 3)
    now = timezone.now()
    for n in range(5):
        make_run("desk", user=f"u-{n}", started_at=now - timedelta(hours=n))
    assert counts(console)["user"] == {"u-0": 1, "u-1": 1, "u-2": 1}
    assert counts(console, "status=succeeded&status=failed")["user"].keys() == {"u-0", "u-1", "u-2"}
    fragment = console.get("/runs/?facets=1", headers=FRAGMENT).content.decode()
    assert "Counted over the newest 3 runs" in fragment


def test_steps_are_counted_over_few(console, monkeypatch):
    monkeypatch.setattr(facet_counts, "MAX_STEPS", 10)
    now = timezone.now()
    for n in range(3):
        run = make_run("desk", steps=6, started_at=now - timedelta(hours=n))
        make_execution(run, "Ask", model=f"m-{n}")
    answer = console.get("/runs/facets.json").json()
    assert (answer["runs"], answer["runs_of_steps"]) == (3, 1)
    assert counts(console)["model"] == {"m-0": 1}


@pytest.mark.parametrize("more", ["", "kind:tool", "failed_in:ASK", "kind:LLM refund"])
def test_a_click_leads_to_as_many_runs_as_were_counted(console, more):
    for n in range(3):
        run = make_run("desk", inputs="refund", status="failed" if n else "succeeded",
                       failed_node_id=f"n-{n}", failed_title="Ask")  # fmt: skip
        make_execution(run, "Ask", node_id="n-1", model="gpt-4o")
        make_execution(run, "ASK" if n else "Search", node_id=f"n-{n}", kind="tool", model="m")
    other = make_run("shop", inputs="refund", failed_node_id="ask", failed_title="Other")
    make_execution(other, "Look up", node_id="ask", kind="tool")
    facets = console.get("/runs/facets.json", {"q": more}).json()["facets"]
    assert {"node", "kind", "model", "failed_in"} & {facet["field"] for facet in facets}
    for facet in facets:
        kept = " ".join(word for word in more.split() if not word.startswith(facet["field"]))
        for value in facet["values"]:
            runs = console.get("/runs.json", {"q": f"{kept} {value['query']}"}).json()["runs"]
            assert len(runs) == value["runs"], value


def test_what_a_page_has_found_is_not_searched_again(console, monkeypatch):
    for n in range(60):
        make_run("desk", inputs="refund", status="failed" if n % 2 else "succeeded")
    searches = []

    search = RunFilters.find

    def counting(filters, runs, after="", size=PAGE_SIZE, **options):
        if size == facet_counts.MAX_SEARCHED_RUNS:
            searches.append(after)
        return search(filters, runs, after, size, **options)

    monkeypatch.setattr(RunFilters, "find", counting)
    page = check_page(console.get("/runs/?q=refund").content.decode())
    asks = page.find(".//div[@id='facets']").get("hx-get")
    assert "Counted over 60 runs" in console.get(asks, headers=FRAGMENT).content.decode()
    assert len(searches) == 1 and searches[0]  # what follows the page
    assert "Counted over 60 runs" in console.get("/runs/?q=refund&facets=1").content.decode()
    assert len(searches) == 2 and searches[1]
    for url in (asks.replace("after=", "after=x"), "/runs/?q=refund&facets=1&seen=x.y&after=1"):
        assert console.get(url, headers=FRAGMENT).status_code == 200
    searches.clear()
    few = check_page(console.get("/runs/?q=refund+status:stopped").content.decode())
    asks = few.find(".//div[@id='facets']").get("hx-get")
    assert console.get(asks, headers=FRAGMENT).status_code == 200 and not searches


def test_runs_that_do_not_match_are_not_counted_though_the_address_names_them(console):
    run = make_run("desk", inputs="refund", status="failed")
    url = f"/runs/?q=refund+status:stopped&facets=1&seen={run.pk.hex}&after="
    assert "Counted over" not in console.get(url, headers=FRAGMENT).content.decode()
