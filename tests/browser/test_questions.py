"""Four questions that people come with, asked of the sample week: each answered in at most six
clicks from the first page (typing a search and Enter counts as one)."""

import re
from collections.abc import Callable

from django.core.management import call_command
from playwright.sync_api import Locator, Page, expect

from runs import samples

CLICKS = 6


class Reader:
    """Somebody at the console, whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        page.goto("/")

    def click(self, target: Locator) -> None:
        self.clicks += 1
        target.click()

    def go(self, name: str) -> None:
        self.click(self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name))

    def search(self, query: str) -> None:
        self.clicks += 1
        box = self.page.get_by_role("searchbox")
        box.fill(query)
        box.press("Enter")

    def row(self, text: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("row").filter(has_text=text)


def both_ways(ask: Callable[[Reader], None]) -> Callable[..., None]:
    """A test that asks with JavaScript, and without, of one sample week."""

    def test(signed_in: Callable[..., Page]) -> None:
        samples.load()
        call_command("index_runs")
        for script in (True, False):
            someone = Reader(signed_in(java_script_enabled=script))
            ask(someone)
            assert someone.clicks <= CLICKS, f"JavaScript: {script}"

    return test


@both_ways
def test_where_was_order_a_17_refunded_twice(someone: Reader) -> None:
    page = someone.page
    someone.go("Runs")
    someone.search('node:"Refund payment" "A-17"')
    rows = page.locator("#run-results tbody tr[data-row]")
    expect(rows).to_have_count(2)
    # Both belong to one conversation: two turns that called the refund.
    someone.click(rows.last.locator("a.summary"))
    someone.click(
        page.get_by_role("navigation", name="Run", exact=True).get_by_text("Conversation")
    )
    said = page.get_by_text(re.compile(r"I have refunded 49\.90 EUR for order A-17"))
    expect(said).to_have_count(2)


@both_ways
def test_why_did_it_fail_and_since_which_version(someone: Reader) -> None:
    page = someone.page
    someone.go("Runs")
    someone.click(someone.row("cannot read amount").first.locator("a.summary"))
    why = page.locator(".why")
    expect(why).to_contain_text("join failed")
    expect(why).to_contain_text("""cannot read amount "3'470.01": unexpected "'" at position 1""")
    expect(why).to_contain_text("3 runs failed like this since version 2")
    someone.click(why.get_by_role("link", name="3 runs failed like this"))
    expect(page.get_by_role("main")).to_contain_text(re.compile("version 2"))


@both_ways
def test_why_was_the_same_question_answered_differently(someone: Reader) -> None:
    page = someone.page
    someone.go("Runs")
    someone.search('node:"Help centre" "How long can I return"')
    asked = page.locator("#run-results a.summary").filter(has_text="How long can I return")
    expect(asked).to_have_count(2)  # among those that only mention it
    someone.click(asked.first)
    someone.click(page.get_by_role("link", name="another", exact=True))
    same = page.get_by_role("heading", name="The same input").locator("+ ul")
    someone.click(same.get_by_role("link"))
    headline = page.locator(".compare-headline")
    expect(headline).to_contain_text("First origin: Help centre")
    expect(headline).to_contain_text("Same inputs, another output")
    expect(headline.locator("ins, del").filter(has_text="within 14 days")).to_have_count(1)


@both_ways
def test_which_node_costs_most(someone: Reader) -> None:
    page = someone.page
    someone.click(page.get_by_role("link", name="Support chat", exact=True))
    someone.click(page.get_by_role("link", name="Nodes", exact=True))
    dearest = page.get_by_role("table").locator("tbody tr").first
    expect(dearest).to_contain_text("Answer from articles")
    expect(dearest).to_contain_text("%")
