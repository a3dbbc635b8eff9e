"""Notes that somebody wrote on the canvas of a workflow's editor. Pure."""

from dataclasses import dataclass
from typing import Any

COLOURS = ("blue", "cyan", "green", "yellow", "pink", "violet")  # themes of Dify's editor


@dataclass(frozen=True, slots=True)
class CanvasNote:
    """A note. `x`, `y` and `width` are those of the editor's canvas, as of nodes of the graph; None
    where they are not known."""

    text: str
    author: str = ""
    colour: str = COLOURS[0]
    x: float | None = None
    y: float | None = None
    width: float | None = None


def canvas_notes(configuration: Any) -> list[CanvasNote]:
    """Return the notes in the configuration of a version, {"notes": [{"text", "author", "colour",
    "x", "y", "width"}]}; those without text are left out."""
    items = configuration.get("notes") if isinstance(configuration, dict) else None
    notes = []
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and isinstance(text := item.get("text"), str) and text.strip():
            colour = item.get("colour")
            notes.append(
                CanvasNote(
                    text,
                    str(item.get("author") or ""),
                    colour if colour in COLOURS else COLOURS[0],
                    *(_number(item.get(name)) for name in ("x", "y", "width")),
                )
            )
    return notes


def without_places(configuration: Any) -> Any:
    """Return the configuration with text and author of each note alone: where notes stand is for
    the drawing, and moving them changes nothing that a reader looks for."""
    notes = canvas_notes(configuration)
    if not notes:
        return configuration
    return {**configuration, "notes": [{"text": n.text, "author": n.author} for n in notes]}


def _number(value: Any) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
    return value if fits else None
