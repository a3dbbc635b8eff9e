"""The body of `POST /api/notes`: notes that a program sends. Pure.

    {"run": any id of the run, "name": "correctness", "number": 0.8, "label": "", "text": "",
     "step": any id of a step, "id": "yours", "author": "judge-2", "created_at": ISO 8601}

`run`, `name` and at least one of `number`, `label` and `text` are required; a note named “pin”
needs none of the three.
"""

from hashlib import sha256
from typing import Any

import orjson

from runs.recording.decoding.langfuse_rest import iso_microseconds
from runs.recording.records.record import NoteRecord

SOURCE = "api"
FIELDS = ("run", "name", "number", "label", "text", "step", "id", "author", "created_at")
MAX_NOTES = 1_000
MAX_LENGTHS = {"run": 128, "name": 100, "label": 200, "text": 100_000, "step": 128, "id": 128,
               "author": 200, "created_at": 40}  # fmt: skip
THUMBS = {"up": 1.0, "like": 1.0, "down": -1.0, "dislike": -1.0}


class BadNote(ValueError):
    """A note that cannot be stored; the message is a sentence that says why."""


def read_notes(payload: Any) -> list[NoteRecord]:
    """Return the notes of a payload that is one note or a list of them. Raises BadNote where any of
    them is bad: then none is stored."""
    bodies = payload if isinstance(payload, list) else [payload]
    if not bodies:
        raise BadNote("The list has no notes.")
    if len(bodies) > MAX_NOTES:
        count = f"{len(bodies):,}"
        raise BadNote(f"A request can have at most {MAX_NOTES:,} notes; this one has {count}.")
    notes = []
    for number, body in enumerate(bodies, 1):
        try:
            notes.append(read_note(body))
        except BadNote as problem:
            if isinstance(payload, list):
                raise BadNote(f"Note {number}: {problem}") from None
            raise
    return notes


def read_note(body: Any) -> NoteRecord:
    """Return one note. Raises BadNote."""
    if not isinstance(body, dict):
        raise BadNote(
            "A note must be an object with “run”, “name” and “number”, “label” or “text”."
        )
    if unknown := [str(key) for key in body if key not in FIELDS]:
        raise BadNote(f"A note has no field “{unknown[0][:40]}”; it has {', '.join(FIELDS)}.")
    texts = {field: _checked_text(body, field) for field in MAX_LENGTHS}
    for field in ("run", "name"):
        if not texts[field]:
            raise BadNote(f"“{field}” is missing.")
    number = _checked_number(body.get("number"))
    if texts["name"] == "thumbs" and number is None:
        number = THUMBS.get(texts["label"].lower())
    if number is None and not texts["label"] and not texts["text"] and texts["name"] != "pin":
        raise BadNote("The note is empty: give a number, a label or a text.")
    created_us = iso_microseconds(texts["created_at"]) if texts["created_at"] else None
    if texts["created_at"] and created_us is None:
        raise BadNote("“created_at” must be a time such as 2026-11-22T09:30:00Z.")
    return NoteRecord(
        about=texts["run"],
        source=SOURCE,
        source_id=texts["id"] or _id_from_content(texts, number),
        name=texts["name"],
        number=number,
        label=texts["label"],
        text=texts["text"],
        about_step=texts["step"],
        author=texts["author"],
        created_us=created_us,
    )


def _checked_text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadNote(f"“{field}” must be a text.")
    if len(value) > MAX_LENGTHS[field]:
        limit = f"{MAX_LENGTHS[field]:,}"
        raise BadNote(f"“{field}” has {len(value):,} characters; the limit is {limit}.")
    return value if field in ("text", "label") else value.strip()


def _checked_number(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise BadNote("“number” must be a number, true or false.")
    return float(value)


def _id_from_content(texts: dict[str, str], number: float | None) -> str:
    """Return an id for a note that brings none. It follows from the content, so that sending the
    note again makes no second one."""
    fields = ("run", "step", "name", "label", "text", "author")
    content = {field: texts[field] for field in fields}
    return sha256(orjson.dumps([content, number])).hexdigest()
