"""Starts reruns: once for each form, on a thread of its own, which outlives the browser's
request."""

import json
from hashlib import sha256
from typing import Any
from uuid import uuid5

from django.contrib.auth.models import User

from nodes.models import NodeExecution
from runs.models import Rerun, Run
from runs.pages.rerun import dify_api, webhook
from runs.pages.rerun.dify_request import run_path, value_for_dify
from runs.pages.rerun.form import CONTINUE, RerunForm
from runs.recording.receiving.live_stream import run_in_background


def start_rerun(
    run: Run, form: RerunForm, user: User, step: NodeExecution | None = None, scope: str = ""
) -> tuple[Rerun, bool]:
    """Start the rerun that a valid form describes, for `user`, and return it; False beside it: this
    very form was sent before, and the rerun is that of then. `step` and `scope`: run one step
    alone, or from it on."""
    is_dify = run.app.upstream_kind == "dify"
    body = _dify_body(run, form) if is_dify else _webhook_body(run, form, step, scope)
    path = _dify_path(run, form) if is_dify else ""
    fingerprint = json.dumps([str(run.pk), path, body], sort_keys=True).encode()
    rerun_id = uuid5(form.cleaned_data["token"], sha256(fingerprint).hexdigest())
    if not is_dify:
        body["rerun"] = str(rerun_id)
    rerun, is_new = Rerun.objects.get_or_create(
        id=rerun_id,
        defaults={
            "original": run,
            "sent": body,
            "source_id": "" if is_dify else webhook.trace_id_of(rerun_id),
            "node_id": step.node_id if step else "",
            "requested_by": user,
        },
    )
    if is_new and is_dify:
        run_in_background(lambda: dify_api.run_through_dify(rerun, run.app, path))
    elif is_new:
        run_in_background(lambda: webhook.run_through_webhook(rerun, run.app))
    return rerun, is_new


def _dify_path(run: Run, form: RerunForm) -> str:
    kinds = {source.kind for source in run.producer_ids}
    version = form.recorded.workflow if form.cleaned_data.get("then") else ""
    return run_path(form.recorded.query is not None, kinds, version)


def _dify_body(run: Run, form: RerunForm) -> dict[str, Any]:
    recorded, cleaned = form.recorded, form.cleaned_data
    body = {
        "inputs": value_for_dify(form.value()),
        "response_mode": "streaming",
        "user": cleaned["user"],
    }
    if recorded.files:
        body["files"] = value_for_dify(recorded.files)
    if recorded.query is not None:
        goes_on = run.conversation and cleaned.get("conversation") == CONTINUE
        body["query"] = form.query
        body["conversation_id"] = run.conversation.source_id if goes_on else ""  # type: ignore[union-attr]
        if cleaned.get("then"):
            body["workflow_id"] = recorded.workflow
    return body


def _webhook_body(
    run: Run, form: RerunForm, step: NodeExecution | None, scope: str
) -> dict[str, Any]:
    return {
        "inputs": form.value(),
        "query": form.query,
        "original_run": str(run.pk),
        "scope": scope if step else webhook.WHOLE_RUN,
        "node_id": step.node_id if step else None,
    }
