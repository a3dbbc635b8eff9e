"""The history grows while it is read: new runs are announced, unfinished rows change in place."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_run
from tests.pages import FRAGMENT, check_fragment, check_page, text_of


def named_run(name, **fields):
    return make_run("desk", inputs=name, inputs_preview=name, **fields)


def watch(tree):
    """Where the page asks for its news; None: it does not."""
    live = tree.find(".//div[@id='live']")
    return live.get("hx-get") if live.get("hx-trigger") == "every 5s" else None


def opened(client, url="/runs/"):
    return watch(check_page(client.get(url).content.decode()))


def poll(client, url):
    """(status, the number announced, names of the rows that changed, where to ask next)."""
    response = client.get(url, headers=FRAGMENT)
    # html5lib knows no template.
    html = response.content.decode().replace("<template>", "<table><tbody>")
    tree = check_fragment(html.replace("</template>", "</tbody></table>"))
    link = tree.find(".//a[@id='new-runs']")
    rows = tree.findall(".//tr[@hx-swap-oob='true']")
    names = [row.find(".//a[@class='summary']/span").text for row in rows]
    return response.status_code, link is not None and link.text, names, watch(tree)


def test_new_runs_are_announced_and_nothing_else_moves(console):
    named_run("shown")
    url = opened(console)
    assert poll(console, url)[:3] == (200, False, [])
    for name in "abc":
        named_run(name, started_at=timezone.now())
    *answer, again = poll(console, url)
    assert answer == [200, "3 new runs", []]
    spoken = 'role="status"'  # once, not with every poll
    assert spoken in console.get(url, headers=FRAGMENT).content.decode()
    assert spoken not in console.get(again, headers=FRAGMENT).content.decode()


def test_the_link_shows_them(console):
    url = opened(console, "/apps/desk/?q=status:failed&order=-started_at") if named_run("x") else ""
    named_run("new", status="failed")
    tree = check_fragment(console.get(url, headers=FRAGMENT).content.decode())
    link = tree.find(".//a[@id='new-runs']")
    assert link.text == "1 new run"
    page = console.get(link.get("href")).content.decode()
    assert "new" in text_of(check_page(page)) and "?q=status%3Afailed" in link.get("href")


def test_a_run_that_arrives_late_is_new_though_it_began_earlier(console):
    now = timezone.now()
    for n in range(3):
        named_run(str(n), started_at=now - timedelta(minutes=n * 10))
    url = opened(console)
    named_run("late", started_at=now - timedelta(minutes=15))
    assert poll(console, url)[1] == "1 new run"


def test_what_is_far_too_late_waits_for_the_next_look(console):
    named_run("a", started_at=timezone.now() - timedelta(days=9))
    url = opened(console)
    named_run("imported", started_at=timezone.now() - timedelta(days=2))
    assert poll(console, url)[1] is False


def test_what_belongs_on_a_later_page_is_not_announced(console):
    now = timezone.now()
    for n in range(60):
        named_run(str(n), started_at=now - timedelta(minutes=n))
    url = opened(console)
    named_run("old", started_at=now - timedelta(days=1))
    assert poll(console, url)[1] is False


def test_only_matching_runs_count(console):
    url = opened(console, "/runs/?status=failed&status=stopped&user=u-1")
    named_run("a", status="succeeded", user="u-1")
    named_run("b", status="failed", user="u-2")
    named_run("c", status="failed", user="u-1")
    named_run("d", status="stopped", user="u-1")
    assert poll(console, url)[1] == "2 new runs"


def test_many_are_not_counted_to_the_end_and_then_it_rests(console):
    url = opened(console)
    for n in range(52):
        named_run(str(n))
    status, announced, _, again = poll(console, url)
    assert (status, announced, again) == (286, "50+ new runs", None)


def test_what_a_search_finds_is_announced_too(console):
    named_run("refund one", started_at=timezone.now() - timedelta(minutes=9))
    url = opened(console, "/runs/?q=refund")
    named_run("refund two")
    named_run("else")
    assert poll(console, url)[1] == "1 new run"


def test_unfinished_rows_change_in_place(console):
    run = named_run("going", status="running")
    named_run("done")
    url = opened(console)
    status, announced, names, url = poll(console, url)
    assert (status, announced, names) == (200, False, ["going"])
    run.status = "failed"
    run.save()
    page = console.get(url, headers=FRAGMENT).content.decode()
    assert f'id="row-{run.pk.hex}"' in page and "Failed" in page
    # It has ended: its row is not asked for again.
    assert poll(console, poll(console, url)[3])[2] == []


def test_a_row_that_no_longer_matches_still_shows_its_end(console):
    run = named_run("going", status="running")
    url = opened(console, "/runs/?q=is:running")
    run.status = "succeeded"
    run.save()
    assert poll(console, url)[2] == ["going"]


def test_later_pages_refresh_rows_only_and_the_server_ends_it(console):
    now = timezone.now()
    runs = [named_run(str(n), started_at=now - timedelta(minutes=n)) for n in range(60)]
    runs[55].status = "running"
    runs[55].save()
    following = console.get("/runs.json").json()["next"]
    url = opened(console, following[following.index("/runs") :].replace(".json", "/"))
    named_run("new")
    assert poll(console, url)[:3] == (200, False, ["55"])
    runs[55].status = "succeeded"
    runs[55].save()
    assert poll(console, url)[:3] == (286, False, ["55"])


@pytest.mark.parametrize(
    "url", ["/runs/?order=-cost", "/runs/?until=1h", "/runs/?q=stauts:x", "/runs/?after=x"]
)
def test_a_page_does_not_poll_where_nothing_can_come(console, url):
    named_run("a", started_at=timezone.now() - timedelta(hours=2))
    page = check_page(console.get(url).content.decode())
    live = page.find(".//div[@id='live']")
    assert live is None or live.get("hx-get") is None


def test_a_stalled_run_is_not_waited_for(console):
    named_run("a", status="running", last_seen_at=timezone.now() - timedelta(hours=2))
    assert "open=" not in opened(console)


def test_a_page_left_open_stops_asking(console):
    url = opened(console)
    status, _, _, again = poll(console, url.partition("opened=")[0] + "opened=1000")
    assert (status, again) == (286, None)


@pytest.mark.parametrize(
    "query",
    ["live=new", "live=rows&open=x.y", "live=new&after=nonsense", "live=new&seen=%00&opened=x",
     "live=new&q=stauts:x", "live=new&told=99999999999999999999", "live=1&colour=red",
     "live=new&opened=99999999999999", "live=new&opened=9999999999&open=."],
)  # fmt: skip
def test_a_made_up_poll_does_no_harm(console, query):
    named_run("a", status="running")
    assert console.get(f"/runs/?{query}", headers=FRAGMENT).status_code in (200, 286)


def test_a_poll_takes_few_queries(console, django_assert_max_num_queries):
    for n in range(50):
        named_run(str(n), status="running", started_at=timezone.now())
    url = opened(console, "/runs/?status=running&status=paused")
    with django_assert_max_num_queries(7):  # session, user, rows, apps, versions, two statuses
        assert len(poll(console, url)[2]) == 50


def test_a_page_without_htmx_shows_all_at_once(console):
    named_run("a")
    url = opened(console)
    page = check_page(console.get(url).content.decode())
    assert "a" in text_of(page)
