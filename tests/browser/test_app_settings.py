"""An app is added and its upstream tried, as somebody does it who comes from Dify."""

import json

from playwright.sync_api import expect


def test_an_app_is_added_and_its_upstream_tested(signed_in, dify_api):
    dify_api.will_answer(json.dumps({"name": "Desk"}).encode(), content_type="application/json")
    page = signed_in()
    page.goto("/")
    page.click("text=Add an app")
    page.fill("[name=name]", "Order desk")
    page.fill("[name=upstream_url]", dify_api.url)
    page.fill("[name=new_key]", "app-key")
    page.click("button:has-text('Add app')")
    expect(page.locator("#proxy-url")).to_contain_text("/dify/order-desk/v1")
    page.click("text=Test the upstream")
    expect(page.locator("#upstream-check")).to_contain_text("its app “Desk”")
    assert page.url.endswith("/apps/order-desk/settings/")
