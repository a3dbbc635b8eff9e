"""The texts of stored values as people read them: without the escapes of JSON. Pure."""

import re

from runs.search.normalizing import composed

BETWEEN_FORMS = "\n\x1e\n"  # of the same text
MAX_LEVELS = 4  # JSON inside a JSON string inside a JSON string …
_ESCAPES = (("\\n", "\n"), ('\\"', '"'), ("\\t", "\t"), ("\\r", "\r"), ("\\/", "/"),
            ("\\b", "\b"), ("\\f", "\f"))  # fmt: skip
_CODES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


def text_of_value(body: str, is_json: bool) -> str:
    """Return the text of a value without escapes: a form of it for each level of JSON inside JSON,
    the innermost first. Text that is no JSON may hold some (an answer in an error, a value that was
    cut): then its last form is the text as it is."""
    if "\\" not in body:
        return composed(body)
    forms = [body]
    while len(forms) <= MAX_LEVELS and (form := unescaped(forms[-1])) != forms[-1]:
        forms.append(form)
    if is_json and len(forms) > 1:
        del forms[0]  # which nobody sees
    return composed(BETWEEN_FORMS.join(reversed(forms)))


def unescaped(text: str) -> str:
    """Return `text` with one level of JSON's escapes replaced; it need not be JSON as a whole."""
    return "\\".join(map(_replace_escapes, text.split("\\\\")))


def _replace_escapes(part: str) -> str:
    if "\\" in part:
        for escape, character in _ESCAPES:
            part = part.replace(escape, character)
        if "\\u" in part:
            part = _CODES.sub(_decode_codes, part)
    return part


def _decode_codes(codes: re.Match[str]) -> str:
    """Decode \\u4f60\\u597d, in which pairs of halves make one character; a half by itself is
    none."""
    raw = bytes.fromhex(codes[0].replace("\\u", ""))
    return raw.decode("utf-16-be", "replace")
