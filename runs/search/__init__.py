"""Finding runs by what stands in them: words, phrases and parts of words in any language."""

from runs.search.finding import Found, find
from runs.search.hits import Hit, hits_json
from runs.search.terms import Terms, parse_text

__all__ = ["Found", "Hit", "Terms", "find", "hits_json", "parse_text"]
