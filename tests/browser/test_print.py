"""What is drawn by colours stays where the reader's paper or system chooses them."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

BAR = "td.trace-time > .bar"
STYLE = "(bar) => {{ const style = getComputedStyle(bar); return style.{}; }}"


def test_print_and_forced_colours_keep_bars(
    signed_in: Callable[..., Page], record: Callable[..., object]
) -> None:
    record("langgraph-openinference")
    page = signed_in()
    page.goto("/runs/?q=status:failed")
    page.get_by_role("table").get_by_role("link", name=re.compile("A-404")).first.click()
    page.get_by_role("navigation", name="Run", exact=True).get_by_role(
        "link", name="Tracing"
    ).click()
    bar = page.locator(BAR).first
    expect(bar).to_be_visible()
    page.emulate_media(media="print")
    assert bar.evaluate(STYLE.format("printColorAdjust")) == "exact"
    page.emulate_media(media="screen", forced_colors="active")
    assert bar.evaluate(STYLE.format("forcedColorAdjust")) == "none"
    assert bar.evaluate(STYLE.format("backgroundColor")) != "rgba(0, 0, 0, 0)"
