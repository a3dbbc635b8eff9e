"""Values on their own pages."""

from uuid import uuid4

import pytest
from django.test import Client

from tests.factories import make_app, make_payload
from tests.pages import check_fragment, check_view, text_of

HOSTILE = "<script>alert(1)</script></textarea></pre>\u202egnp.exe\x07"


@pytest.mark.parametrize("view", ["", "read", "tree", "raw", "nonsense"])
def test_each_view_is_a_page_and_a_fragment(console: Client, view: str) -> None:
    stored = make_payload(make_app(), {"answer": HOSTILE, "n": 1, "list": [{"a": 1}, {"a": 2}]})
    tree = check_view(console, f"/payloads/{stored.id}/?view={view}")
    assert "alert(1)" in text_of(tree)


def test_a_long_text_is_whole_on_its_page_and_bounded_in_a_panel(console: Client) -> None:
    stored = make_payload(make_app(), "lorem " * 200_000)
    assert len(console.get(f"/payloads/{stored.id}/").content) > 1_200_000
    fragment = console.get(f"/payloads/{stored.id}/", headers={"HX-Request": "true"})
    assert len(fragment.content) < 30_000
    assert "20,000 of 1,200,000 characters" in fragment.content.decode()
    check_fragment(fragment.content.decode())


def test_a_cut_value_says_so(console: Client) -> None:
    stored = make_payload(make_app(), "beginning")
    type(stored).objects.filter(pk=stored.pk).update(cut_of=5_000_000)
    page = console.get(f"/payloads/{stored.id}/").content.decode()
    assert "The producer truncated this value: 9 B of 5.0 MB were sent" in page


def test_ten_thousand_levels_are_shown(console: Client) -> None:
    stored = make_payload(make_app(), "x")
    body = b"[" * 10_000 + b"]" * 10_000
    type(stored).objects.filter(pk=stored.pk).update(encoding="json", body=body, size=len(body))
    for view in ("read", "tree", "raw"):
        check_view(console, f"/payloads/{stored.id}/?view={view}")


def test_the_raw_file_cannot_run(console: Client) -> None:
    stored = make_payload(make_app(), HOSTILE)
    response = console.get(f"/payloads/{stored.id}/raw/")
    assert response.content.decode() == HOSTILE
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("attachment")
    assert "sandbox" in response["Content-Security-Policy"]


def test_missing_values_and_strangers(console: Client, client: Client) -> None:
    assert console.get(f"/payloads/{uuid4()}/").status_code == 404
    assert console.get(f"/payloads/{uuid4()}/raw/").status_code == 404
    assert console.post(f"/payloads/{uuid4()}/").status_code == 405
    assert client.get(f"/payloads/{uuid4()}/").status_code == 302
