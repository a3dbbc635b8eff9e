"""The table of dialects beside their code says what the code does."""

from pathlib import Path

from runs.recording.decoding import dialects

FOLDER = Path(dialects.__file__).parent
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (FOLDER / "README.md").read_text().splitlines()
    if line.startswith("| `")
]


def test_every_dialect_has_its_row_in_the_order_tried() -> None:
    assert [row[0].strip("`") for row in ROWS] == [d.NAME for d in dialects.DIALECTS]


def test_the_files_named_exist() -> None:
    named = [name.strip(" `") for row in ROWS for name in row[1].split(",")]
    assert all((FOLDER / name).is_file() for name in named)
