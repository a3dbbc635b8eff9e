"""Running an app again in a browser: started, watched and compared, also without JavaScript."""

import re
import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.factories import make_app, make_run
from tests.runs.recording.decoding.dify_stream.streams import finished, node, sse, started
from tests.runs.recording.receiving.dify_upstream import Upstream


@pytest.mark.parametrize("script", [True, False], ids=["javascript", "no-javascript"])
def test_a_rerun_is_started_watched_and_compared(
    signed_in: Callable[..., Page], dify_api: Upstream, script: bool
) -> None:
    app = make_app("My App", slug="my-app", upstream_url=dify_api.url, upstream_key="k")
    run = make_run(app, inputs={"q": "hi"}, user="u1", status="failed", error="no")
    go = threading.Semaphore(1)
    steps = [node(f"node_{word}", "a", status="succeeded") for word in ("started", "finished")]
    dify_api.will_answer(sse(started(), *steps), sse(finished()), go=go)

    page = signed_in(java_script_enabled=script)
    if script:
        page.clock.install()
    page.goto(run.get_absolute_url())
    page.get_by_role("link", name="Run again").click()
    page.locator('[name="input:q"]').fill("hello")
    page.get_by_role("button", name="Run again").click()
    expect(page).to_have_url(re.compile("/reruns/"))

    def wait_for_link(name: str) -> None:
        for _ in range(400):
            if page.get_by_role("link", name=name).is_visible():
                return
            if script:
                page.clock.fast_forward(2_000)  # after which the page asks by itself
                page.wait_for_timeout(50)
            else:
                page.get_by_role("link", name="Refresh").click()
        pytest.fail(f"no {name}")

    wait_for_link("Watch it")
    go.release()
    wait_for_link("Open the new run")
    expect(page.get_by_role("main")).to_contain_text("Recorded")
    page.get_by_role("link", name="Compare with the original").click()
    expect(page).to_have_url(re.compile(rf"/runs/compare/\?a={run.id}&b="))
    assert dify_api.seen[0].json["inputs"] == {"q": "hello"}
