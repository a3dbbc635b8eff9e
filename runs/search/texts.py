"""The texts of stored values as people read them: what JSON escapes stands there itself. Pure."""

import re

from runs.search.folding import readable

BETWEEN = "\n\x1e\n"  # of forms of the same text
LEVELS = 4  # JSON inside a JSON string inside a JSON string …
_ESCAPES = (("\\n", "\n"), ('\\"', '"'), ("\\t", "\t"), ("\\r", "\r"), ("\\/", "/"),
            ("\\b", "\b"), ("\\f", "\f"))  # fmt: skip
_CODES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


def text_of(body: str, is_json: bool) -> str:
    """All that a value says. Escaped text stands there unescaped, once for each level of JSON
    inside JSON, the innermost first; text that is no JSON may hold some (an answer in an error, a
    value that was cut), and then stands there as it is, too."""
    if "\\" not in body:
        return readable(body)
    forms = [body]
    while len(forms) <= LEVELS and (form := unescaped(forms[-1])) != forms[-1]:
        forms.append(form)
    if is_json and len(forms) > 1:
        del forms[0]  # which nobody sees
    return readable(BETWEEN.join(reversed(forms)))


def unescaped(text: str) -> str:
    """`text` with one level of JSON's escapes replaced; it need not be JSON as a whole."""
    return "\\".join(map(_replaced, text.split("\\\\")))


def _replaced(part: str) -> str:
    if "\\" in part:
        for escape, meant in _ESCAPES:
            part = part.replace(escape, meant)
        if "\\u" in part:
            part = _CODES.sub(_decoded, part)
    return part


def _decoded(codes: re.Match[str]) -> str:
    """\\u4f60\\u597d, in which pairs of halves make one character; a half by itself is none."""
    raw = bytes.fromhex(codes[0].replace("\\u", ""))
    return raw.decode("utf-16-be", "replace")
