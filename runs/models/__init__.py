"""The models of whole runs, one file for each noun."""

from runs.models.app import App, Version
from runs.models.conversation import Conversation
from runs.models.error_group import ErrorGroup
from runs.models.imports import ImportState
from runs.models.inbox import ReceivedRequest, RefusedRecord
from runs.models.key import IngestKey
from runs.models.note import Note
from runs.models.rerun import Rerun
from runs.models.run import Run, RunSource
from runs.models.saved_view import SavedView
from runs.models.search import SearchDue
from runs.models.share import ShareLink
from runs.models.span_link import SpanLink

__all__ = [
    "App",
    "Conversation",
    "ErrorGroup",
    "ImportState",
    "IngestKey",
    "Note",
    "ReceivedRequest",
    "RefusedRecord",
    "Rerun",
    "Run",
    "RunSource",
    "SavedView",
    "SearchDue",
    "ShareLink",
    "SpanLink",
    "Version",
]
