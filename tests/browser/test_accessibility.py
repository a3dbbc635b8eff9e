"""axe-core finds nothing serious on any page, in light and dark."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from nodes.models import NodeExecution
from runs.models import App, Run

SERIOUS = ("serious", "critical")


def addresses() -> dict[str, str]:
    """Every page with something on it."""
    failed = Run.objects.filter(app__name="support", status="failed", failed_title="lookup_order")
    run = failed.get()
    execution = NodeExecution.objects.get(pk=run.failed_execution)
    chat = App.objects.get(slug="my-app")
    chat_run = Run.objects.filter(app=chat, conversation__isnull=False).first()
    assert chat_run and chat_run.conversation
    node = f"?node={execution.node_id}"
    return {
        "apps": "/",
        "history": "/runs/",
        "no runs match": "/runs/?q=nothing-of-the-kind&status=running",
        "bad filter": "/runs/?since=someday",
        "app": run.app.get_absolute_url(),
        "versions": f"{run.app.get_absolute_url()}versions/",
        "graph": f"{run.app.get_absolute_url()}graph/",
        "graph, last run": f"{run.app.get_absolute_url()}graph/{node}&tab=last-run",
        "graph, history": f"{run.app.get_absolute_url()}graph/{node}&tab=history",
        "conversations": f"{run.app.get_absolute_url()}conversations/",
        "conversation": chat_run.conversation.get_absolute_url(),
        "run": run.get_absolute_url(),
        "result": f"{run.get_absolute_url()}result/",
        "detail": f"{run.get_absolute_url()}detail/",
        "tracing": f"{run.get_absolute_url()}tracing/",
        "panel": f"{run.get_absolute_url()}tracing/{execution.pk}/",
        "chatflow turn": chat_run.get_absolute_url(),
        "payload": f"/payloads/{execution.inputs_id}/",
        "errors": "/errors/",
        "errors, bad filter": "/errors/?since=someday",
        "errors of an app": f"{run.app.get_absolute_url()}errors/?state=all",
        "error group": f"/errors/{run.error_group_id}/",
        "nodes": f"{run.app.get_absolute_url()}nodes/",
        "node over time": f"{run.app.get_absolute_url()}nodes/{execution.node_id}/history/",
        "two runs": f"/runs/compare/?a={chat_run.pk}&b={run.pk}&show=all",
        "choice of a run": f"/runs/compare/?b={run.pk}",
        "two versions": f"{run.app.get_absolute_url()}versions/compare/",
        "turns side by side": f"{chat_run.conversation.get_absolute_url()}compare/",
        "notes": "/notes/",
        "share": f"{run.get_absolute_url()}share/",
        "keys": "/settings/keys/",
        "inbox": "/inbox/",
        "refused records": "/inbox/refused/",
        "not found": "/apps/missing/",
    }


def findings(page: Page, name: str) -> list[str]:
    response = Axe().run(page).response
    return [
        f"{name}: {violation['id']} ({violation['impact']}): {violation['help']}: "
        f"{[node['html'][:160] for node in violation['nodes'][:3]]}"
        for violation in response["violations"]
        if violation["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious(
    signed_in: Callable[..., Page],
    visit: Callable[..., Page],
    record: Callable[..., object],
    scheme: str,
) -> None:
    record("langgraph-openinference")
    record("dify-phoenix")
    stranger = visit(color_scheme=scheme)
    stranger.goto("/login/")
    found = findings(stranger, "sign-in")
    page = signed_in(color_scheme=scheme)
    for name, address in addresses().items():
        page.goto(address)
        found += findings(page, name)
    assert found == []
