"""Filters kept under a name: made, opened, shared, renamed, deleted."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from runs.models import IngestKey, SavedView
from tests.factories import make_app, make_run
from tests.pages import check_page, text_of

PLAIN = {"name": "Failures", "query": "q=status%3Afailed"}


@pytest.fixture
def other(db):
    client = Client()
    client.force_login(get_user_model().objects.create_user("mo", password="mo"))
    return client


def offered(client, url="/runs/"):
    """{name: whether it is marked} of the views above a list."""
    page = check_page(client.get(url).content.decode())
    links = page.findall(".//a[@class='saved-view']")
    return {text_of(link): link.get("aria-current") == "true" for link in links}


def make(client, **fields):
    response = client.post("/views/", PLAIN | fields)
    assert response.status_code == 302, response.content
    return response["Location"]


def test_a_view_is_its_address(console):
    make_run("desk", inputs_preview="bad", status="failed")
    make_run("desk", inputs_preview="good")
    url = make(console)
    assert url == "/runs/?q=status%3Afailed"
    assert "bad" in text_of(check_page(console.get(url).content.decode()))
    assert offered(console, url) == {"Failures": True}


def test_it_is_marked_however_the_same_filters_are_written(console):
    make(console, query="q=status%3Afailed+user%3Au&order=-cost")
    assert offered(console, "/runs/?user=u&status=failed&order=-cost") == {"Failures": True}
    assert offered(console, "/runs/?user=u&status=failed") == {"Failures": False}
    assert offered(console) == {"Failures": False}


def test_an_app_has_views_of_its_own(console):
    make_app("desk")
    assert make(console, app="desk") == "/apps/desk/?q=status%3Afailed"
    make(console, name="Everywhere")
    assert offered(console, "/apps/desk/?status=failed") == {"Failures": True}
    assert offered(console) == {"Everywhere": False}


def test_the_list_offers_to_save_what_is_in_force(console):
    page = check_page(console.get("/runs/?status=failed&user=a%26b&after=").content.decode())
    form = next(f for f in page.iter("form") if f.get("action") == "/views/")
    sent = {i.get("name"): i.get("value", "") for i in form.iter("input")}
    assert sent["query"] == "status=failed&user=a%26b"
    assert make(console, query=sent["query"]) == "/runs/?status=failed&user=a%26b"


def test_others_see_what_is_shared(console, other):
    make(console)
    make(console, name="Shared", shared="on")
    assert offered(other) == {"Shared": False}
    page = text_of(check_page(other.get("/views/").content.decode()))
    assert "Shared" in page and "admin, shared" in page and "Failures" not in page


def test_the_owner_renames_shares_and_deletes(console, other):
    make(console)
    view = SavedView.objects.get()
    assert console.post(f"/views/{view.pk}/", {"name": "Bad", "shared": "on"}).status_code == 302
    assert offered(other) == {"Bad": False}
    assert SavedView.objects.get().query == PLAIN["query"]
    assert console.post(f"/views/{view.pk}/delete/").status_code == 302
    assert offered(console) == {}
    assert console.post(f"/views/{view.pk}/delete/").status_code == 404


def test_nobody_else_changes_it(console, other):
    make(console)
    view = SavedView.objects.get()
    for path in (f"/views/{view.pk}/", f"/views/{view.pk}/delete/"):
        assert other.post(path, {"name": "Mine"}).status_code == 404
    SavedView.objects.update(shared=True)
    for path in (f"/views/{view.pk}/", f"/views/{view.pk}/delete/"):
        assert other.post(path, {"name": "Mine"}).status_code == 403
    assert SavedView.objects.get().name == "Failures"


def test_names_are_unique_for_each_owner(console, other):
    make(console)
    again = console.post("/views/", PLAIN | {"query": "status=stopped"})
    assert again.status_code == 409
    page = check_page(again.content.decode())
    assert "You already have a view with this name" in text_of(page)
    kept = {i.get("name"): i.get("value") for i in page.iter("input")}
    assert kept["query"] == "status=stopped" and kept["name"] == "Failures"
    make(other)
    make(console, name="Second")
    second = SavedView.objects.get(name="Second")
    assert console.post(f"/views/{second.pk}/", {"name": "Failures"}).status_code == 409


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "Give the view a name"),
        ({"name": " \t "}, "Give the view a name"),
        ({"name": "x" * 101}, "at most 100"),
        ({"name": "a\0b"}, "Null characters"),
        ({"query": "status=broken"}, "not one of running"),
        ({"query": "colour=red"}, "no filter “colour”"),
        ({"query": "q=%00"}, "NUL"),
        ({"query": "q=" + "x" * 9000}, "at most"),
        ({"app": "none"}, "There is no app “none”"),
        ({"app": "desk", "query": "app=desk"}, "cannot be used here"),
    ],
)
def test_what_cannot_be_saved_is_explained(console, fields, sentence):
    make_app("desk")
    response = console.post("/views/", PLAIN | fields)
    assert response.status_code == 400
    assert sentence in text_of(check_page(response.content.decode()))
    assert not SavedView.objects.exists()


def test_hostile_names_are_escaped(console):
    hostile = "<script>alert(1)</script>\u202e\"'"
    make(console, name=hostile, shared="on")
    for url in ("/views/", "/runs/", "/runs/?status=failed"):
        check_page(console.get(url).content.decode())


def test_views_as_json(console, client, read_key):
    make_app("desk")
    make(console, app="desk", shared="on")
    make(console, name="Mine", query="user=u")
    mine = console.get("/views.json").json()["views"]
    assert [view["name"] for view in mine] == ["Failures", "Mine"]
    assert mine[0]["url"] == "http://testserver/apps/desk/?q=status%3Afailed"
    assert (mine[0]["app"], mine[0]["query"], mine[0]["owner"]) == (
        "desk",
        "status:failed",
        "admin",
    )
    views = client.get("/views.json", headers={"x-api-key": read_key}).json()["views"]
    assert [view["name"] for view in views] == ["Failures"]
    bound = IngestKey.create("bound", can_read=True, app=make_app("other"))[1]
    assert client.get("/views.json", headers={"x-api-key": bound}).json() == {"views": []}
    assert client.get("/views.json").status_code == 401


def test_the_list_of_views_takes_few_queries(console, django_assert_max_num_queries):
    for n in range(20):
        make(console, name=f"View {n}", app=make_app(f"app-{n}").slug)
    with django_assert_max_num_queries(3):
        console.get("/views/")


@pytest.mark.django_db
def test_only_who_is_signed_in(client):
    assert client.post("/views/", PLAIN).status_code == 302
    assert not SavedView.objects.exists()
