"""Notes by a click, and shared links, with and without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.factories import make_execution, make_run


@pytest.mark.parametrize("script", [True, False])
def test_a_thumb_takes_a_single_click(signed_in: Callable[..., Page], script: bool) -> None:
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


def test_a_step_takes_a_note_after_a_refused_entry(signed_in: Callable[..., Page]) -> None:
    run = make_run()
    step = make_execution(run)
    page = signed_in()
    page.goto(f"/runs/{run.id}/tracing/{step.id}/")
    page.click("#step-notes summary")
    page.fill("#step-notes [name=score]", "many")
    page.click("#step-notes .note-form button")
    expect(page.locator("#step-notes [role=alert]")).to_have_text(
        "Score: A score must be a number."
    )
    page.fill("#step-notes [name=score]", "0.8")
    page.click("#step-notes .note-form button")
    expect(page.locator("#step-notes li")).to_contain_text("score 0.8")


def test_a_visitor_reads_a_shared_run(
    signed_in: Callable[..., Page], new_page: Callable[..., Page]
) -> None:
    run = make_run(inputs={"email": "ada@example.org", "question": "Where is A-17?"})
    make_execution(run, "Answer", outputs="Lost.")
    page = signed_in()
    page.goto(f"/runs/{run.id}/")
    page.click("text=Share")
    page.fill("[name=keys]", "email")
    page.click("text=Create link")
    visitor = new_page()
    visitor.goto(page.inner_text("#address"))
    expect(visitor.locator("#input")).to_contain_text("Where is A-17?")
    expect(visitor.locator("body")).not_to_contain_text("ada@example.org")
    visitor.click("text=Answer")
    expect(visitor.locator("#value-outputs")).to_contain_text("Lost.")
    page.goto(f"/runs/{run.id}/share/")
    page.click("text=Revoke")
    visitor.reload()
    expect(visitor.locator("body")).to_contain_text("This link does not work")
