"""axe-core reports no serious violation on any page: in light, in dark, and on a phone."""

from collections.abc import Callable
from datetime import timedelta

from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import AbstractBaseUser
from django.core.management import call_command
from playwright.sync_api import Page

from nodes.models import NodeExecution
from runs.models import App, Note, Rerun, Run, SavedView, ShareLink

AXE = Axe()
RUN_AXE = "([context, options]) => axe.run(context ?? document, options)"
SERIOUS = ("serious", "critical")
# Each bar of a node's chart is a row of the table below it, too.
CHART = {"exclude": [[".history-chart"]]}
LOOKS = (
    ("light", 1400, None, {}),
    ("dark", 1400, None, {"runOnly": ["color-contrast"]}),
    ("light", 390, CHART, {"runOnly": ["target-size", "scrollable-region-focusable"]}),
)


def addresses(user: AbstractBaseUser) -> dict[str, str]:
    """Return the address of every kind of page, with content on it, by a name."""
    failed = Run.objects.filter(app__name="support", status="failed", failed_title="lookup_order")
    run = failed.get()
    assert run.version
    execution = NodeExecution.objects.get(pk=run.failed_execution)
    chat = App.objects.get(slug="my-app")
    chat_run = Run.objects.filter(app=chat, conversation__isnull=False).first()
    assert chat_run and chat_run.conversation
    node = f"?node={execution.node_id}"
    App.objects.filter(pk=run.app.pk).update(
        upstream_kind="webhook", upstream_url="http://127.0.0.1:9/run"
    )
    _, secret = ShareLink.create(run, timedelta(days=1), ["errors"], user)
    rerun = Rerun.objects.create(original=run)
    SavedView.objects.create(owner=user, name="Failures", query="q=status:failed")
    note = Note.objects.create(
        run=run, name="comment", text="Why?", source="person", author="admin"
    )
    loop = NodeExecution.objects.filter(run=run, pk__in=run.executions.values("parent_id"))
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
        "shared run": f"/s/{secret}/",
        "shared step": f"/s/{secret}/steps/{execution.pk}/",
        "run again": f"{run.get_absolute_url()}again/",
        "rerun": f"/reruns/{rerun.pk}/",
        "time": f"{run.get_absolute_url()}time/",
        "variables": f"{run.get_absolute_url()}variables/",
        "matrix": f"{run.get_absolute_url()}tracing/{loop[0].pk}/passes/",
        "lineage": f"{run.get_absolute_url()}tracing/{execution.pk}/lineage/",
        "how it was read": f"{run.get_absolute_url()}tracing/{execution.pk}/read/",
        "saved views": "/views/",
        "one note": f"/notes/{note.pk}/",
        "one version": f"{run.app.get_absolute_url()}versions/{run.version.number}/",
        "a search": "/runs/?q=refund",
        "import": "/runs/import/",
        "keys": "/settings/keys/",
        "inbox": "/inbox/",
        "refused records": "/inbox/refused/",
        "not found": "/apps/missing/",
    }


def serious_violations(page: Page, name: str) -> list[str]:
    """Return what axe-core reports: by all rules in light; in dark, where only the colours differ,
    by that of contrasts; and on a phone by those of sizes and scrolling."""
    violations = []
    page.evaluate(AXE.axe_script)
    for scheme, width, context, rules in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        options = {"resultTypes": ["violations"], **rules}
        response = page.evaluate(RUN_AXE, [context, options])
        violations += [
            f"{name}, {scheme}, {width}: {violation['id']} ({violation['impact']}): "
            f"{violation['help']}: {[node['html'][:160] for node in violation['nodes'][:3]]}"
            for violation in response["violations"]
            if violation["impact"] in SERIOUS
        ]
    return violations


def test_no_serious_violations(
    signed_in: Callable[..., Page],
    new_page: Callable[..., Page],
    record: Callable[..., object],
    admin: AbstractBaseUser,
) -> None:
    record("langgraph-openinference")
    record("dify-phoenix")
    call_command("index_runs")
    signed_out = new_page()
    signed_out.goto("/login/")
    violations = serious_violations(signed_out, "sign-in")
    page = signed_in()
    for name, address in addresses(admin).items():
        response = page.goto(address)
        assert response and (response.status == 404) == (name == "not found"), name
        violations += serious_violations(page, name)
    assert violations == []
