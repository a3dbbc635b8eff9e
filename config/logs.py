"""Keeps secrets out of logs. Pure."""

import logging
import re

from runs.redaction.secrets import REDACTED

# The secret of a share link: everybody who has it sees the run that the link was made for.
_SHARE_SECRET = re.compile(r"(?<=/s/)[^/?#\s]+")


class RedactShareLinks(logging.Filter):
    """Redacts the secrets of share links in the addresses of a log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        if "/s/" in (text := record.getMessage()):
            record.msg, record.args = _SHARE_SECRET.sub(REDACTED, text), ()
        return True
