"""Asking for a run: once for each form, and then on a thread of its own, which outlives the browser
that asked."""

import json
from hashlib import sha256
from typing import Any
from uuid import uuid5

from django.contrib.auth.models import User

from nodes.models import NodeExecution
from runs.models import Rerun, Run
from runs.pages.rerun import through_dify, webhook
from runs.pages.rerun.form import CONTINUE, AgainForm
from runs.pages.rerun.inputs import dify_path, for_dify
from runs.recording.receiving.live_stream import run_in_background


def start(
    run: Run, form: AgainForm, user: User, step: NodeExecution | None = None, scope: str = ""
) -> tuple[Rerun, bool]:
    """Ask for what a valid form says, for `user`. False: this very form was sent before, and asked
    for what is returned. `step` and `scope`: for one step alone, or from it on."""
    is_dify = run.app.upstream_kind == "dify"
    body = _for_dify(run, form) if is_dify else _for_webhook(run, form, step, scope)
    path = _path(run, form) if is_dify else ""
    told = json.dumps([str(run.pk), path, body], sort_keys=True).encode()
    rerun_id = uuid5(form.cleaned_data["token"], sha256(told).hexdigest())
    if not is_dify:
        body["rerun"] = str(rerun_id)
    rerun, fresh = Rerun.objects.get_or_create(
        id=rerun_id,
        defaults={
            "original": run,
            "sent": body,
            "source_id": "" if is_dify else webhook.trace_of(rerun_id),
            "node_id": step.node_id if step else "",
            "requested_by": user,
        },
    )
    if fresh and is_dify:
        run_in_background(lambda: through_dify.ask(rerun, run.app, path))
    elif fresh:
        run_in_background(lambda: webhook.ask(rerun, run.app))
    return rerun, fresh


def _path(run: Run, form: AgainForm) -> str:
    kinds = {source.kind for source in run.producer_ids}
    version = form.told.workflow if form.cleaned_data.get("then") else ""
    return dify_path(form.told.query is not None, kinds, version)


def _for_dify(run: Run, form: AgainForm) -> dict[str, Any]:
    told, cleaned = form.told, form.cleaned_data
    body = {
        "inputs": for_dify(form.value()),
        "response_mode": "streaming",
        "user": cleaned["user"],
    }
    if told.files:
        body["files"] = for_dify(told.files)
    if told.query is not None:
        goes_on = run.conversation and cleaned.get("conversation") == CONTINUE
        body["query"] = form.query
        body["conversation_id"] = run.conversation.source_id if goes_on else ""  # type: ignore[union-attr]
        if cleaned.get("then"):
            body["workflow_id"] = told.workflow
    return body


def _for_webhook(
    run: Run, form: AgainForm, step: NodeExecution | None, scope: str
) -> dict[str, Any]:
    return {
        "inputs": form.value(),
        "query": form.query,
        "original_run": str(run.pk),
        "scope": scope if step else webhook.WHOLE,
        "node_id": step.node_id if step else None,
    }
