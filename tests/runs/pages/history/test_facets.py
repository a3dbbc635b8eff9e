"""What the runs of a list have in common, counted beside it."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from runs.models import ErrorGroup, IngestKey, Note, Run
from runs.pages.history import facet_counts
from tests.factories import make_app, make_execution, make_run, make_version
from tests.pages import FRAGMENT, check_fragment, check_page, text_of


@pytest.fixture
def desk(db):
    """Five runs of two apps: three succeeded, two failed in the same way."""
    app = make_app("desk")
    group = ErrorGroup.objects.create(app=app, message="No such index")
    for n in range(5):
        failed = n >= 3
        run = make_run(
            app if n else "shop",
            status="failed" if failed else "succeeded",
            version=make_version(app, n % 2 + 1) if n else None,
            user=f"u-{n % 2}",
            source_kind="otlp",
            environment="test" if n == 1 else "",
            tags=["vip", "日本"] if n == 2 else [],
            failed_node_id="search" if failed else "",
            error_group=group if failed else None,
            steps=2,
        )
        make_execution(run, "Ask", kind="llm", model="gpt-4o" if n else "claude-3")
        make_execution(run, "Search", kind="tool")
        make_execution(run, "Search", kind="tool")
    return app


def counts(client, query="", **headers):
    """{field: {value: runs}} of the machine twin."""
    response = client.get(f"/runs/facets.json?{query}", headers=headers)
    assert response.status_code == 200, response.content
    return {
        facet["field"]: {value["value"]: value["runs"] for value in facet["values"]}
        for facet in response.json()["facets"]
    }


@pytest.mark.usefixtures("desk")
def test_tags_of_people_count_as_those_of_producers(console):
    for run in Run.objects.order_by("started_at", "id"):
        Note.objects.create(run=run, name="tag", label="vip", source="person")
        Note.objects.create(run=run, name="tag", label="vip", about_step="s", source="person")
    Note.objects.create(about="elsewhere", name="tag", label="waits", source="api")
    for query in ("", "q=tag:vip"):
        assert counts(console, query)["tag"] == {"vip": 5, "日本": 1}
    assert len(console.get("/runs.json?tag=vip").json()["runs"]) == 5


@pytest.mark.usefixtures("desk")
def test_each_value_is_counted_by_runs(console):
    by_field = counts(console)
    assert by_field["status"] == {"succeeded": 3, "failed": 2}
    assert by_field["app"] == {"desk": 4, "shop": 1}
    assert by_field["user"] == {"u-0": 3, "u-1": 2}
    assert by_field["model"] == {"gpt-4o": 4, "claude-3": 1}
    assert by_field["failed_in"] == {"search": 2}
    assert list(by_field["errorgroup"].values()) == [2]
    assert by_field["tag"] == {"vip": 1, "日本": 1}
    assert by_field["environment"] == {"test": 1}


@pytest.mark.usefixtures("desk")
def test_the_machine_twin_has_the_address_of_each_value(console):
    answer = console.get("/runs/facets.json?user=u-0").json()
    assert (answer["runs"], answer["bounded"]) == (3, False)
    [status] = [facet for facet in answer["facets"] if facet["field"] == "status"]
    assert status["values"][1] == {
        "value": "failed",
        "label": "Failed",
        "runs": 1,
        "chosen": False,
        "query": "status:failed",
        "url": "http://testserver/runs/?q=user%3Au-0+status%3Afailed",
    }


@pytest.mark.usefixtures("desk")
def test_what_all_have_in_common_is_no_choice(console):
    by_field = counts(console)
    assert "source" not in by_field and "trigger" not in by_field
    assert by_field["node"] == {"ask": 5, "search": 5}


@pytest.mark.usefixtures("desk")
def test_versions_are_counted_for_one_app_only(console):
    assert "version" not in counts(console)
    assert counts(console, "app=desk")["version"] == {"#1": 2, "#2": 2}
    page = check_page(console.get("/apps/desk/?facets=1").content.decode())
    assert [h.text for h in page.findall(".//section[@class='facet']/h2")][:2] == [
        "Status",
        "Version",
    ]


@pytest.mark.usefixtures("desk")
def test_filters_in_force_bound_the_others_and_their_own_choice_stays_open(console):
    by_field = counts(console, "q=status:failed")
    assert by_field["status"] == {"failed": 2, "succeeded": 3}
    assert by_field["user"] == {"u-1": 1, "u-0": 1}


@pytest.mark.usefixtures("desk")
def test_each_value_is_a_link_that_puts_it_in_force_and_out_of_it(console):
    fragment = check_fragment(
        console.get("/runs/?user=u-0&facets=1", headers=FRAGMENT).content.decode()
    )
    links = {text_of(a): a for a in fragment.iter("a")}
    [succeeded] = [a for text, a in links.items() if text.startswith("Succeeded")]
    query = parse_qs(urlsplit(succeeded.get("href")).query)["q"]
    assert query == ["user:u-0 status:succeeded"]
    page = check_page(console.get(succeeded.get("href") + "&facets=1").content.decode())
    [chosen] = [a for a in page.iter("a") if a.get("aria-current") and "Succeeded" in text_of(a)]
    assert parse_qs(urlsplit(chosen.get("href")).query)["q"] == ["user:u-0"]


@pytest.mark.usefixtures("desk")
def test_a_chosen_value_without_runs_can_be_taken_back(console):
    assert counts(console, "q=user:nobody")["user"]["nobody"] == 0
    assert counts(console, "q=tag:vip+-tag:x+has:tag")["tag"] == {"vip": 1, "日本": 1}


@pytest.mark.usefixtures("desk")
def test_without_script_a_link_leads_to_the_counts(console):
    page = check_page(console.get("/runs/?q=user:u-0").content.decode())
    waiting = page.find(".//div[@id='facets']")
    link = waiting.find(".//a").get("href")
    assert link == waiting.get("hx-get") and "facets=1" in link
    section = text_of(check_page(console.get(link).content.decode()).find(".//section"))
    assert section == "Status Succeeded2 Failed1"


@pytest.mark.usefixtures("desk")
def test_words_count_what_they_find(console):
    make_run("desk", inputs="refund please", status="stopped")
    assert counts(console, "q=refund+status:stopped")["status"] == {"stopped": 1}


def test_how_many_values_are_left_out_is_shown(console):
    for n in range(12):
        make_run("desk", user=f"u-{n}")
    text = text_of(
        check_fragment(console.get("/runs/?facets=1", headers=FRAGMENT).content.decode())
    )
    assert "4 more: type user:" in text


@pytest.mark.usefixtures("desk")
def test_what_is_typed_otherwise_is_the_same_value(console):
    assert counts(console, "q=node:Ask")["node"] == {"Ask": 5, "search": 5}
    assert counts(console, "q=kind:Tool,LLM")["kind"] == {"llm": 5, "tool": 5}
    assert counts(console, "q=app:desk+version:1")["version"] == {"1": 2, "#2": 2}


@pytest.mark.usefixtures("desk")
def test_kinds_have_the_labels_of_the_pages(console):
    make_execution(Run.objects.first(), "Call", kind="http-request")
    fragment = check_fragment(console.get("/runs/?facets=1", headers=FRAGMENT).content.decode())
    links = fragment.findall(".//section[@aria-label='Kind of node']//a")
    assert [a.get("title") for a in links] == [
        "LLM · kind:llm", "Tool · kind:tool", "HTTP request · kind:http-request",
    ]  # fmt: skip
    assert "http-request" in counts(console, 'q=kind:"HTTP+request"')["kind"]


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    ("wrong", "runs"),
    [
        ("stauts:x user:u-0", 3),  # a part is understood
        ("app:nowhere user:u-0", 3),
        ("user:u-0 " + " ".join(f"word-{n}" for n in range(99)), 3),
        ("user:u-0 since:1d since:2d", 5),  # it does not hold together
        ("x" * 5000, 5),
    ],
)
def test_a_wrong_query_keeps_the_facets_of_what_is_understood(console, wrong, runs):
    page = check_page(console.get("/runs/", {"q": wrong}).content.decode())
    asks = page.find(".//div[@id='facets']").get("hx-get")
    facets = check_fragment(console.get(asks, headers=FRAGMENT).content.decode())
    assert f"Counted over {runs} run" in text_of(facets) and "could not be read" in text_of(facets)
    link = facets.find(".//section[@aria-label='Status']//a").get("href")
    assert "cannot be applied" not in console.get(link).content.decode()


def test_hostile_values(console):
    hostile = '"><script>alert(1)</script>\u202e'
    for user in (hostile, "other, one", 'a "b" c'):
        make_run("desk", user=user, tags=[user], environment=user[:90])
    fragment = check_fragment(console.get("/runs/?facets=1", headers=FRAGMENT).content.decode())
    for link in fragment.findall(".//section[@aria-label='User']//a"):
        page = check_page(console.get(link.get("href")).content.decode())
        assert len(page.findall(".//a[@class='summary']")) == 1


@pytest.mark.usefixtures("desk")
def test_a_bound_key_counts_its_app_alone(client):
    from runs.models import App

    secret = IngestKey.create("bound", can_read=True, app=App.objects.get(slug="shop"))[1]
    answer = client.get("/runs/facets.json", headers={"x-api-key": secret}).json()
    assert answer["runs"] == 1
    refused = client.get("/runs/facets.json?app=desk", headers={"x-api-key": secret})
    assert refused.status_code == 400 and "no app “desk”" in refused.json()["error"]


def test_bad_filters(console):
    assert console.get("/runs/facets.json?status=broken").status_code == 400
    check_page(console.get("/runs/?status=broken&facets=1").content.decode())
    fragment = console.get("/runs/?status=broken&facets=1", headers=FRAGMENT)
    assert fragment.status_code == 200 and "hx-get" not in fragment.content.decode()


def test_queries_do_not_grow(console, desk, django_assert_max_num_queries):
    for n in range(30):
        run = make_run(
            make_app(f"app-{n}"), user=f"u-{n}", version=make_version(make_app(f"app-{n}"))
        )
        make_execution(run, f"Step {n}", model=f"m-{n}")
    with django_assert_max_num_queries(9):  # … user, runs, tags, steps, apps, groups, versions
        console.get("/runs/?facets=1", headers=FRAGMENT)
    with django_assert_max_num_queries(12):
        url = "/runs/?facets=1&q=user:u-1+source:otlp+app:desk"
        console.get(url, headers=FRAGMENT)


def test_what_a_filter_lists_is_what_its_own_value_counts(console, monkeypatch):
    monkeypatch.setattr(facet_counts, "MAX_RUNS", 3)
    monkeypatch.setattr(facet_counts, "MAX_STEPS", 2)
    app, now = make_app("desk"), timezone.now()
    for n in range(6):
        status = "failed" if n in (0, 5) else "succeeded"
        run = make_run(app, status=status, started_at=now - timedelta(hours=n), steps=1)
        make_execution(run, "Look up", node_id=f"branch-{n % 2}")
    assert counts(console, "q=status:failed")["status"] == {"failed": 2, "succeeded": 2}
    page = check_page(console.get("/runs/?facets=1").content.decode())
    headings = [text_of(h) for h in page.findall(".//section[@class='facet']/h2")]
    assert "Node of the newest 2" in [" ".join(heading.split()) for heading in headings]
    nodes = page.find(".//section[@aria-label='Node']")
    assert [text_of(name) for name in nodes.findall(".//bdi")] == [
        "Look up (branch-0)",
        "Look up (branch-1)",
    ]
