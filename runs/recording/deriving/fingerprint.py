"""Normalizes the messages of failures, leaving out what differs from run to run, so that failures
that are alike form one group. Pure.

Ids, numbers, times and durations become #; addresses, paths and quoted values words of their own.
What distinguishes failures stays: a status of HTTP (429 is not 500), and what an error that is
written as JSON says happened. A message is read up to `MOST` characters, and no pattern can match
the same text in two ways, so that a hostile one costs no more than a long one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from uuid import UUID, uuid5

from nodes.formats import visible

GROUPS = UUID("5d0b8f0e-3f0c-5b7a-8a54-6d2f1c9a7e31")
MOST = 4_000  # characters of a message that are read
KEPT = 400  # characters of the normalized message that are kept and distinguish groups

ADDRESS, PATH, QUOTE, ID = "<address>", "<path>", "“…”", "#"

# No letter or digit beside it. Those of other scripts may: Chinese puts no space around numbers.
_L, _R = "(?<![A-Za-z0-9_])", "(?![A-Za-z0-9_])"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_CLOCK = r"\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
_UNIT = "(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|hours?|days?|AM|PM|am|pm)"
_DIGIT = "[0-9\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]"
# Last part of a dotted name that is a host, not a module or a file.
_TOP = "com|net|org|io|ai|dev|cloud|cn|co|de|eu|fr|in|jp|uk|us|local|internal|svc|example|test"
# What ids of providers begin with; the rest of them is random.
_PREFIX = (
    "req|msg|call|chatcmpl|cmpl|resp|run|thread|asst|file|toolu|batch|proj|org|sk|pk|evt|gen|fc|"
    "rs|ft|ftjob|step|trace|span|session|user|cus|conv|tool|xox[a-z]"
)
# Keys whose values say what happened.
_TELLING = (
    "message|msg|error|type|code|status|reason|details?|title|description|error_(?:msg|message|"
    "code|type)"
)
_TELLING_VALUE = rf"""(["'])({_TELLING})\1\s?:\s?(["'])((?:\\.|(?!\3)[^\\])*)\3"""
# Names in code, as interpreters quote them, are kept: another name is another mistake.
_NAME = r"[A-Za-z_][A-Za-z_.]{0,60}"
_NAMED = "|".join([
    r"(?:has no attribute|[Nn]o module named|cannot import name|keyword argument|arguments?:"
    rf"|reading|KeyError:) '{_NAME}'",
    rf"(?<![\w'])'{_NAME}'(?= object (?:has|is|does|cannot)| is a required property)",
    rf"(?<!\w)name '{_NAME}' is not",
    rf"\A'{_NAME}'\Z",  # all that a KeyError says
])  # fmt: skip
Word = str | Callable[[re.Match[str]], str]


def _without_quotes(match: re.Match[str]) -> str:
    return match[0].replace("'", "")


def _ipv6_address(match: re.Match[str]) -> str:
    try:
        IPv6Address(match[0])
    except AddressValueError:
        return match[0]
    return ADDRESS


def _rules(*rules: tuple[str, Word]) -> list[tuple[re.Pattern[str], Word]]:
    return [(re.compile(pattern, re.ASCII), word) for pattern, word in rules]


# Applied in this order, each to what the ones before have left.
_RULES = _rules(
    # {'error': {'message': 'No such order'}}: the telling values and all keys lose their quotes,
    # also inside a JSON text that is itself such a value.
    (_TELLING_VALUE, r"\2: \4"),
    (r"(?<!\\)\\+(?=[\"'])", ""),
    (_TELLING_VALUE, r"\2: \4"),
    (r"""(["'])([A-Za-z_][\w.-]{0,60})\1(?=\s?:)""", r"\2"),
    (r"""(["'])([45]\d\d [A-Z][A-Za-z ]{1,40})\1""", r"\2"),  # '404 Not Found'
    (_NAMED, _without_quotes),
    (r"input_value=.{0,300}?, input_type=", f"input_value={QUOTE}, input_type="),  # Pydantic
    (r"\)=\([^()]{0,300}\)", f")=({QUOTE})"),  # PostgreSQL: Key (id)=(A-17)
    (r"(filtered|detected): (?:[Tt]rue|[Ff]alse)", r"\1: #"),  # Azure's verdicts
    # What a model answered, which is never the same.
    (r"((?:[Oo]utput|[Cc]ompletion|[Aa]nswer)\s?:\s?)\S.*", rf"\1{QUOTE}"),
    *(
        (rf"{before}{first}(?:[^{first}{last}]*[{last}]|[^{first}{last}]{{500,}}\Z){after}", QUOTE)
        for first, last, before, after in [
            ('"', '"', "", ""), ("'", "'", _L, _R), ("`", "`", "", ""), ("„", "“”", "", ""),
            ("“", "”", "", ""), ("‘", "’", _L, ""), ("«", "»", "", ""), ("「", "」", "", ""),
            ("『", "』", "", ""), ("《", "》", "", ""), ("〈", "〉", "", ""),
        ]
    ),
    (rf"{_L}[A-Za-z][A-Za-z0-9+.-]{{1,15}}://[^\s\"'<>(){{}}\[\],;`\u0080-\U0010ffff]+", ADDRESS),
    (r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}", ADDRESS),
    (rf"{_L}arn:[a-z-]{{1,20}}:[\w:/.-]+", ADDRESS),  # Amazon's
    (r"(?<![\w:])(?=[A-Fa-f:]*[0-9])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}"
     r"(?:(?:\.\d{1,3}){3}|%\w{1,15})?", _ipv6_address),
    (rf"{_L}\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?::\d+|/\d+)?(?!\.?\w)", ADDRESS),
    (rf"(?<![\w.-])(?:localhost|(?:[A-Za-z0-9-]{{1,63}}\.){{1,8}}(?:{_TOP}))(?::\d+)?(?![\w-])",
     ADDRESS),
    (rf"{_L}[A-Za-z]:\\[^\s\"'<>|:;,]*", PATH),
    # Other scripts only before a slash or a dot: behind the last one the sentence may go on.
    (r"(?<![\w<./>])(?:~|\.{1,2})?/(?:[\w.@%+=~/-]|[\u0080-\U0010ffff]{1,100}(?=[/.]))+"
     r"(?:\?[\w.~%+-]{1,100}=[\w.~%+&=-]*)?", PATH),
    (rf"{_L}\d{{4}}[-/]\d\d?[-/]\d\d?(?:[T ]{_CLOCK}|-preview)?{_R}", ID),
    (rf"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},? )?"
     rf"{_L}(?:\d\d?[ -]{_MONTH}|{_MONTH} \d\d?,?)[ -]\d{{4}}(?: {_CLOCK})?{_R}", ID),
    (rf"{_L}[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}{_R}", ID),
    (rf"{_L}(?:{_PREFIX})[-_](?=[a-z_-]{{0,40}}[A-Z0-9]|[a-f]{{8}})[\w-]{{8,}}", ID),
    (rf"{_L}eyJ[\w-]+(?:\.[\w-]+){{1,2}}", ID),  # a JSON web token
    (r"(?<![\w-])[\w-]{0,60}\*{4,}[\w-]{0,60}", ID),  # a key that was masked already
    (rf"{_L}0x[0-9A-Fa-f]+{_R}", ID),
    (rf"{_L}[A-Za-z]{{2,12}}[-_](?=[A-Za-z]*\d)[A-Za-z0-9]{{16,}}{_R}", ID),
    (rf"{_L}(?=[A-Za-z]*\d)[A-Za-z0-9]{{16,}}{_R}", ID),
    (rf"{_L}[A-Za-z]*\d+[A-Za-z]+\d[A-Za-z0-9]*{_R}", ID),  # x2k4z
    (rf"{_L}[A-Za-z]+\d{{4,}}[A-Za-z]*{_R}", ID),  # INV20931
    (rf"{_L}[A-Z]{{1,3}}(?:-\d+|\d{{2,}}){_R}", ID),  # A17, A-17
)  # fmt: skip
_IN_BRACKETS = re.compile(rf"\[{ADDRESS}\](?::\d+)?")
_NUMBER = re.compile(
    rf"{_L}[+-]?{_DIGIT}+(?:[.,:]{_DIGIT}+)*"
    rf"(?:%| ?{_UNIT}(?![A-Za-z])|[A-Za-z]{{0,3}}(?![A-Za-z]))"
)
_REPEATED = re.compile(rf"(#|{ADDRESS}|{PATH}|{QUOTE})(?:[\s,;:/|_.-]{{0,3}}\1)+")
# What stands before or after a number of three digits that is a status of HTTP.
_STATUS_BEFORE = re.compile(
    r"(?:status|code|http(?:/[\d.]+)?|error|received|returned|responded with|failed with"
    r"|状态码|错误码)\W{0,4}\Z",
    re.IGNORECASE,
)
_STATUS_AFTER = re.compile(r" [A-Z][a-z]")
_STACK = re.compile(r"\n[ \t]+at ")  # Java, JavaScript
_TRACEBACK = "Traceback (most recent call last)"
_FRAMES = re.compile(r"\n {2,}File [^\n]*(?:\n {2,}[^\n]*)*\n")


@dataclass(frozen=True, slots=True)
class ErrorFingerprint:
    """What failures of one group have in common. It names what ended a run: the step (its id in the
    graph and its name, "" where none is known), the exception's type and the normalized message."""

    node_id: str
    title: str
    error_type: str
    message: str

    @classmethod
    def of(cls, node_id: str, title: str, error_type: str, error: str) -> "ErrorFingerprint":
        return cls(node_id, title, error_type, normalized_message(error))

    def group(self, app_id: int) -> UUID:
        """Return the id of the group of failures like this one in an app. The name of the step does
        not matter: it may change from version to version."""
        return uuid5(GROUPS, "\0".join((str(app_id), self.node_id, self.error_type, self.message)))


def normalized_message(message: str) -> str:
    """Return what messages of one kind have in common, on one line of at most `KEPT` characters."""
    return _normalize(_relevant_part(message))


def _relevant_part(message: str) -> str:
    """Return what was raised, of a stack trace; of any other message the beginning."""
    head = message[:MOST]
    if _TRACEBACK in head:
        end = message[-MOST:]
        *_, raised = _FRAMES.split("\n" + end)
        return raised
    return _STACK.split(head, maxsplit=1)[0]


@lru_cache(maxsize=512)
def _normalize(text: str) -> str:
    text = " ".join(visible(text).split())
    for pattern, word in _RULES:
        text = pattern.sub(word, text)
    text = _IN_BRACKETS.sub(ADDRESS, text)
    text = _NUMBER.sub(_number_or_status, text)
    return _REPEATED.sub(r"\1", text)[:KEPT]


def _number_or_status(match: re.Match[str]) -> str:
    number, text = match[0], match.string
    if len(number) == 3 and number.isdecimal() and number[0] in "45":
        before = text[max(0, match.start() - 16) : match.start()]
        if _STATUS_BEFORE.search(before) or _STATUS_AFTER.match(text, match.end()):
            return number
    return ID
