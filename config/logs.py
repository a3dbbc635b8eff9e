"""What is not to stand in a log. Pure."""

import logging
import re

# Whoever has this part of an address sees the run that it was made for.
_LINK = re.compile(r"(?<=/s/)[^/?#\s]+")
HIDDEN = "•••"


class WithoutLinks(logging.Filter):
    """Takes the secrets of shared links out of addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        if "/s/" in (text := record.getMessage()):
            record.msg, record.args = _LINK.sub(HIDDEN, text), ()
        return True
