"""Documents that a retriever returned, whatever shape their producer gives them. Pure."""

from dataclasses import dataclass, field
from typing import Any

_TEXT_KEYS = ("page_content", "content", "text", "document.content")
_SCORE_KEYS = ("score", "relevance_score", "similarity", "document.score")
_TITLE_KEYS = ("title", "name", "document_name", "file_name", "source", "document.id")
# Beside its text a document has at least one of these; else it is just a dict with a text.
_DOCUMENT_KEYS = frozenset(
    {"score", "relevance_score", "metadata", "document.id", "document.score", "document.metadata"}
)


@dataclass(frozen=True, slots=True)
class RetrievedDocument:
    """A retrieved document; `score` as its producer wrote it, "" for none."""

    content: str
    title: str = ""
    score: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


def read_documents(value: list[Any]) -> list[RetrievedDocument] | None:
    """Return the documents of a list that holds nothing else, or None."""
    documents = []
    for item in value:
        document = _read_document(item)
        if document is None:
            return None
        documents.append(document)
    return documents or None


def _read_document(value: Any) -> RetrievedDocument | None:
    if not isinstance(value, dict):
        return None
    if isinstance(inner := value.get("document"), dict) and len(value) <= 2:
        value = {**inner, **{key: other for key, other in value.items() if key != "document"}}
    if isinstance(inner := value.get("kwargs"), dict) and "page_content" in inner:
        value = inner
    content = _first_present(value, _TEXT_KEYS)
    if not isinstance(content, str) or "role" in value:
        return None
    if not (_DOCUMENT_KEYS & value.keys() or "page_content" in value):
        return None
    metadata = value.get("metadata") or value.get("document.metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    score = _first_present(value, _SCORE_KEYS)
    score = _first_present(metadata, _SCORE_KEYS) if score is None else score
    title = _first_present(value, _TITLE_KEYS) or _first_present(metadata, _TITLE_KEYS)
    return RetrievedDocument(
        content=content,
        title=str(title) if title is not None else "",
        score=f"{score:.3g}" if isinstance(score, float) else "" if score is None else str(score),
        metadata=metadata,
    )


def _first_present(value: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((value[key] for key in keys if value.get(key) is not None), None)
