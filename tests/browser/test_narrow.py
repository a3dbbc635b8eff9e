"""On a telephone nothing is wider than the screen, however long names and notes are."""

from collections.abc import Callable

from playwright.sync_api import Page

from tests.factories import make_app, make_run

UNBROKEN = "Vertragsprüfung" * 12
PARTS = ("", "detail/", "tracing/", "time/", "variables/", "share/")


def test_long_words_break(signed_in: Callable[..., Page], db: None) -> None:
    app = make_app(UNBROKEN, slug="long")
    run = make_run(app, name=UNBROKEN, user=UNBROKEN, inputs={UNBROKEN: UNBROKEN})
    page = signed_in()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{run.get_absolute_url()}detail/")
    page.locator("#notes").get_by_label("Comment").fill(UNBROKEN)
    page.locator("#notes").get_by_role("button", name="Save note").click()
    page.locator("#notes .notes").wait_for()
    wide = {}
    own = [run.get_absolute_url() + part for part in PARTS]
    compare = f"/runs/compare/?b={run.pk}"
    for address in [*own, compare, "/", "/runs/", "/notes/", app.get_absolute_url()]:
        page.goto(address)
        if over := page.evaluate("document.documentElement.scrollWidth - innerWidth"):
            wide[address] = over
    assert wide == {}
