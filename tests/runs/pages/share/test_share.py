"""Links that show one run, without sign-in, to whoever has them."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from runs.models import Note, ShareLink
from tests.factories import make_execution, make_payload, make_run, make_version
from tests.pages import check_page, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    run = make_run(inputs={"question": "Where is A-17?"}, outputs="**Lost**, we fear.", user="u-7",
                   cost="0.25", cost_currency="USD", cost_state="priced")  # fmt: skip
    run.version = make_version(run.app)
    run.save()
    make_execution(run, "Search", kind="tool", outputs=["nothing"], depth=0)
    make_execution(run, "Answer", inputs="Say it kindly.", outputs={"text": "Lost."}, depth=1,
                   model="gpt-9", received={"attributes": {"raw.one": "as it came"}})  # fmt: skip
    return run


def share(console, run, **form):
    response = console.post(f"/runs/{run.id}/share/", {"lasts": "1d"} | form)
    assert response.status_code == 200, response.content
    address = check_page(response.content.decode()).find(".//code[@id='address']").text
    assert re.fullmatch(r"http://testserver/s/[\w-]{43}/", address)
    return address.removeprefix("http://testserver")


def test_a_link_shows_run_steps_and_values_without_sign_in(console, client, run):
    address = share(console, run)
    page = client.get(address)
    tree = check_page(page.content.decode())
    for text in ("support-desk", "Lost, we fear.", "Where is A-17?", "Search", "Answer", "u-7",
                 "$0.25", "v1"):  # fmt: skip
        assert text in text_of(tree), text
    [search, answer] = run.executions.order_by("index")
    links = {link.get("href") for link in tree.iter("a")}
    assert links == {f"{address[:-1]}.json", *(f"{address}steps/{s.id}/" for s in (search, answer))}
    step = check_page(client.get(f"{address}steps/{answer.id}/").content.decode())
    for text in ("Say it kindly.", "Lost.", "gpt-9", "raw.one"):
        assert text in text_of(step), text


def test_its_twin_has_the_same(console, client, run):
    address = share(console, run)
    data = client.get(f"{address[:-1]}.json").json()
    assert data["app"] == "support-desk" and data["inputs"] == {"question": "Where is A-17?"}
    assert [step["title"] for step in data["executions"]] == ["Search", "Answer"]
    assert data["cost"] == {"amount": "0.25", "currency": "USD", "state": "priced"}
    step = client.get(f"{address}steps/{data['executions'][1]['id']}.json").json()
    assert (step["inputs"], step["outputs"]) == ("Say it kindly.", {"text": "Lost."})
    assert step["model"] == "gpt-9" and data["masked"] == [] and "notes" not in data


def test_no_cache_and_no_search_engine_keeps_it(console, client, run):
    address = share(console, run)
    step = run.executions.first()
    for path in (address, f"{address[:-1]}.json", f"{address}steps/{step.id}/",
                 f"{address}steps/{step.id}.json", "/s/unknown/", "/s/unknown.json"):  # fmt: skip
        response = client.get(path)
        assert "no-store" in response["Cache-Control"], path
        assert "noindex" in response["X-Robots-Tag"], path
        assert response["Referrer-Policy"] == "no-referrer" and not response.cookies, path
    page = client.get(address).content.decode()
    assert '<meta name="robots" content="noindex' in page and "<script" not in page


def test_the_secret_is_shown_once_and_kept_as_a_digest(console, run):
    token = share(console, run).split("/")[2]
    assert token not in console.get(f"/runs/{run.id}/share/").content.decode()
    assert token not in str(ShareLink.objects.values())
    assert ShareLink.find(token) == ShareLink.objects.get()


def test_links_are_listed_and_revoked(console, client, run):
    address = share(console, run, lasts="7d", fields_masked=["errors"], keys="email", words="Ada")
    client.get(address)
    page = check_page(console.get(f"/runs/{run.id}/share/").content.decode())
    row = text_of(page.find(".//tr[@data-row]"))
    for text in ("admin", "just now", "Errors", "key “email”", "word “Ada”", "Revoke"):
        assert text in row, text
    link = ShareLink.objects.get()
    assert timedelta(days=6) < link.expires_at - timezone.now() <= timedelta(days=7)
    elsewhere = make_run()
    assert console.post(f"/runs/{elsewhere.id}/share/{link.id}/revoke/").status_code == 404
    assert client.get(address).status_code == 200
    after = console.post(f"/runs/{run.id}/share/{link.id}/revoke/", follow=True)
    assert "Revoked" in text_of(check_page(after.content.decode()))
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"lasts": "9y"}, "1 hour, 1 day, 7 days or 30 days"),
        ({"lasts": ""}, "required"),
        ({"fields_masked": ["all"]}, "There is no field “all”."),
        ({"words": "a"}, "too short"),
        ({"words": "\u200b\u200b"}, "too short"),
        ({"keys": "..."}, "is not a valid key"),
        ({"words": "\n".join(map(str, range(100, 160)))}, "At most 50 lines."),
        ({"words": "x" * 201}, "At most 200 characters"),
    ],
)
def test_a_form_that_makes_no_link_says_why(console, run, form, sentence):
    response = console.post(f"/runs/{run.id}/share/", {"lasts": "1d"} | form)
    assert response.status_code == 400 and not ShareLink.objects.exists()
    alert = check_page(response.content.decode()).find(".//p[@role='alert']")
    assert sentence in text_of(alert)


def test_only_who_sees_the_run_shares_it(client, admin, run):
    url = f"/runs/{run.id}/share/"
    assert client.get(url)["Location"].startswith("/login/")
    assert client.post(url, {"lasts": "1d"})["Location"].startswith("/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin)
    assert strict.post(url, {"lasts": "1d"}).status_code == 403
    assert not ShareLink.objects.exists()
    colleague = Client()
    colleague.force_login(get_user_model().objects.create_user("colleague"))
    assert share(colleague, run)


REQUEST = (
    "POST /v1/x?token=t0p-1 HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer hush-hush-1\r\n"
    'X-Api-Key: hush-key-2\r\n\r\n{"n": 1}'
)


def test_secrets_are_masked_by_default(console, client, run):
    """What the form of the page sends, as it comes."""
    run.inputs = make_payload(run.app, {"q": "hi", "password": "hunter2-hunter2"})
    run.error = "login with hunter2-hunter2 was refused"
    run.status = "failed"
    run.save()
    values = {
        "inputs": {"API_TOKEN": "tok-3", "password": "hunter2-hunter2", "total_tokens": 7,
                   "headers": [{"name": "Cookie", "value": "cookie-4"}]},
        "process_data": {"request": REQUEST},
        "outputs": '{"ok": true, "access": {"client_secret": "s-5"}, "key": "{{#env.KEY#}}"}',
    }  # fmt: skip
    step = make_execution(run, "Call", received={"attributes": {"a": REQUEST}}, **values)
    page = check_page(console.get(f"/runs/{run.id}/share/").content.decode())
    boxes = page.findall(".//input[@name='fields_masked']")
    chosen = [box.get("value") for box in boxes if box.get("checked") is not None]
    assert chosen == ["secrets", "attributes", "user"]
    for name in ("Authorization", "X-Api-Key", "password", "token"):
        assert name in text_of(page.find(".//form[@aria-labelledby='make-link']"))
    address = share(console, run, fields_masked=chosen)
    texts = [client.get(address), client.get(f"{address[:-1]}.json"),
             client.get(f"{address}steps/{step.id}/"),
             client.get(f"{address}steps/{step.id}.json")]  # fmt: skip
    all_text = "".join(text.content.decode() for text in texts)
    for secret in ("hunter2", "tok-3", "hush-hush-1", "hush-key-2", "cookie-4", "s-5", "t0p-1"):
        assert secret not in all_text, secret
    for kept in ("api.example", "hi", "{{#env.KEY#}}", "client_secret"):
        assert kept in all_text, kept
    seen = client.get(f"{address}steps/{step.id}.json").json()
    assert seen["inputs"]["total_tokens"] == 7 and '"n": 1' in seen["process_data"]["request"]
    open_address = share(console, run, fields_masked=["user"])
    assert "hush-key-2" in client.get(f"{open_address}steps/{step.id}/").content.decode()


def test_notes_are_shown_if_chosen(console, client, run):
    Note.objects.create(run=run, name="comment", text="Too kind.", author="ada", source="person")
    assert "Too kind." not in client.get(share(console, run)).content.decode()
    chosen = share(console, run, notes="on", fields_masked=["user"])
    page = client.get(chosen).content.decode()
    assert "Too kind." in page and "ada" not in text_of(check_page(page))
    assert client.get(f"{chosen[:-1]}.json").json()["notes"][0]["author"] is None


def test_long_runs_come_in_pages(console, client, run, django_assert_max_num_queries):
    for n in range(450):
        make_execution(run, f"Step {n}")
    address = share(console, run)
    titles, path = [], address
    while path:
        with django_assert_max_num_queries(8):
            page = check_page(client.get(path).content.decode())
        titles += [text_of(a) for a in page.findall(".//a[@class='step-name']")]
        following = [a for a in page.iter("a") if text_of(a) == "Next page"]
        path = following[0].get("href").partition("#")[0] if following else ""
    assert len(titles) == 452 == len(set(titles))
    seen, path = 0, f"{address[:-1]}.json"
    while path:
        page = client.get(path).json()
        seen += len(page["executions"])
        path = page["next"] and page["next"].removeprefix("http://testserver")
    assert seen == 452


def test_large_values_show_their_beginning_or_are_left_out(console, client, run):
    large = make_execution(run, "Large", outputs=["word " * 10] * 60_000)
    path = f"{share(console, run)}steps/{large.id}"
    page = client.get(f"{path}/").content
    assert len(page) < 300_000 and b"Only the beginning is shown" in page
    assert len(client.get(f"{path}.json").json()["outputs"]) == 60_000
    path = f"{share(console, run, words='secret')}steps/{large.id}"
    assert b"too large to be masked" in client.get(f"{path}/").content
    assert client.get(f"{path}.json").json()["outputs"] == {"left_out": "too-large"}
