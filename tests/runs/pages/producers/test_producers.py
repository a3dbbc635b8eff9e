"""The pages about producers: one for each document, with this console's own address."""

import pytest
from django.test import Client

from runs.pages.producers.documents import documents
from tests.pages import check_page, text_of

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize("name", documents())
def test_each_document_is_a_page_with_links_that_lead_somewhere(console: Client, name: str) -> None:
    tree = check_page(console.get(f"/connect/{name}/").content.decode())
    assert documents()[name].title in text_of(tree)
    links = {link.get("href", "") for link in tree.iter() if link.tag.endswith("a")}
    inside = {link for link in links if link.startswith("/connect/")}
    assert len(inside) >= len(documents())
    assert all(console.get(link).status_code == 200 for link in inside)
    assert not any(link.endswith(".md") for link in links)


def test_the_address_is_that_of_this_console(console: Client) -> None:
    text = text_of(check_page(console.get("/connect/opentelemetry/").content.decode()))
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://testserver" in text
    assert "127.0.0.1:8000" not in text


def test_there_is_no_page_about_an_unknown_producer(console: Client) -> None:
    assert console.get("/connect/nobody/").status_code == 404


@pytest.mark.parametrize("page", ["/", "/inbox/"])
def test_the_inbox_and_the_apps_link_the_pages(console: Client, page: str) -> None:
    assert b'href="/connect/dify/"' in console.get(page).content
