"""What is kept of the whole, one file per noun."""

from runs.models.app import App, Version
from runs.models.conversation import Conversation
from runs.models.inbox import RefusedRecord
from runs.models.key import IngestKey
from runs.models.run import Run, RunSource

__all__ = ["App", "Conversation", "IngestKey", "RefusedRecord", "Run", "RunSource", "Version"]
