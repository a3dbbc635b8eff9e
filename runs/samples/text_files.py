"""Read the texts of the sample runs: files in `texts/`, split at their headings."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "texts"


class Passage(NamedTuple):
    """A heading of a file, the text below it, and its fields: lines such as `risk: high`."""

    heading: str
    text: str
    fields: dict[str, str]


@cache
def sections(name: str) -> tuple[Passage, ...]:
    """Return the sections of a text file; each starts at `## `. Lines that start with `- key: `
    are fields."""
    parsed = []
    for part in (FOLDER / name).read_text("utf-8").split("\n## ")[1:]:
        heading, _, rest = part.partition("\n")
        lines, fields = [], {}
        for line in rest.strip().splitlines():
            key, colon, value = line.removeprefix("- ").partition(": ")
            if line.startswith("- ") and colon and key.isidentifier():
                fields[key] = value
            else:
                lines.append(line)
        parsed.append(Passage(heading.strip(), "\n".join(lines).strip(), fields))
    return tuple(parsed)
