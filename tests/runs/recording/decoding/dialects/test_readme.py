"""The tables in the README beside the dialects name the modules that exist."""

from pathlib import Path

from runs.recording.decoding import dialects

FOLDER = Path(dialects.__file__).parent
TABLES = [
    [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in table.splitlines()
        if line.startswith("| `")
    ]
    for table in (FOLDER / "README.md").read_text().split("Modules that several dialects share")
]
DIALECT_ROWS, SHARED_ROWS = TABLES


def test_every_dialect_has_its_row_in_the_order_tried() -> None:
    assert [row[0].strip("`") for row in DIALECT_ROWS] == [d.NAME for d in dialects.DIALECTS]


def test_every_module_is_in_one_of_the_tables() -> None:
    cells = [row[1] for row in DIALECT_ROWS] + [row[0] for row in SHARED_ROWS]
    named = {name.strip(" `") for cell in cells for name in cell.split(",")}
    assert named == {path.name for path in FOLDER.glob("*.py")} - {"__init__.py"}
