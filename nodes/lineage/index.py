"""What stands where in the values of a run: equal pieces, texts, and the calls that models asked
for. Pure."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from nodes.content.messages import read_message
from nodes.lineage.values import MAX_PIECES, MISSING, Path, Piece, at, pieces, weight

LONG = 16  # weight from which a text is looked for inside others
MAX_SPOTS = 200  # places kept of one value
MAX_TEXTS = 5_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a stored value, which its digest names."""

    payload: str
    path: Path
    decoded: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of a tool that a model asked for, and where it says so."""

    spot: Spot
    name: str
    arguments: Any


class Index:
    """Every value is looked at once, however many steps had it in or out. `cut`: not all of it."""

    def __init__(self) -> None:
        self.cut = False
        self.values: dict[str, Any] = {}
        self.pieces: dict[str, list[Piece]] = {}
        self.equal: dict[int, list[Spot]] = defaultdict(list)
        self.texts: dict[str, list[Spot]] = {}
        self.calls: dict[str, list[Asked]] = defaultdict(list)
        self._longest: list[str] = []

    def add(self, payload: str, value: Any) -> None:
        if payload in self.values:
            return
        self.values[payload] = value
        self.pieces[payload] = pieces(value)
        self.cut = self.cut or len(self.pieces[payload]) >= MAX_PIECES
        for piece in self.pieces[payload]:
            if piece.key is not None and len(self.equal[piece.key]) < MAX_SPOTS:
                self.equal[piece.key].append(Spot(payload, piece.path, piece.decoded))
            if isinstance(piece.value, str):
                self._add_text(piece.value, Spot(payload, piece.path, piece.decoded))
            elif isinstance(piece.value, dict):
                self._add_calls(piece.value, Spot(payload, piece.path, piece.decoded))

    def _add_text(self, text: str, spot: Spot) -> None:
        text = text.strip()
        if weight(text[:100]) < LONG:
            return
        if len(self.texts) >= MAX_TEXTS and text not in self.texts:
            self.cut = True
            return
        spots = self.texts.setdefault(text, [])
        if len(spots) < MAX_SPOTS:
            spots.append(spot)

    def _add_calls(self, value: dict[str, Any], spot: Spot) -> None:
        if not value.keys() & {"tool_calls", "parts", "function_call", "content", "call_id"}:
            return
        message = read_message(value)
        for call in message.calls if message else ():
            if call.id:
                self.calls[call.id].append(Asked(spot, call.name, call.arguments))

    def longest(self) -> list[str]:
        """The texts, the longest first."""
        if len(self._longest) != len(self.texts):
            self._longest = sorted(self.texts, key=len, reverse=True)
        return self._longest

    def get(self, payload: str, path: Path = ()) -> Any:
        """What stands at a place; MISSING where the value was not looked at."""
        return at(self.values[payload], path) if payload in self.values else MISSING
