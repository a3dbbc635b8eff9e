"""The fields that runs can be searched by: what each takes, an example, what it means. The parser,
the help beside the search box and whoever explains the addresses read this table. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from nodes.kinds import key_of
from runs.choices import RunStatus


class Takes(Enum):
    """What stands behind the colon, in words."""

    WORD = "a word, or several in quotes"
    CHOICE = "one of a few words"
    COUNT = "a whole number, alone or with >, >=, <, <=, or a range"
    NUMBER = "a number, alone or with >, >=, <, <=, or a range"
    LASTING = "a duration with >, >=, <, <=, or a range"
    MOMENT = "a time, or how long ago"


@dataclass(frozen=True, slots=True)
class Field:
    """`choices` are the words that a CHOICE knows; `key` turns a WORD into what is stored. Of a
    field given several times a run need match one only, unless `all_of`."""

    name: str
    takes: Takes
    help: str
    example: str
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    all_of: bool = False
    key: Callable[[str], str] = str

    @property
    def has_range(self) -> bool:
        return self.takes in (Takes.COUNT, Takes.NUMBER, Takes.LASTING)


WORD, CHOICE, COUNT = Takes.WORD, Takes.CHOICE, Takes.COUNT

FIELDS: tuple[Field, ...] = (
    Field("status", CHOICE, "How the run ended", "status:failed", tuple(RunStatus.values)),
    Field("app", WORD, "App, by the name in its address", "app:support-chat"),
    Field("version", WORD, "Version, by number or label", "version:#3"),
    Field("since", Takes.MOMENT, "Started at this time or later", "since:7d"),
    Field("until", Takes.MOMENT, "Started before this", "until:2026-11-22", aliases=("before",)),
    Field("time", Takes.LASTING, "How long the run took", "time:>2s", aliases=("duration",)),
    Field("tokens", COUNT, "Tokens of the whole run", "tokens:>10k"),
    Field("cost", Takes.NUMBER, "Cost of the whole run", "cost:>0.05"),
    Field("steps", COUNT, "How many steps it took", "steps:>100"),
    Field("retries", COUNT, "How many attempts were repeated", "retries:>0"),
    Field("user", WORD, "Who used the app, by the producer's id", "user:u-1"),
    Field("conversation", WORD, "Conversation, by id", "conversation:thread-9"),
    Field("id", WORD, "The run, by any id of it: run, trace, message", "id:4bf92f3577b34da6"),
    Field("name", WORD, "The workflow's own name", "name:checkout"),
    Field("source", WORD, "How it was recorded", "source:otlp"),
    Field("trigger", WORD, "What started it", "trigger:webhook"),
    Field("environment", WORD, "Where it ran", "environment:production", aliases=("env",)),
    Field("node", WORD, "Has a step of this node, by id or title", "node:classify"),
    Field("kind", WORD, "Has a step of this kind", "kind:llm", key=key_of),
    Field("model", WORD, "Has a step that used this model", "model:gpt-4o"),
    Field("failed_in", WORD, "The node that ended the run, by id or title", "failed_in:classify"),
    Field("error", WORD, "The run's error has these letters", "error:timeout"),
    Field("errorgroup", WORD, "Failures of one kind, by the kind's id", "errorgroup:8c1e…"),
    Field("tag", WORD, "Has this tag, a producer's or a person's", "tag:vip"),
    Field("note", WORD, "Has a note of this name", "note:correctness"),
    Field("label", WORD, "Has a note with this label", "label:wrong-tone"),
    Field("score", Takes.NUMBER, "Has a note with such a score", "score:<0.5"),
    Field("thumbs", CHOICE, "Has a thumb up or down", "thumbs:down", ("up", "down")),
    Field(
        "is", CHOICE, "In this state", "is:running",
        ("running", "paused", "stalled", "finished", "pinned", "rerun"), all_of=True,
    ),
    Field(
        "has", CHOICE, "Something is known of it", "has:note",
        ("note", "tag", "error", "user", "conversation", "cost", "retry"), all_of=True,
    ),
)  # fmt: skip

BY_NAME = {name: field for field in FIELDS for name in (field.name, *field.aliases)}

# Parameters of an address that ask for one end of a range.
ENDS = {
    "min_duration": ("time", ">="),
    "max_duration": ("time", "<="),
    "min_tokens": ("tokens", ">="),
    "max_tokens": ("tokens", "<="),
    "min_cost": ("cost", ">="),
    "max_cost": ("cost", "<="),
}
# What people call these things elsewhere.
_MEANT = {
    "latency": "time", "took": "time", "after": "since", "from": "since", "to": "until",
    "state": "status", "trace": "id", "session": "conversation", "thread": "conversation",
    "price": "cost", "step": "node", "type": "kind", "exception": "error", "tags": "tag",
    "workflow": "app", "project": "app", "feedback": "thumbs", "env_name": "environment",
}  # fmt: skip


def field_of(name: str) -> Field | None:
    return BY_NAME.get(name.lower().replace("-", "_"))


def meant_by(name: str) -> str:
    """The field that an unknown name probably means; "" for no idea."""
    name = name.lower().replace("-", "_")
    near = get_close_matches(name, BY_NAME, n=1, cutoff=0.7)
    return _MEANT.get(name) or (near[0] if near else "")
