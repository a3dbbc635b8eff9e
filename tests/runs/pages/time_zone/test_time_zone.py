"""The time zone that a reader chooses."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from runs.pages.time_zone.middleware import COOKIE
from tests.factories import make_run
from tests.pages import check_page, text_of

ADDRESS = "/settings/time-zone/"


def test_times_are_shown_in_the_zone_that_was_chosen(console: Client) -> None:
    run = make_run(started_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    page = f"/runs/{run.id}/detail/"
    assert "2026-07-01 22:30:00.000" in console.get(page).content.decode()
    answer = console.post(ADDRESS, {"zone": "Europe/Berlin", "next": page})
    assert (answer.status_code, answer["Location"]) == (302, page)
    shown = console.get(page).content.decode()
    assert "2026-07-02 00:30:00.000" in shown and "Times are shown in Europe/Berlin" in shown
    started = console.get(f"/runs/{run.id}.json").json()["started_at"]
    assert datetime.fromisoformat(started).utcoffset() == datetime.now(UTC).utcoffset()
    chosen = check_page(console.get(ADDRESS).content.decode()).findall(".//option[@selected]")
    assert [text_of(option) for option in chosen] == ["Europe/Berlin"]


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "Europe/Berlin\0"])
def test_a_zone_that_does_not_exist_is_a_sentence(console: Client, zone: str) -> None:
    answer = console.post(ADDRESS, {"zone": zone})
    assert answer.status_code == 400 and COOKIE not in answer.cookies
    assert check_page(answer.content.decode()).find(".//p[@role='alert']") is not None
    console.cookies[COOKIE] = zone.replace("\0", "x")
    assert "Times are shown in UTC" in console.get("/runs/").content.decode()


def test_it_leads_back_to_a_page_of_the_console_alone(console: Client) -> None:
    for back in ("https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""):
        answer = console.post(ADDRESS, {"zone": "UTC", "next": back})
        assert answer["Location"] == "/"
