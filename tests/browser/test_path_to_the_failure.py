"""The path that Waylog is made for: from sign-in to the step that failed, and on from there, with
and without JavaScript."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import AbstractBaseUser
from playwright.sync_api import Page, expect

ERROR = "order A-404 not found in the warehouse database"
QUESTION = "refund for A-404 please"


@pytest.mark.parametrize("script", [True, False], ids=["javascript", "no-javascript"])
def test_from_sign_in_to_the_failure(
    new_page: Callable[..., Page],
    admin: AbstractBaseUser,
    record: Callable[..., object],
    script: bool,
) -> None:
    record("langgraph-openinference")
    page = new_page(java_script_enabled=script)

    page.goto("/runs/")
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("admin")
    page.get_by_role("button", name="Sign in").click()

    # The history, newest first; the failed run shows why.
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")
    row = page.get_by_role("row").filter(has_text=QUESTION)
    expect(row).to_contain_text(ERROR)
    row.get_by_role("link", name=re.compile(QUESTION)).click()

    # The run, and the step that failed.
    expect(page.get_by_role("heading", level=1)).to_contain_text("support")
    page.get_by_role("link", name="Open the failing step").click()
    panel = page.get_by_role("complementary", name="Step")
    expect(panel.get_by_role("heading", level=2)).to_have_text("lookup_order")
    expect(panel.get_by_role("region", name="Error", exact=True)).to_contain_text(ERROR)
    expect(panel.get_by_role("region", name="Arguments")).to_contain_text("A-404")
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/tracing/[0-9a-f-]{36}/"))

    # Another step opens beside the tree, and Back leads to the one before.
    page.get_by_role("table").get_by_role("link", name="classify", exact=True).first.click()
    expect(panel.get_by_role("heading", level=2)).to_have_text("classify")
    page.go_back()
    expect(panel.get_by_role("heading", level=2)).to_have_text("lookup_order")
    run_url = page.url.partition("tracing/")[0]

    # The graph of this run and that of all runs; there the node, and its last run.
    page.get_by_role("navigation", name="Run", exact=True).get_by_role("link", name="Graph").click()
    drawing = page.get_by_role("region", name="Drawing")
    drawing.get_by_role("link", name=re.compile("lookup_order")).first.click()
    expect(panel.get_by_role("region", name="Error", exact=True)).to_contain_text(ERROR)
    page.get_by_role("link", name="All runs", exact=True).click()
    drawing.get_by_role("link", name=re.compile("classify")).first.click()
    drawing.get_by_role("link", name=re.compile("lookup_order")).first.click()
    chosen = drawing.locator("[aria-current]")
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text("lookup_order")
    node = page.get_by_role("complementary", name="Node")
    node.get_by_role("link", name="Last run", exact=True).click()
    expect(node.get_by_role("link", name="open in its run")).to_be_visible()
    expect(node).to_contain_text("lookup_order")
    node.get_by_role("link", name="History", exact=True).click()
    expect(node).to_contain_text("Failed")

    # The conversation that the run belongs to.
    page.goto(run_url)
    page.get_by_role("navigation", name="Run", exact=True).get_by_role(
        "link", name="Conversation"
    ).click()
    turns = page.get_by_role("main").get_by_role("row").filter(has_text="Open run")
    expect(turns).to_have_count(2)
    expect(page.get_by_role("main")).to_contain_text(ERROR)
    page.get_by_role("link", name="Open run of turn 1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("support")


def test_a_chatflow_turn_by_turn(
    signed_in: Callable[..., Page], record: Callable[..., object]
) -> None:
    record("dify-phoenix")
    page = signed_in()
    page.goto("/")
    page.get_by_role("main").get_by_role(
        "link", name=re.compile("my.app", re.IGNORECASE)
    ).first.click()
    page.get_by_role("link", name="Conversations").first.click()
    page.get_by_role("table").get_by_role("link").first.click()
    page.get_by_role("link", name="Open run of turn 1").click()
    expect(page.get_by_role("navigation", name="Run", exact=True)).not_to_contain_text("Result")


def test_keyboard(signed_in: Callable[..., Page], record: Callable[..., object]) -> None:
    record("langgraph-openinference")
    page = signed_in()
    page.goto("/runs/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_theme_can_be_chosen(signed_in: Callable[..., Page]) -> None:
    page = signed_in(color_scheme="light")
    page.goto("/")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    switch = page.get_by_role("button", name=re.compile("Theme"))
    switch.click()
    assert page.evaluate(background) == light
    switch.click()
    expect(switch).to_have_text("Theme: dark")
    assert page.evaluate(background) != light
    page.reload()
    expect(switch).to_have_text("Theme: dark")


def test_admin_obeys_the_content_security_policy(
    signed_in: Callable[..., Page], record: Callable[..., object]
) -> None:
    record("pydantic-ai")
    page = signed_in()
    page.goto("/admin/")
    page.goto("/admin/runs/run/")
    page.get_by_role("main").get_by_role("row").nth(1).get_by_role("link").first.click()
    page.get_by_role("link", name="Open in console").click()
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
