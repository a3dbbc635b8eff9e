"""The run history: what it shows, its filters, paging, polling, and its JSON."""

from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from tests.factories import make_app, make_conversation, make_execution, make_run, make_version
from tests.pages import FRAGMENT, check_fragment, check_page, check_view, text_of

HOSTILE = "<script>alert(1)</script></textarea>\u202e\u2066"


def listed_names(client, url):
    """Return the names of the runs that `url` lists, in order."""
    response = client.get(url)
    assert response.status_code == 200
    tree = check_page(response.content.decode())
    return [line.text for line in tree.findall(".//a[@class='summary']/span[1]")]


def named_run(name, **fields):
    return make_run(fields.pop("app", "desk"), inputs=name, inputs_preview=name, **fields)


def test_page_fragment_and_restore(console):
    named_run("What is my order?", outputs_preview="On its way")
    for url in ("/runs/", "/apps/desk/"):
        text = text_of(check_view(console, url))
        assert "What is my order?" in text and "On its way" in text


def test_the_fragment_replaces_the_region_and_informs_screen_readers(console):
    named_run("a")
    tree = check_fragment(console.get("/runs/", headers=FRAGMENT).content.decode())
    assert [element.get("id") for element in tree] == ["run-list", "list-status"]
    assert tree[1].get("hx-swap-oob") == "true" and "1 run shown" in text_of(tree[1])


def test_paging_replaces_the_table_alone(console):
    named_run("a")
    tree = check_fragment(
        console.get("/runs/", headers=FRAGMENT | {"HX-Target": "run-results"}).content.decode()
    )
    assert [element.get("id") for element in tree] == ["run-results", "list-status"]


def test_newest_first_and_a_failure_says_where_and_why(console):
    now = timezone.now()
    named_run("old", started_at=now - timedelta(days=2))
    named_run("new", started_at=now, status="failed", failed_title="Search", error="no such index")
    assert listed_names(console, "/runs/") == ["new", "old"]
    assert "Search: no such index" in text_of(check_page(console.get("/runs/").content.decode()))


def test_every_row_links_to_its_run(console):
    run = named_run("a")
    assert run.get_absolute_url().encode() in console.get("/runs/").content


def test_queries_do_not_grow_with_rows(console, django_assert_max_num_queries):
    app = make_app("desk")
    for n in range(30):
        named_run(
            str(n), version=make_version(app, n + 1), app=app, conversation=make_conversation(app)
        )
    # Session, user, apps to choose from, saved views, runs, their apps, their versions, their
    # notes, whether any were left out.
    with django_assert_max_num_queries(9):
        console.get("/runs/")
    with django_assert_max_num_queries(10):
        console.get("/apps/desk/")


@pytest.fixture
def filtered(db):
    """Two runs that differ in everything a filter can ask for."""
    now = timezone.now()
    app = make_app("desk")
    named_run(
        "hit", app=app, status="failed", user="u-1", version=make_version(app, 4, label="2026-11"),
        source_kind="dify-otlp", error="Quota exceeded for tier 1", tags=["vip", "日本"],
        duration_us=2_500_000, total_tokens=900, cost=Decimal("0.05"), cost_currency="USD",
        started_at=now - timedelta(hours=1), conversation=make_conversation(app, "thread-9"),
        source_ids={"otel-trace": "0af7651916cd43dd8448eb211c80319c"},
    )  # fmt: skip
    hit = app.runs.get()
    make_execution(hit, "Ask", kind="llm", model="gpt-4o", node_id="ask-1")
    named_run("miss", app="other", user="u-2", started_at=now - timedelta(days=3), total_tokens=5,
              duration_us=100_000, cost=Decimal("0.001"), tags=["vipp"])  # fmt: skip
    return hit


@pytest.mark.usefixtures("filtered")
@pytest.mark.parametrize(
    "query",
    [
        "app=desk", "status=failed", "status=failed&status=stopped", "version=4", "version=%234",
        "version=2026-11", "user=u-1", "since=24h", "since=2d", "source=dify-otlp",
        "conversation=thread-9", "model=gpt-4o", "node=ask-1", "kind=llm", "model=gpt-4o&kind=llm",
        "error=quota", "tag=vip", "tag=日本", "q=hit", "q=tier+1",
        "q=0af7651916cd43dd8448eb211c80319c", "q=0af76519-16cd-43dd-8448-eb211c80319c",
        "min_duration=2s", "min_duration=2500ms", "min_tokens=900", "min_cost=0.05",
    ],
)  # fmt: skip
def test_each_filter_lets_through_what_it_names(console, query):
    assert listed_names(console, f"/runs/?{query}") == ["hit"]


@pytest.mark.usefixtures("filtered")
def test_filters_for_the_other_side(console):
    day = (timezone.now() - timedelta(days=1)).isoformat()
    assert listed_names(console, f"/runs/?until={day.replace('+', '%2B')}") == ["miss"]
    assert listed_names(console, "/runs/?max_duration=0.5") == ["miss"]
    assert listed_names(console, "/runs/?model=gpt-4o&kind=tool") == []


def test_conversation_by_id(console, filtered):
    assert listed_names(console, f"/runs/?conversation={filtered.conversation_id}") == ["hit"]


BAD = [
    "app=none", "status=broken", "since=yesterday", "until=2026-13-01", "min_duration=long",
    "min_tokens=many", "min_cost=x", "order=colour", "after=nonsense", "after=~", "colour=red",
    "q=%00", "min_tokens=99999999999999999999", "min_duration=9999999999999999999999h",
    "since=0001-01-01", "after=99999999999999999999999~0af76519-16cd-43dd-8448-eb211c80319c",
]  # fmt: skip


@pytest.mark.parametrize("query", BAD)
def test_a_bad_filter_is_a_sentence_on_the_page_and_a_400_for_machines(console, query):
    named_run("kept")
    response = console.get(f"/runs/?{query}")
    assert response.status_code == 200
    tree = check_page(response.content.decode())
    assert tree.find(".//*[@role='alert']") is not None
    assert "kept" not in text_of(tree)
    answer = console.get(f"/runs.json?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]


ORDERS = ["-started_at", "started_at", "-duration", "-cost", "-tokens"]


def walk(client, url):
    """All runs of the JSON twin, page by page; the sizes of the pages."""
    runs, sizes = [], []
    while url:
        parts = urlsplit(url)
        answer = client.get(f"{parts.path}?{parts.query}").json()
        runs += answer["runs"]
        sizes.append(len(answer["runs"]))
        url = answer["next"]
    return runs, sizes


@pytest.mark.parametrize("order", ORDERS)
def test_paging_shows_every_run_once_in_order(console, order):
    now = timezone.now()
    for n in range(120):
        make_run(
            "desk",
            started_at=now - timedelta(minutes=n // 3),  # ties
            duration_us=None if n % 7 == 0 else n // 4,
            cost=None if n % 5 == 0 else Decimal(n // 4) / 1000,
            total_tokens=n // 6,
        )
    runs, sizes = walk(console, f"/runs.json?order={order}")
    assert sizes == [50, 50, 20]
    assert len({run["id"] for run in runs}) == 120
    key = {  # absent comes last
        "-started_at": lambda run: run["started_at"],
        "started_at": lambda run: run["started_at"],
        "-duration": lambda run: -1 if run["duration_us"] is None else run["duration_us"],
        "-cost": lambda run: Decimal(
            -1 if run["cost"]["amount"] is None else run["cost"]["amount"]
        ),
        "-tokens": lambda run: run["tokens"]["total"],
    }[order]
    values = [key(run) for run in runs]
    assert values == sorted(values, reverse=order.startswith("-"))


def test_the_pager_keeps_the_filters(console):
    for n in range(60):
        named_run(str(n), user="u&1")
    tree = check_page(console.get("/runs/?user=u%261").content.decode())
    link = tree.find(".//nav[@class='pager']/a")
    assert link.text == "Next page"
    assert parse_qs(urlsplit(link.get("href")).query)["user"] == ["u&1"]
    page = console.get("/runs/" + link.get("href")).content.decode()
    assert len(check_page(page).findall(".//a[@class='summary']")) == 10
    assert "First page" in page and "Next page" not in page


def test_filtering_through_htmx_pushes_an_address_without_empty_filters(console):
    named_run("a")
    response = console.get("/runs/?q=a&user=&order=-started_at&status=failed", headers=FRAGMENT)
    assert response["HX-Push-Url"] == "/runs/?q=a&status=failed"


def test_a_stalled_run_is_called_so(console):
    named_run("a", status="running", last_seen_at=timezone.now() - timedelta(hours=2))
    assert "Stalled" in text_of(check_page(console.get("/runs/").content.decode()))


def test_hostile_content_is_escaped(console):
    run = named_run(
        HOSTILE, status="failed", error=HOSTILE * 100, failed_title=HOSTILE, user=HOSTILE
    )
    run.outputs_preview = HOSTILE
    run.save()
    check_view(console, "/runs/")
    check_view(console, "/runs/?q=%3Cscript%3Ealert(1)%3C/script%3E%22%27")


def test_nothing_matches(console):
    named_run("a")
    assert "No runs match" in text_of(check_view(console, "/runs/?q=zzz"))


def test_the_console_is_closed(client):
    response = client.get("/runs/")
    assert response.status_code == 302 and response["Location"].startswith("/login/")


def test_only_reading(console):
    assert console.post("/runs/").status_code == 405


@pytest.mark.usefixtures("filtered")
def test_json_takes_the_same_filters(console):
    answer = console.get("/runs.json?status=failed&model=gpt-4o").json()
    assert [run["input_preview"] for run in answer["runs"]] == ["hit"]
    assert answer["next"] is None


def test_json_has_as_many_runs_as_asked_for(console):
    for _ in range(3):
        make_run("desk")
    ids, address = [], "/runs.json?limit=2&app=desk"
    while address:
        answer = console.get(address).json()
        assert 1 <= len(answer["runs"]) <= 2
        ids += [run["id"] for run in answer["runs"]]
        address = answer["next"]
    assert len(set(ids)) == len(ids) == 3
    for wrong in ("0", "51", "x"):
        assert "“limit” must be" in console.get("/runs.json", {"limit": wrong}).json()["error"]


def test_json_takes_as_many_queries_for_many(console, django_assert_max_num_queries):
    for n in range(30):
        make_run("desk", source_ids={"otel-trace": str(n)})
    with django_assert_max_num_queries(7):
        console.get("/runs.json")


def test_headings_order_the_list_where_an_index_does(console):
    make_run("desk", status="failed")
    page = check_page(console.get("/runs/?status=failed&order=-cost").content.decode())
    headings = page.findall(".//table/thead/tr/th")
    assert [text_of(heading) for heading in headings if heading.find("a") is not None] == [
        "When", "Time", "Tokens", "Cost",
    ]  # fmt: skip
    [ordered] = [heading for heading in headings if heading.get("aria-sort")]
    assert (text_of(ordered), ordered.get("aria-sort")) == ("Cost", "descending")
    href = next(heading.find("a").get("href") for heading in headings if text_of(heading) == "Time")
    page = check_page(console.get(f"/runs/{href}").content.decode())
    assert page.find(".//input[@id='id_q']").get("value") == "status:failed"
    assert page.find(".//th[@aria-sort='descending']/a").text == "Time"
    page = check_page(console.get("/runs/").content.decode())
    assert page.find(".//th[@aria-sort='descending']/a").get("href") == "?order=started_at"
    assert text_of(page.find(".//table/caption")) == "Runs"
    page = check_page(console.get("/runs/?q=refund").content.decode())
    assert page.find(".//th/a") is None


def headings_of(client, url):
    return [text_of(th) for th in check_page(client.get(url).content.decode()).findall(".//th")]


def test_columns_are_chosen_and_kept(console, django_assert_max_num_queries):
    run = named_run("a", user="u-1", tags=["vip"], model_calls=3)
    run.notes.create(name="tag", label="to-fix", source="person", author="eve")
    usual = headings_of(console, "/runs/")
    assert "User" not in usual and "Version" in usual
    chosen = "columns=status&columns=user&columns=tags&columns=model_calls&columns=none"
    assert headings_of(console, f"/runs/?{chosen}") == [
        "Status",
        "Summary",
        "User",
        "Tags",
        "Model calls",
    ]
    with django_assert_max_num_queries(10):  # one more than usual, for the tags of people
        page = check_page(console.get("/runs/").content.decode())
    assert [text_of(cell) for cell in page.findall(".//tbody/tr/td")][2:] == [
        "u-1",
        "vip, to-fix",
        "3",
    ]
    boxes = page.findall(".//form[@aria-label='Columns']//input[@type='checkbox']")
    assert {box.get("value") for box in boxes if box.get("checked") is not None} == {
        "status", "user", "tags", "model_calls",
    }  # fmt: skip
    assert headings_of(console, "/runs/?columns=summary") == ["Summary"]
    assert headings_of(console, "/runs/?columns=summary&columns=default") == usual
    response = console.get(f"/runs/?{chosen}&user=u-1", headers=FRAGMENT)
    assert response["HX-Push-Url"] == "/runs/?user=u-1"
