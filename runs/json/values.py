"""Values as JSON answers write them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db.models import Model
from django.http import HttpResponse
from django.utils import timezone

from nodes.models import Payload


def json_response(data: Mapping[str, Any]) -> HttpResponse:
    """Return JSON in UTF-8. Stored values go in as they are, without being parsed."""
    return HttpResponse(orjson.dumps(data), content_type="application/json")


def writable(value: Any) -> Any:
    """Return `value`, or None where it is nested more deeply than JSON is written here (254
    levels): then only the raw payload has it."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return None
    return value


def stored(payload: Payload | None) -> Any:
    """Return a stored value to put into a JSON answer; None when there is none."""
    if payload is None:
        return None
    return orjson.Fragment(payload.raw) if payload.encoding == "json" else payload.text


def iso_time(value: datetime | None) -> str | None:
    """Return a time in ISO 8601 with microseconds and the zone of the settings."""
    # Not `localtime`: that no request activates another zone is looked up for every time, which
    # takes half as long as everything else that is written of an execution.
    if value is None:
        return None
    return value.astimezone(timezone.get_default_timezone()).isoformat(timespec="microseconds")


def decimal_text(value: Decimal | None) -> str | None:
    """Return a decimal string without an exponent and without trailing zeros."""
    if value is None:
        return None
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def page_url(row: Model, base_url: str = "") -> str:
    """Return the address of a row's page. `base_url` (http://host, no slash) makes it absolute."""
    return base_url + row.get_absolute_url()  # type: ignore[attr-defined]
