"""Notes as JSON, and the lines of the data set made from them."""

from typing import Any

from typing_extensions import TypedDict

from runs.json.app import VersionRefJson


class NoteJson(TypedDict):
    """What a person or a program wrote about a run or a step."""

    id: str
    name: str
    """“comment”, “thumbs”, “tag”, “pin”, “expected”, or the name of a score."""
    number: float | None
    label: str | None
    text: str | None
    source: str
    """Who wrote it: “person”, “api”, “langfuse” …"""
    author: str | None
    step: str | None
    """The execution that it is about; null for the run itself, or a step that has not arrived."""
    created_at: str | None


class NotedAppJson(TypedDict):
    """The app of a run that a note is about."""

    slug: str
    name: str


class NotedRunJson(TypedDict):
    """The run that a note is about."""

    id: str
    url: str
    app: NotedAppJson


class ListedNoteJson(NoteJson):
    """A note in the list of notes."""

    text_cut: bool
    """Whether `text` is only the beginning."""
    about: str | None
    """The producer's id of the run, as the note was sent."""
    about_step: str | None
    """The producer's id of the step, as the note was sent."""
    run: NotedRunJson | None


class NoteListJson(TypedDict):
    """A page of notes, newest first."""

    notes: list[ListedNoteJson]
    next: str | None
    """The address of the next page."""


class NoteDataSetLineJson(TypedDict):
    """A run or step that has notes: its input, its output, and the expected output."""

    input: Any
    output: Any
    expected: str | None
    """The output that would have been right, as a person or program wrote it."""
    label: str | None
    score: float | None
    thumb: str | None
    """“up” or “down”."""
    tags: list[str]
    notes: list[NoteJson]
    """All notes on it, oldest first."""
    run: str
    execution: str | None
    """Null where the line is about the run itself."""
    app: str
    version: VersionRefJson | None
    started_at: str | None
