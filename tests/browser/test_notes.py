"""Notes by a click, and a link to a run, with and without script."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.factories import make_execution, make_run


@pytest.mark.parametrize("script", [True, False])
def test_a_thumb_is_one_click(signed_in: Callable[..., Page], script: bool) -> None:
    run = make_run(inputs="Where is A-17?")
    page = signed_in(java_script_enabled=script)
    page.goto(f"/runs/{run.id}/detail/")
    page.click("#header-notes-down")
    expect(page.locator("#header-notes-down")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#notes li")).to_have_text(["👎 thumbs down admin, just now Delete thumbs"])
    page.fill("#notes [name=comment]", "It names the wrong shop.")
    page.click("#notes .note-form button")
    expect(page.locator("#notes li")).to_have_count(2)
    expect(page.locator("#notes [name=comment]")).to_have_value("")
    page.locator("#notes li").nth(1).get_by_role("button").click()
    expect(page.locator("#notes li")).to_have_count(1)


def test_a_note_on_a_step_and_one_that_is_refused(signed_in: Callable[..., Page]) -> None:
    run = make_run()
    step = make_execution(run)
    page = signed_in()
    page.goto(f"/runs/{run.id}/tracing/{step.id}/")
    page.click("#step-notes summary")
    page.fill("#step-notes [name=score]", "many")
    page.click("#step-notes .note-form button")
    expect(page.locator("#step-notes [role=alert]")).to_have_text("Score: A score is a number.")
    page.fill("#step-notes [name=score]", "0.8")
    page.click("#step-notes .note-form button")
    expect(page.locator("#step-notes li")).to_contain_text("score 0.8")


def test_a_stranger_with_a_link(signed_in: Callable[..., Page], visit: Callable[..., Page]) -> None:
    run = make_run(inputs={"email": "ada@example.org", "question": "Where is A-17?"})
    make_execution(run, "Answer", outputs="Lost.")
    page = signed_in()
    page.goto(f"/runs/{run.id}/")
    page.click("text=Share")
    page.fill("[name=keys]", "email")
    page.click("text=Make link")
    stranger = visit()
    stranger.goto(page.inner_text("#address"))
    expect(stranger.locator("#input")).to_contain_text("Where is A-17?")
    expect(stranger.locator("body")).not_to_contain_text("ada@example.org")
    stranger.click("text=Answer")
    expect(stranger.locator("#value-outputs")).to_contain_text("Lost.")
    page.goto(f"/runs/{run.id}/share/")
    page.click("text=Take back")
    stranger.reload()
    expect(stranger.locator("body")).to_contain_text("This link leads nowhere")
