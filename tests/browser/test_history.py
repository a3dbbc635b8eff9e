"""The run history while it is read: it grows and nothing moves; filters work without script."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from runs.search import limits
from runs.search.limits import SearchLimits
from tests.factories import make_app, make_execution, make_run, make_version


def make_named_run(name, **fields):
    return make_run("desk", inputs=name, inputs_preview=name, **fields)


def test_new_runs_are_announced_and_the_list_does_not_move(signed_in):
    now = timezone.now()
    for n in range(60):
        make_named_run(f"Question {n}", started_at=now - timedelta(minutes=n + 10))
    running_run = make_named_run(
        "Under way", status="running", started_at=now - timedelta(minutes=5)
    )
    page = signed_in()
    page.clock.install()
    page.goto("/runs/")
    expect(page.locator("#facets section").first).to_be_visible()
    link = page.locator(f"#run-{running_run.pk}")
    link.focus()
    page.locator("text=Question 30").scroll_into_view_if_needed()
    top, scroll = link.bounding_box()["y"], page.evaluate("scrollY")
    make_named_run("Newer", started_at=now)
    running_run.status, running_run.outputs_preview = "succeeded", "Here you are"
    running_run.save()
    page.clock.fast_forward(5_000)  # after which the page asks what is new
    expect(page.locator("#new-runs")).to_have_text("1 new run")
    expect(page.locator(f"#row-{running_run.pk.hex}")).to_contain_text("Here you are")
    assert page.evaluate("document.activeElement.id") == f"run-{running_run.pk}"
    assert (link.bounding_box()["y"], page.evaluate("scrollY")) == (top, scroll)
    assert page.locator("text=Newer").count() == 0
    page.click("#new-runs")
    expect(page.locator("a.summary").first).to_contain_text("Newer")


def test_typing_and_clicking_stay_in_step(signed_in):
    make_execution(make_named_run("One", status="failed", user="u-1"), model="gpt-4o")
    make_named_run("Two", user="u-2")
    page = signed_in()
    page.goto("/runs/")
    page.click("#facets a:has-text('Failed')")
    expect(page.locator("a.summary")).to_have_count(1)
    expect(page.locator("#id_q")).to_have_value("status:failed")
    page.fill("#id_q", "status:failed -user:u-1")
    page.press("#id_q", "Enter")
    expect(page.locator("text=No runs match")).to_be_visible()
    page.click("a.condition:has-text('failed')")
    expect(page.locator("a.summary")).to_contain_text("Two")
    page.go_back()
    expect(page.locator("#id_q")).to_have_value("status:failed -user:u-1")


def test_searching_older_keeps_what_was_found_and_adds_to_it(signed_in, monkeypatch):
    now = timezone.now()
    for n in range(4):
        make_named_run(f"refund {n}", started_at=now - timedelta(hours=n))
    # Each request looks at one run, so that the search takes several.
    monkeypatch.setattr(limits, "DEFAULT_LIMITS", SearchLimits(seconds=-1))
    page = signed_in()
    page.goto("/runs/?q=refund")
    rows = page.locator("#run-results table tbody tr a.summary")
    expect(rows).to_have_count(4)  # it goes on by itself
    expect(page.locator("a.summary")).to_have_count(4)
    expect(page.locator("#searched")).to_contain_text("4 runs found; all runs were searched")
    expect(page.locator("#list-status")).to_have_text("4 runs shown.")
    page.reload()
    expect(page.locator("a.summary")).to_have_count(4)


def test_the_session_ends_while_a_page_is_open(signed_in):
    run = make_run("desk")
    make_execution(run, "Classify")
    page = signed_in()
    page.goto(f"/runs/{run.pk}/tracing/")
    page.context.clear_cookies()
    page.click("#tree a:has-text('Classify')")
    page.wait_for_url("**/login/**")
    assert f"next=/runs/{run.pk}/tracing/" in page.url
    assert page.locator("#tree").count() == 0


def test_no_answer_is_said_and_the_page_stays(signed_in):
    run = make_run("desk")
    make_execution(run, "Classify")
    page = signed_in(errors_expected=True)
    page.goto(f"/runs/{run.pk}/tracing/")
    page.route("**/tracing/*/**", lambda route: route.abort())
    page.click("#tree a:has-text('Classify')")
    expect(page.locator("#unanswered")).to_contain_text("Waylog did not answer.")
    page.unroute("**/tracing/*/**")
    page.click("#tree a:has-text('Classify')")
    expect(page.get_by_role("complementary", name="Step")).to_contain_text("Classify")
    expect(page.locator("#unanswered")).to_be_hidden()


def test_a_click_with_ctrl_opens_a_tab(signed_in):
    run = make_run("desk")
    make_execution(run, "Classify")
    page = signed_in()
    page.goto(f"/runs/{run.pk}/tracing/")
    with page.context.expect_page() as opened:
        page.click("#tree a:has-text('Classify')", modifiers=["Control"])
    opened.value.wait_for_url("**/tracing/*/**")
    assert page.url.endswith("/tracing/")


def test_a_click_anywhere_in_a_row_opens_the_run_and_other_links_stay(signed_in):
    run = make_named_run(
        "Question", outputs_preview="Answer " * 40, version=make_version(make_app("desk"))
    )
    page = signed_in()
    page.goto("/runs/")
    row = page.locator(f"#row-{run.pk.hex}")
    for cell in ("Status", "When", "Version", "Time", "Tokens"):
        row.locator(f"td[data-label={cell}]").click(force=True)  # at its middle
        page.wait_for_url(f"**/runs/{run.pk}/*")
        page.go_back()
    with page.context.expect_page() as opened:
        row.locator("td[data-label=Status]").click(modifiers=["Control"], force=True)
    opened.value.wait_for_url(f"**/runs/{run.pk}/*")
    width = page.evaluate("document.querySelector('.runs-table').clientWidth")
    assert row.locator(".cell-summary").bounding_box()["width"] >= width / 2
    row.locator("td[data-label=App] a").click()
    page.wait_for_url("**/apps/desk/")


def test_without_script_it_all_works(signed_in):
    make_named_run("One", status="failed", user="u-1")
    make_named_run("Two", user="u-2")
    page = signed_in(java_script_enabled=False)
    page.goto("/runs/")
    page.click("text=Show counts by")
    page.click("#facets a:has-text('Failed')")
    page.click("summary:has-text('Save view')")
    page.fill(".save-view [name=name]", "Failures")
    page.click(".save-view button")
    expect(page.locator(".saved-view")).to_have_attribute("aria-current", "true")
    page.click("summary:has-text('More filters')")
    page.fill(".filters [name=user]", "u-2")
    page.click(".filters button")
    expect(page.locator("#id_q")).to_have_value("status:failed user:u-2")
