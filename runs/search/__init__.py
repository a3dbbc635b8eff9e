"""Full-text search: finds runs by words, phrases and parts of words in any language."""

from runs.search.finding import SearchResult, find
from runs.search.hits import Hit, hits_json
from runs.search.terms import SearchTerms, parse_text

__all__ = ["Hit", "SearchResult", "SearchTerms", "find", "hits_json", "parse_text"]
