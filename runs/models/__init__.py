"""What is kept of the whole, one file per noun."""

from runs.models.app import App, Version
from runs.models.conversation import Conversation
from runs.models.imports import ImportState
from runs.models.inbox import ReceivedRequest, RefusedRecord
from runs.models.key import IngestKey
from runs.models.note import Note
from runs.models.run import Run, RunSource

__all__ = [
    "App",
    "Conversation",
    "ImportState",
    "IngestKey",
    "Note",
    "ReceivedRequest",
    "RefusedRecord",
    "Run",
    "RunSource",
    "Version",
]
