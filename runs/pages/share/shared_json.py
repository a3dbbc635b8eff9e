"""A shared run for the head of its page and for its JSON twin: the same whitelist for both."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from runs.choices import CostState
from runs.json.values import decimal_text, iso_time
from runs.pages.share.public_view import SharedRun, SharedStep, SharedValue
from runs.redaction.masks import MASKABLE_FIELDS


def shared_head(shared: SharedRun) -> dict[str, Any]:
    """Return the run without its values and steps."""
    run, masked = shared.run, shared.masked_fields
    version = run.version.short if run.version else ""
    return {
        "app": shared.text(run.app.name),
        "name": shared.text(run.name),
        "version": shared.text(version),
        "status": run.status,
        "status_label": run.get_status_display(),
        "stalled": run.stalled,
        "started_at": run.started_at,
        "finished_at": run.ended_at,
        "duration_us": run.duration_us,
        "error": shared.error(run.error),
        "failed_step": str(run.failed_execution) if run.failed_execution else None,
        "failed_title": shared.text(run.failed_title),
        "tokens": {
            "input": run.input_tokens,
            "output": run.output_tokens,
            "total": run.total_tokens,
        },
        "cost": None
        if "costs" in masked or run.cost_state == CostState.FREE
        else {"amount": run.cost, "currency": run.cost_currency, "state": run.cost_state},
        "api_calls": {"model": run.model_calls, "tool": run.tool_calls, "http": run.http_calls},
        "steps": run.steps,
        "iterations": run.iterations,
        "retries": run.retries,
        "user": "" if "user" in masked else shared.text(run.user),
        "trigger": shared.text(run.trigger),
        "environment": shared.text(run.environment),
        "tags": [shared.text(str(tag)) for tag in run.tags],
        "masked": [name for name in MASKABLE_FIELDS if name in masked],
        "expires_at": shared.link.expires_at,
    }


def shared_run_json(
    shared: SharedRun, rows: list[SharedStep], next_url: str | None
) -> dict[str, Any]:
    """Return the run as `/runs/<id>.json` and `tracing.json` have it, as far as it is shown."""
    data = {name: _json_value(value) for name, value in shared_head(shared).items()}
    data |= {
        "inputs": shared_value_json(shared.inputs),
        "outputs": shared_value_json(shared.outputs),
    }
    if "notes" not in shared.masked_fields:
        data["notes"] = [
            {"name": note.name, "value": note.value or None, "text": note.text or None,
             "author": note.author or None}
            for note in shared.notes()
        ]  # fmt: skip
    return data | {"executions": [shared_step_json(row) for row in rows], "next": next_url}


def shared_step_json(step: SharedStep) -> dict[str, Any]:
    data = {
        "id": step.id,
        "depth": step.level,
        "index": step.index,
        "kind": step.kind.key,
        "title": step.title,
        "status": step.status,
        "iteration": step.iteration,
        "attempt": step.attempt,
        "taken": step.taken,
        "started_at": step.started_at,
        "duration_us": step.duration_us,
        "tokens": {
            "input": step.input_tokens,
            "output": step.output_tokens,
            "total": step.total_tokens,
        },
        "cost": None if step.cost is None else {"amount": step.cost, "currency": step.currency},
        "model": step.model,
        "provider": step.provider,
        "error": step.error,
        "error_type": step.error_type,
    }
    return {name: _json_value(value) for name, value in data.items()} | {
        value.name: shared_value_json(value) for value in step.values
    }


def shared_value_json(value: SharedValue) -> Any:
    """Return the value; {"left_out": why} where it is not shown; None where there is none."""
    if value.state == "none":
        return None
    return value.data if value.state == "shown" else {"left_out": value.state}


def _json_value(value: Any) -> Any:
    """Return a value as JSON writes it; what is absent is None."""
    if isinstance(value, dict):
        return {name: _json_value(inner) for name, inner in value.items()}
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, Decimal):
        return decimal_text(value)
    return None if value == "" else value
