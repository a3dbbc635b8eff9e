"""On a phone nothing is wider than the screen, however long names and notes are, and the actions of
a run leave room for its content."""

from collections.abc import Callable
from itertools import pairwise

from playwright.sync_api import Page

from tests.factories import make_app, make_conversation, make_execution, make_run

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


def test_the_actions_of_a_run_take_three_lines(signed_in: Callable[..., Page], db: None) -> None:
    app = make_app("desk", mode="chatflow")
    turns = make_conversation(app)
    _, run, _ = [make_run(app, conversation=turns) for _ in range(3)]
    page = signed_in()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(run.get_absolute_url())
    links = page.locator(".run-neighbours, .run-bar").locator("a, button, summary")
    boxes = [link.bounding_box() for link in links.all() if link.is_visible()]
    middles = sorted(box["y"] + box["height"] / 2 for box in boxes if box)
    assert sum(low + 12 < high for low, high in pairwise(middles)) < 3
    # What the menu holds is in sight when it opens.
    page.get_by_text("Export", exact=True).click()
    for link in page.locator(".menu-list a").all():
        box = link.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_the_chosen_step_stays_in_sight_above_its_panel(
    signed_in: Callable[..., Page], db: None
) -> None:
    run = make_run(make_app("desk"))
    last = [make_execution(run, f"Step {n}") for n in range(60)][-1]
    page = signed_in()
    for width, height in ((390, 844), (1400, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{run.get_absolute_url()}tracing/{last.pk}/")
        row = page.locator("#tree [aria-current]").bounding_box()
        panel = page.get_by_role("complementary", name="Step").bounding_box()
        assert row and panel
        end = panel["y"] if width == 390 else height
        assert row["y"] >= 0 and row["y"] + row["height"] <= end
