"""A shared run for the head of its page and for its JSON twin, which have the same whitelist."""

from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from runs.choices import CostState
from runs.json.share import SharedNoteJson, SharedRunJson, SharedStepJson
from runs.json.values import decimal_text, iso_time
from runs.pages.share.public_view import SharedNote, SharedRun, SharedStep, SharedValue
from runs.redaction.masks import MASKABLE_FIELDS


def shared_head(shared: SharedRun) -> dict[str, Any]:
    """Return the run without its values and steps, under the names of `SharedRunJson`; times are
    datetimes and amounts decimals, which templates format."""
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
) -> SharedRunJson:
    """Return the run with a page of its steps, as far as the link shows them."""
    data = {name: _json_value(value) for name, value in shared_head(shared).items()}
    data |= {
        "inputs": shared_value_json(shared.inputs),
        "outputs": shared_value_json(shared.outputs),
    }
    if "notes" not in shared.masked_fields:
        data["notes"] = [_shared_note_json(note) for note in shared.notes()]
    data |= {"executions": [shared_step_json(row) for row in rows], "next": next_url}
    return cast(SharedRunJson, data)


def _shared_note_json(note: SharedNote) -> SharedNoteJson:
    return {
        "name": note.name,
        "value": note.value or None,
        "text": note.text or None,
        "author": note.author or None,
    }


def shared_step_json(step: SharedStep) -> SharedStepJson:
    data: SharedStepJson = {
        "id": step.id,
        "depth": step.level,
        "index": step.index,
        "kind": step.kind.key,
        "title": step.title or None,
        "status": step.status,
        "iteration": step.iteration,
        "attempt": step.attempt,
        "taken": step.taken or None,
        "started_at": iso_time(step.started_at),
        "duration_us": step.duration_us,
        "tokens": {
            "input": step.input_tokens,
            "output": step.output_tokens,
            "total": step.total_tokens,
        },
        "cost": None
        if step.cost is None
        else {"amount": decimal_text(step.cost), "currency": step.currency or None},
        "model": step.model or None,
        "provider": step.provider or None,
        "error": step.error or None,
        "error_type": step.error_type or None,
    }
    for value in step.values:
        data[value.name] = shared_value_json(value)
    return data


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
