"""A real Chromium in front of the live server."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Response,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
TIMEOUT_MS = 10_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def installed() -> str | None:
    """A Chromium on this machine; None: try the one that Playwright brings."""
    executables = [path for name in NAMES if (path := shutil.which(name))]
    return next(iter([*executables, *(path for path in PLACES if Path(path).exists())]), None)


def launch(playwright: Playwright) -> Browser:
    try:
        return playwright.chromium.launch(executable_path=installed(), args=FLAGS)
    except Error as error:
        reason = f"no Chromium could be started: {str(error).splitlines()[0]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Complaints(list[str]):
    """What a browser says went wrong: script errors, refused content, answers that failed."""

    def listen(self, page: Page) -> None:
        def response(answer: Response) -> None:
            if answer.status >= 500:
                self.append(f"{answer.status} {answer.url}")

        def console(message: ConsoleMessage) -> None:
            # A page that is rightly not found is an error to the browser's console, too.
            if message.type == "error" and "Failed to load resource" not in message.text:
                self.append(f"{page.url}: {message.text}")

        page.on("pageerror", lambda error: self.append(f"{page.url}: {error}"))
        page.on("console", console)
        page.on("response", response)


@pytest.fixture
def visit(
    transactional_db: None, chromium: Browser, live_server: LiveServer
) -> Iterator[Callable[..., Page]]:
    """`visit(java_script_enabled=False, color_scheme="dark")` opens a page in a new profile. At the
    end of the test the browser must have had nothing to complain about."""
    contexts: list[BrowserContext] = []
    complaints = Complaints()

    def new_page(**options: Any) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, viewport={"width": 1400, "height": 900}, **options
        )
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def signed_in(
    visit: Callable[..., Page], admin: AbstractBaseUser, live_server: LiveServer
) -> Callable[..., Page]:
    """The same as `visit`, signed in as `admin` already."""
    client = Client()
    client.force_login(admin)
    name = settings.SESSION_COOKIE_NAME
    cookie: Any = {"name": name, "value": client.cookies[name].value, "url": live_server.url}

    def new_page(**options: Any) -> Page:
        page = visit(**options)
        page.context.add_cookies([cookie])
        return page

    return new_page
