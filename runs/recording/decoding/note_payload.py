"""Notes as a program tells them at `POST /api/notes`. Pure.

    {"run": any id of the run, "name": "correctness", "number": 0.8, "label": "", "text": "",
     "step": any id of a step, "id": "yours", "author": "judge-2", "created_at": ISO 8601}

`run`, and one of `number`, `label` and `text`, have to be there; a pin needs its name alone.
"""

from hashlib import sha256
from typing import Any

import orjson

from runs.recording.decoding.langfuse_rest import microseconds
from runs.recording.records.record import NoteRecord

SOURCE = "api"
FIELDS = ("run", "name", "number", "label", "text", "step", "id", "author", "created_at")
MOST = 1_000
LONGEST = {"run": 128, "name": 100, "label": 200, "text": 100_000, "step": 128, "id": 128,
           "author": 200, "created_at": 40}  # fmt: skip
THUMBS = {"up": 1.0, "like": 1.0, "down": -1.0, "dislike": -1.0}


class BadNote(ValueError):
    """What cannot be a note; the message is a sentence."""


def read_notes(told: Any) -> list[NoteRecord]:
    """One note, or a list of them. All or none: raises BadNote."""
    bodies = told if isinstance(told, list) else [told]
    if not bodies:
        raise BadNote("The list holds no note.")
    if len(bodies) > MOST:
        raise BadNote(f"One request takes at most {MOST:,} notes; this one has {len(bodies):,}.")
    found = []
    for number, body in enumerate(bodies, 1):
        try:
            found.append(read_note(body))
        except BadNote as problem:
            if isinstance(told, list):
                raise BadNote(f"Note {number}: {problem}") from None
            raise
    return found


def read_note(told: Any) -> NoteRecord:
    """One note. Raises BadNote."""
    if not isinstance(told, dict):
        raise BadNote("A note is an object with “run”, “name” and “number”, “label” or “text”.")
    if unknown := [str(key) for key in told if key not in FIELDS]:
        raise BadNote(f"A note has no field “{unknown[0][:40]}”; it has {', '.join(FIELDS)}.")
    texts = {field: _text(told, field) for field in LONGEST}
    for field in ("run", "name"):
        if not texts[field]:
            raise BadNote(f"“{field}” is missing.")
    number = _number(told.get("number"))
    if texts["name"] == "thumbs" and number is None:
        number = THUMBS.get(texts["label"].lower())
    if number is None and not texts["label"] and not texts["text"] and texts["name"] != "pin":
        raise BadNote("The note says nothing: give a number, a label or a text.")
    created_us = microseconds(texts["created_at"]) if texts["created_at"] else None
    if texts["created_at"] and created_us is None:
        raise BadNote("“created_at” is a time such as 2026-11-22T09:30:00Z.")
    return NoteRecord(
        about=texts["run"],
        source=SOURCE,
        source_id=texts["id"] or _id_of(texts, number),
        name=texts["name"],
        number=number,
        label=texts["label"],
        text=texts["text"],
        about_step=texts["step"],
        author=texts["author"],
        created_us=created_us,
    )


def _text(told: dict[str, Any], field: str) -> str:
    value = told.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadNote(f"“{field}” is a text.")
    if len(value) > LONGEST[field]:
        raise BadNote(f"“{field}” has {len(value):,} characters; {LONGEST[field]:,} are taken.")
    return value if field in ("text", "label") else value.strip()


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise BadNote("“number” is a number, or true or false.")
    return float(value)


def _id_of(texts: dict[str, str], number: float | None) -> str:
    """Of a note that brings none: it follows from what it says, so that sending it again is no
    second note."""
    said = {field: texts[field] for field in ("run", "step", "name", "label", "text", "author")}
    return sha256(orjson.dumps([said, number])).hexdigest()
