"""Read Dify's storage folder: values that were too large for its database."""

from pathlib import Path
from typing import Any

from runs.recording.records.json_text import NotJson, parse_json

MAX_BYTES = 64 * 1024 * 1024


class DifyStorage:
    """The folder that Dify keeps files in (`STORAGE_LOCAL_PATH`, usually `storage`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def read(self, key: str) -> Any:
        """Return the JSON value of a file; None where it cannot be had. No key leads out of the
        folder."""
        if not key or "\0" in key:
            return None
        try:
            path = (self.folder / key).resolve()
            is_inside = path.is_relative_to(self.folder) and path.is_file()
            if not is_inside or path.stat().st_size > MAX_BYTES:
                return None
            return parse_json(path.read_bytes())
        except (OSError, NotJson):
            return None
