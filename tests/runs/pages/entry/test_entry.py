"""Ways in from elsewhere, sign-in, and the pages for errors."""

import pytest
from django.db import OperationalError, connection
from django.template.loader import get_template

from tests.factories import make_app, make_run
from tests.pages import check_page, parse, text_of

DIFY = "11111111-2222-3333-4444-555555555555"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def run(db):
    return make_run(
        source_ids={"otel-trace": TRACE, "dify-run": "11111111-2222-3333-4444-555555555555"}
    )


@pytest.mark.parametrize("source_id", [TRACE, DIFY])
def test_a_producers_id_leads_to_the_run(console, run, source_id):
    response = console.get(f"/runs/by/{source_id}/")
    assert response.status_code == 302 and response["Location"] == run.get_absolute_url()


def test_our_own_id_leads_there_too(console, run):
    assert console.get(f"/runs/by/{run.pk}/")["Location"] == run.get_absolute_url()


@pytest.mark.parametrize("source_id", ["nothing", "a%00b", "%3Cscript%3E", "x" * 2000])
def test_an_unknown_id_is_a_sentence(console, client, read_key, source_id):
    response = console.get(f"/runs/by/{source_id}/")
    assert response.status_code == 404
    assert "No run has the id" in text_of(check_page(response.content.decode()))
    answer = client.get(f"/runs/by/{source_id}.json", headers={"x-api-key": read_key})
    assert answer.status_code == 404 and "No run has the id" in answer.json()["error"]


def test_markdown_by_a_producers_id(client, read_key, run):
    by_trace, by_id = (
        client.get(f"/runs/{name}.md", headers={"x-api-key": read_key}).content
        for name in (f"by/{TRACE}", run.pk)
    )
    assert by_trace == by_id
    assert client.get(f"/runs/by/{TRACE}.md").status_code == 401


@pytest.mark.parametrize("path", ["/runs/zzz.json", "/runs/zzz.md", "/errors.csv", "/no.ndjson"])
def test_an_address_that_is_none_is_a_sentence_for_machines(client, path):
    answer = client.get(path)
    assert answer.status_code == 404 and "/llms.txt" in answer.json()["error"]


def test_json_by_a_producers_id(client, read_key, run):
    answer = client.get(f"/runs/by/{TRACE}.json", headers={"x-api-key": read_key})
    assert answer.status_code == 200
    assert answer.json()["id"] == str(run.pk)
    assert answer.json()["source"]["ids"]["otel-trace"] == TRACE


def test_a_dify_view_link_ends_at_the_app(console):
    app = make_app("Kundendienst 客服", slug="kundendienst")
    for name in ("Kundendienst 客服", "kundendienst"):
        response = console.get("/projects/", {"redirect_project_name": name})
        assert response["Location"] == app.get_absolute_url()
    assert console.get("/projects/")["Location"] == "/"
    unknown = console.get("/projects/", {"redirect_project_name": "<b>"})
    assert unknown.status_code == 404
    assert "There is no app “<b>” yet" in text_of(check_page(unknown.content.decode()))


@pytest.mark.django_db
def test_healthz_needs_no_sign_in(client):
    response = client.get("/healthz")
    assert response.status_code == 200 and response.content == b"ok\n"


@pytest.mark.django_db
def test_healthz_is_503_when_the_database_does_not_answer(client):
    def refuse(*args):
        raise OperationalError("gone")

    with connection.execute_wrapper(refuse):
        response = client.get("/healthz")
    assert response.status_code == 503 and b"does not answer" in response.content


def test_sign_in(client, admin):
    page = check_page(client.get("/login/?next=/runs/").content.decode())
    assert "Sign in" in text_of(page)
    assert page.find(".//nav") is None
    wrong = client.post("/login/", {"username": "admin", "password": "wrong"})
    assert "is wrong" in text_of(check_page(wrong.content.decode()))
    right = client.post("/login/", {"username": "admin", "password": "admin", "next": "/runs/"})
    assert right.status_code == 302 and right["Location"] == "/runs/"
    assert client.get("/runs/").status_code == 200
    client.post("/logout/")
    assert client.get("/runs/").status_code == 302


def test_an_unknown_address(console):
    response = console.get("/nothing/here/")
    assert response.status_code == 404
    check_page(response.content.decode())


@pytest.mark.parametrize("name", ["400.html", "500.html"])
def test_error_pages_need_no_context(name):
    tree = parse(get_template(name).render())
    assert len(tree.findall(".//h1")) == 1
