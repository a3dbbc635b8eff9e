"""The console by keyboard alone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from nodes.models import NodeExecution
from runs.models import Run
from tests.factories import make_execution, make_run


@pytest.fixture
def page(signed_in: Callable[..., Page], record: Callable[..., object]) -> Page:
    record("langgraph-openinference")
    return signed_in()


def focused(page: Page) -> Locator:
    return page.locator(":focus")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_rows_and_a_run(page: Page) -> None:
    page.goto("/runs/")
    rows = page.locator("[data-row]")
    press(page, "j", "j")
    expect(rows.nth(1).locator(":focus")).to_have_count(1)
    press(page, "k", "k", "k")  # stays on the first
    expect(rows.nth(0).locator(":focus")).to_have_count(1)
    press(page, "Enter")
    expect(page).to_have_url(re.compile(r"/runs/[0-9a-f-]{36}/"))


def test_the_search_box_is_entered_and_left(page: Page) -> None:
    page.goto("/runs/")
    press(page, "/")
    page.keyboard.type("order:-duration")
    expect(page.locator("#id_q")).to_be_focused()
    press(page, "Escape")
    expect(page.locator("#id_q")).not_to_be_focused()
    expect(page.locator("#id_q")).to_have_value("order:-duration")
    page.fill("#id_q", "")
    press(page, "ArrowDown")
    expect(page.locator("[data-row]").first.locator(":focus")).to_have_count(1)
    press(page, "/")
    page.keyboard.type("sta")
    expect(page.locator("#query-completions option").first).to_have_attribute("value", "status:")
    press(page, "ArrowDown")
    expect(page.locator("#id_q")).to_be_focused()
    page.fill("#id_q", "kind:llm")
    press(page, "Enter")
    expect(page.locator("[data-row]").first.locator(":focus")).to_have_count(1)
    press(page, "j")
    expect(page.locator("#id_q")).to_have_value("kind:llm")


def test_a_step_its_iterations_and_escape(page: Page) -> None:
    run = make_run()
    loop = make_execution(run, "Each", kind="iteration")
    first, *_ = [
        make_execution(run, "Write", parent_id=loop.id, iteration=str(n), depth=1) for n in range(3)
    ]
    panel = page.get_by_role("complementary", name="Step")
    page.goto(f"/runs/{run.id}/tracing/{first.id}/")
    expect(panel).to_contain_text("Write")
    press(page, "]")
    expect(page).not_to_have_url(re.compile(str(first.id)))
    press(page, "[")
    expect(page).to_have_url(re.compile(str(first.id)))
    press(page, "Escape")
    expect(page).to_have_url(re.compile(rf"/runs/{run.id}/tracing/#x-"))


def test_thumbs_pin_and_a_note(page: Page) -> None:
    run = make_run()
    step = make_execution(run, "Write")
    page.goto(f"/runs/{run.id}/tracing/")
    press(page, "d")
    expect(page.locator("#header-notes-down")).to_have_attribute("aria-pressed", "true")
    press(page, "s")
    expect(page.locator("#header-notes-pin")).to_have_attribute("aria-pressed", "true")
    page.goto(f"/runs/{run.id}/tracing/{step.id}/")
    press(page, "u")  # of the step that is open
    expect(page.locator("#step-notes-up")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#header-notes-down")).to_have_attribute("aria-pressed", "true")
    press(page, "m")
    expect(page.locator("#step-notes [name=comment]")).to_be_focused()
    press(page, "u", "p")  # keys do nothing while one types
    expect(page.locator("#step-notes [name=comment]")).to_have_value("up")
    page.goto(f"/runs/{run.id}/tracing/")
    press(page, "m")
    expect(page).to_have_url(re.compile("/detail/#notes"))


def test_the_same_step_in_other_runs(page: Page) -> None:
    steps = NodeExecution.objects.visible().filter(node_id="classify").order_by("-started_at")
    newest, earlier = steps[0], steps[1]
    assert newest.run_id != earlier.run_id
    page.goto(f"/runs/{newest.run_id}/tracing/{newest.id}/")
    press(page, "p")
    expect(page).to_have_url(re.compile(f"/runs/{earlier.run_id}/tracing/{earlier.id}/"))
    expect(page.get_by_role("complementary", name="Step")).to_contain_text("classify")
    press(page, "n")
    expect(page).to_have_url(re.compile(f"/runs/{newest.run_id}/tracing/{newest.id}/"))


def test_the_next_run_where_no_step_is_open(page: Page) -> None:
    run = Run.objects.order_by("-started_at")[1]
    page.goto(f"/runs/{run.id}/detail/")
    press(page, "n")
    expect(page).not_to_have_url(re.compile(str(run.id)))
    press(page, "p")
    expect(page).to_have_url(re.compile(str(run.id)))


def test_searching_and_typing(page: Page) -> None:
    page.goto("/runs/")
    press(page, "/")
    box = focused(page)
    expect(box).to_have_attribute("name", "q")
    page.keyboard.type("j?[gr/")  # nothing but text here
    expect(box).to_have_value("j?[gr/")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/runs/$"))


def test_going_places(page: Page) -> None:
    page.goto("/runs/")
    press(page, "r")
    expect(page).to_have_url(re.compile("/runs/$"))
    for key, path in [("a", "/"), ("i", "/inbox/"), ("e", "/errors/"), ("r", "/runs/")]:
        press(page, "g", key)
        expect(page).to_have_url(re.compile(f"^http://[^/]+{path}$"))
    press(page, "g", "x", "a")  # a after something else is nothing
    expect(page).to_have_url(re.compile("/runs/$"))


def test_the_help_sheet_by_keys_alone(page: Page) -> None:
    page.goto("/")
    press(page, "?")
    sheet = page.get_by_role("dialog", name="Keyboard")
    expect(sheet).to_be_visible()
    for word in ("row", "iteration", "search", "previous", "panel"):
        expect(sheet).to_contain_text(word)
    expect(focused(page)).to_have_text("Close")
    press(page, "g", "r")  # keys belong to the sheet
    expect(page).to_have_url(re.compile(r"^http://[^/]+/$"))
    press(page, "Escape")
    expect(sheet).to_be_hidden()
    page.get_by_role("button", name="Keyboard help").press("Enter")
    expect(sheet).to_be_visible()
    press(page, "Enter")
    expect(sheet).to_be_hidden()


def test_single_keys_can_be_turned_off(page: Page) -> None:
    page.goto("/runs/")
    press(page, "?")
    page.get_by_label("Single-key shortcuts in this browser").uncheck()
    press(page, "Escape", "j", "?")
    expect(page.locator("[data-row] :focus")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.reload()
    press(page, "?")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("button", name="Keyboard help").click()
    page.get_by_label("Single-key shortcuts in this browser").check()
    press(page, "Escape", "j")
    expect(page.locator("[data-row] :focus")).to_have_count(1)


def test_with_control_a_key_is_the_browsers(page: Page) -> None:
    page.goto("/runs/")
    press(page, "Control+j")
    expect(page.locator("[data-row] :focus")).to_have_count(0)
    # On a German keyboard [ and ] are written with AltGr.
    page.evaluate(
        "addEventListener('click', (event) => {"
        " event.preventDefault(); document.title = 'pressed'; });"
        "document.querySelector('.top-nav a').dataset.key = ']';"
        "document.body.dispatchEvent(new KeyboardEvent('keydown',"
        " { key: ']', ctrlKey: true, altKey: true, modifierAltGraph: true, bubbles: true }))"
    )
    expect(page).to_have_title("pressed")
