"""Fixtures of the browser tests: pages of a real Chromium on the live server."""

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


# Walks through all that a page reads, on each database; what other tests drive is in the browser.
ON_EACH_DATABASE = "test_path_to_the_failure.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if item.path.name != ON_EACH_DATABASE:
                item.add_marker(pytest.mark.any_database)


def installed_chromium() -> str | None:
    """Return the path of a Chromium on this machine; None: try the one that Playwright brings."""
    on_path = [path for name in NAMES if (path := shutil.which(name))]
    return next(iter([*on_path, *(path for path in PLACES if Path(path).exists())]), None)


def launch(playwright: Playwright) -> Browser:
    try:
        return playwright.chromium.launch(executable_path=installed_chromium(), args=FLAGS)
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


class BrowserErrors(list[str]):
    """Errors that a browser reports: of scripts, of refused content, of failed responses."""

    def collect_from(self, page: Page) -> None:
        def on_response(response: Response) -> None:
            if response.status >= 500:
                self.append(f"{response.status} {response.url}")

        def on_console(message: ConsoleMessage) -> None:
            # The console reports 404 responses, too, which some tests expect.
            if message.type == "error" and "Failed to load resource" not in message.text:
                self.append(f"{page.url}: {message.text}")

        page.on("pageerror", lambda error: self.append(f"{page.url}: {error}"))
        page.on("console", on_console)
        page.on("response", on_response)


@pytest.fixture
def new_page(
    transactional_db: None, chromium: Browser, live_server: LiveServer
) -> Iterator[Callable[..., Page]]:
    """Return a function: `new_page(java_script_enabled=False, color_scheme="dark")` opens a page,
    signed out, in its own profile. Errors that the browser reports fail the test at its end, unless
    the page is opened with `errors_expected=True`."""
    contexts: list[BrowserContext] = []
    errors = BrowserErrors()

    def open_page(*, errors_expected: bool = False, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, viewport={"width": 1400, "height": 900}, **options
        )
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        if not errors_expected:
            errors.collect_from(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def signed_in(
    new_page: Callable[..., Page], admin: AbstractBaseUser, live_server: LiveServer
) -> Callable[..., Page]:
    """Return a function like `new_page` whose pages are signed in as `admin`."""
    client = Client()
    client.force_login(admin)
    name = settings.SESSION_COOKIE_NAME
    cookie: Any = {"name": name, "value": client.cookies[name].value, "url": live_server.url}

    def open_page(**options: Any) -> Page:
        page = new_page(**options)
        page.context.add_cookies([cookie])
        return page

    return open_page
