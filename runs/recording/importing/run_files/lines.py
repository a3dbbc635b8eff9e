"""The lines of a run file. Pure.

A run file is NDJSON in UTF-8, one JSON object with one key a line:

    {"waylog": 1}      the head: the number of the format
    {"version": {…}}   a version of an app (VersionLine), before the first run of it
    {"run": {…}}       a run (RunLine); what follows belongs to it
    {"step": {…}}      one step of it (NodeRecord)
    {"note": {…}}      a note on it (NoteRecord)
    {"end": {…}}       the end (EndLine); two files put together have two

Everything else that Waylog stores of a run follows from these.
"""

from dataclasses import dataclass

from runs.recording.records.record import Value

FORMAT = 1


@dataclass(frozen=True, slots=True)
class VersionLine:
    """The columns of a version that do not follow from its runs. `number` is kept where it is free.
    `sample`: its app is one of the samples."""

    app: str
    label: str
    number: int | None = None
    graph: Value = None
    configuration: Value = None
    digest: str = ""
    source_id: str = ""
    comment: str = ""
    created_us: int | None = None
    sample: bool = False


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run. `kind`: the receiver or import that it came by. `bound`: it came with a key bound to
    its app, so that its sources mean that app's runs alone. `steps`: how many follow."""

    id: str
    app: str
    sources: tuple[tuple[str, str], ...]
    seen_us: int  # when news of it last arrived
    kind: str = "otlp"
    bound: bool = False
    steps: int | None = None
    conversation_title: str = ""


@dataclass(frozen=True, slots=True)
class EndLine:
    runs: int
