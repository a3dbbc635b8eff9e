"""Questions that people bring to the console, about the sample week: each takes at most six clicks
from the first page (a search, typed and sent with Enter, counts as a click)."""

import re
from collections.abc import Callable

from django.core.management import call_command
from playwright.sync_api import Locator, Page, expect
from pytest import Subtests

from runs import samples

CLICKS = 6


class ClickCounter:
    """A page of the console, and how many clicks were made on it."""

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
        box = self.page.get_by_role("combobox", name="Search runs")
        box.fill(query)
        box.press("Enter")

    def row(self, text: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("row").filter(has_text=text)


def where_was_order_a_17_refunded_twice(reader: ClickCounter) -> None:
    page = reader.page
    reader.go("Runs")
    reader.search('node:"Refund payment" "A-17"')
    rows = page.locator("#run-results tbody tr[data-row]")
    expect(rows).to_have_count(2)
    # Both belong to one conversation: two turns that called the refund.
    reader.click(rows.last.locator("a.summary"))
    reader.click(page.get_by_role("navigation", name="Run", exact=True).get_by_text("Conversation"))
    answers = page.get_by_text(re.compile(r"I have refunded 49\.90 EUR for order A-17"))
    expect(answers).to_have_count(2)


def why_did_it_fail_and_since_which_version(reader: ClickCounter) -> None:
    page = reader.page
    reader.go("Runs")
    reader.click(reader.row("cannot read amount").first.locator("a.summary"))
    why = page.locator(".why")
    expect(why).to_contain_text("join failed")
    expect(why).to_contain_text("""cannot read amount "3'470.01": unexpected "'" at position 1""")
    expect(why).to_contain_text("3 runs failed like this since version 2")
    reader.click(why.get_by_role("link", name="3 runs failed like this"))
    expect(page.get_by_role("main")).to_contain_text(re.compile("version 2"))


def why_was_the_same_question_answered_differently(reader: ClickCounter) -> None:
    page = reader.page
    reader.go("Runs")
    reader.search('node:"Help centre" "How long can I return"')
    same_question = page.locator("#run-results a.summary").filter(has_text="How long can I return")
    expect(same_question).to_have_count(2)  # among those that only mention it
    reader.click(same_question.first)
    reader.click(page.get_by_role("link", name="another", exact=True))
    same = page.get_by_role("heading", name="Same input").locator("+ ul")
    reader.click(same.get_by_role("link"))
    headline = page.locator(".compare-headline")
    expect(headline).to_contain_text("First difference: Help centre")
    expect(headline).to_contain_text("Same inputs, different output")
    expect(headline.locator("ins, del").filter(has_text="within 14 days")).to_have_count(1)


def which_node_costs_most(reader: ClickCounter) -> None:
    page = reader.page
    reader.click(page.get_by_role("link", name="Support chat", exact=True))
    reader.click(page.get_by_role("link", name="Nodes", exact=True))
    dearest = page.get_by_role("table").locator("tbody tr").first
    expect(dearest).to_contain_text("Answer from articles")
    expect(dearest).to_contain_text("%")


def why_is_this_run_slower_than_usual(reader: ClickCounter) -> None:
    page = reader.page
    reader.click(page.get_by_role("link", name="Research agent", exact=True))
    reader.search("time:>100s")
    rows = page.locator("#run-results tbody tr[data-row]")
    expect(rows).to_have_count(1)
    reader.click(rows.locator("a.summary"))
    reader.click(page.get_by_role("link", name="another", exact=True))
    same = page.get_by_role("heading", name="Same input").locator("+ ul")
    reader.click(same.get_by_role("link").first)
    expect(page.locator(".compare-headline")).to_contain_text("First difference: ChatAnthropic")
    figures = page.get_by_role("table").filter(has_text="Iterations").first
    for label, usual, slow in (("Duration", "27.8 s", "2 m 10 s"), ("Iterations", "7", "38")):
        row = figures.get_by_role("row").filter(has_text=label)
        expect(row).to_contain_text(usual)
        expect(row).to_contain_text(slow)


def has_this_input_ever_worked(reader: ClickCounter) -> None:
    page = reader.page
    reader.go("Runs")
    reader.click(reader.row("cannot read amount").first.locator("a.summary"))
    worked = page.get_by_text(re.compile(r"The same input succeeded .* in 1\.3\.0", re.DOTALL)).last
    reader.click(worked.get_by_role("link", name="compare"))
    headline = page.locator(".compare-headline")
    expect(headline).to_contain_text("join failed in B and succeeded in A")


def in_which_runs_did_the_search_return_nothing(reader: ClickCounter) -> None:
    reader.go("Runs")
    reader.search("node:search returned:empty")
    rows = reader.page.locator("#run-results tbody tr[data-row]")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("protected bicycle lane")


def what_did_the_model_get_in_turn_two(reader: ClickCounter) -> None:
    page = reader.page
    reader.click(page.get_by_role("link", name="Support chat", exact=True))
    reader.click(page.get_by_role("link", name="Conversations", exact=True))
    reader.click(reader.row("refund order A-17").get_by_role("link", name="refund order A-17"))
    second = reader.row("support two phones")
    reader.click(second.get_by_role("link").first)
    tree = page.locator("#tree")
    reader.click(tree.get_by_role("link", name="Answer from articles"))
    prompt = page.locator("#side")
    for said in (
        "You answer customers of an online shop",
        "Please refund order A-17",
        "I am sorry about the broken hinge",
        "Do the headphones support two phones",
    ):
        expect(prompt).to_contain_text(said)


QUESTIONS = (
    where_was_order_a_17_refunded_twice,
    why_did_it_fail_and_since_which_version,
    why_was_the_same_question_answered_differently,
    which_node_costs_most,
    why_is_this_run_slower_than_usual,
    has_this_input_ever_worked,
    in_which_runs_did_the_search_return_nothing,
    what_did_the_model_get_in_turn_two,
)


def test_each_question_is_answered(signed_in: Callable[..., Page], subtests: Subtests) -> None:
    samples.load()
    call_command("index_runs")
    for find_answer in QUESTIONS:
        for script in (True, False):
            with subtests.test(find_answer.__name__, java_script=script):
                reader = ClickCounter(signed_in(java_script_enabled=script))
                find_answer(reader)
                assert reader.clicks <= CLICKS
