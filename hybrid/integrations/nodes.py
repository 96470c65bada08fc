"""Nodes of LlamaIndex: made of our passages and citations, and read for ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, NodeWithScore, RelatedNodeInfo, TextNode

from hybrid.document import Document
from hybrid.index.protocol import Store
from hybrid.types import Candidate, Citation

_SHOWN = ("file_name", "heading", "page_label")  # metadata that a model is shown with a passage


def passage_nodes(found: Sequence[Candidate], store: Store) -> list[NodeWithScore]:
    """Candidates as nodes with their scores; a node's id names the document and the place in it."""
    paths = {entry.name: entry.path for entry in store.entries([c.passage.document for c in found])}
    nodes = []
    for candidate in found:
        passage, place = candidate.passage, candidate.passage.location
        path = paths.get(passage.document)
        metadata = _metadata(passage.document, path, place.page, place.line, place.end_line, passage.heading)
        node = _node(passage.document, passage.text, passage.start, passage.end, metadata)
        nodes.append(NodeWithScore(node=node, score=candidate.score))
    return nodes


def citation_node(citation: Citation) -> NodeWithScore:
    """A citation as a node."""
    metadata = _metadata(
        citation.document, citation.path, citation.page, citation.line, citation.end_line, citation.heading
    )
    metadata["where"] = citation.where
    node = _node(citation.document, citation.quote, citation.start, citation.end, metadata)
    return NodeWithScore(node=node, score=citation.score)


def _metadata(
    document: str, path: str | None, page: int | None, line: int, end_line: int, heading: str
) -> dict[str, Any]:
    """A place under the names that LlamaIndex's readers use, where they have one."""
    told = {"file_name": document, "file_path": path, "page_label": page and str(page), "heading": heading or None}
    return {**{key: value for key, value in told.items() if value is not None}, "line": line, "end_line": end_line}


def _node(document: str, text: str, start: int, end: int, metadata: dict[str, Any]) -> TextNode:
    return TextNode(
        id_=f"{document}:{start}-{end}",
        text=text,
        start_char_idx=start,
        end_char_idx=end,
        metadata=metadata,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document)},
        excluded_llm_metadata_keys=[key for key in metadata if key not in _SHOWN],
        excluded_embed_metadata_keys=[key for key in metadata if key != "heading"],
    )


def text_of(node: BaseNode) -> str:
    """A node's text without its metadata."""
    text: str = node.get_content(metadata_mode=MetadataMode.NONE)
    return text


def start_of(node: BaseNode) -> int | None:
    """Where a node begins in its source; None where that is not known."""
    return node.start_char_idx if isinstance(node, TextNode) else None


def page_of(node: BaseNode) -> int:
    """The number of a node's page; 0 where it has none."""
    label = str(node.metadata.get("page_label", ""))
    return int(label) if label.isdecimal() else 0


def relevances(found: Sequence[NodeWithScore]) -> list[float]:
    """Scores from 0 to 1 that fall with the order in which nodes came.

    The nodes' own scores count where all have one and they fall likewise: retrievers also give distances, logits, or no
    scores at all.
    """
    told = [node.score for node in found]
    scores = [score for score in told if score is not None]
    if len(scores) < len(told) or scores != sorted(scores, reverse=True):
        return [1 - i / len(told) for i in range(len(told))]
    if not scores:
        return []
    low, best = min(0.0, scores[-1]), scores[0]
    return [(score - low) / (best - low) if best > low else 1.0 for score in scores]


def place_in(document: Document, node: BaseNode) -> int | None:
    """Where a node stands in a document word for word: where it says it begins, else the first time; None: nowhere."""
    start, page = start_of(node), page_of(node)
    if start is not None and 0 < page <= len(document.pages):
        start += document.pages[page - 1]
    return find(document.text, text_of(node), start)


def find(text: str, part: str, hint: int | None, after: int = 0) -> int | None:
    """Where a part stands in a text: at the hint if it does, else the first time from `after` on, or at all."""
    if hint is not None and text.startswith(part, hint):
        return hint
    found = text.find(part, after)
    found = found if found >= 0 else text.find(part)
    return found if found >= 0 else None
