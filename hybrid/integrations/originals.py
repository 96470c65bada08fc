"""The whole documents that nodes were cut from: of a corpus, of a function, or put together from the nodes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import MetadataFilter, MetadataFilters

from hybrid.corpus.corpus import Corpus, CorpusLike
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read_text
from hybrid.document import Document
from hybrid.index.chunking import Outline
from hybrid.index.protocol import Entry
from hybrid.integrations.nodes import page_of, start_of, text_of
from hybrid.types import Passage

Fetch = Callable[[str], Document | None]  # a whole document by its name, None where it is not known


@dataclass(frozen=True, slots=True)
class Original:
    """A whole document, with its passages."""

    document: Document
    passages: list[Passage]
    outline: Outline

    @property
    def entry(self) -> Entry:
        """The document as a store lists it."""
        document = self.document
        tokens = sum(passage.tokens for passage in self.passages)
        return Entry(document.name, document.path, document.kind, tokens, len(self.passages))

    def passage(self, number: int, start: int, end: int, tokens: int) -> Passage:
        """A stretch of the document as a passage, in the place of ours that holds its beginning."""
        document = self.document
        ordinal = max(0, bisect_right(self.passages, start, key=lambda passage: passage.start) - 1)
        heading, place = self.outline.path(start, end), document.locate(start, end)
        return Passage(number, document.name, ordinal, document.text[start:end], start, end, place, heading, tokens)


class OfCorpus:
    """The documents of a corpus by name, read when they are asked for."""

    def __init__(self, corpus: CorpusLike) -> None:
        self._sources = {source.name: source for source in Corpus.of(corpus).sources}
        self._paths = {str(source.path): source.name for source in self._sources.values() if source.path is not None}

    def name(self, told: str) -> str:
        """The corpus's name for a document that nodes name by its path."""
        return told if told in self._sources else self._paths.get(str(Path(told).absolute()), told)

    def entries(self) -> dict[str, Entry]:
        """All documents; their tokens are estimated from their bytes."""
        return {
            source.name: Entry(source.name, str(source.path) if source.path else None, "text", source.size // 4 + 1, 0)
            for source in self._sources.values()
        }

    def __call__(self, name: str) -> Document | None:
        source = self._sources.get(name)
        try:
            return None if source is None else replace(source.parse(source.load()), name=name)
        except Unreadable:
            return None


class OfVectorStore:
    """Whole documents put together from the nodes that a vector store lists.

    Args:
        keys: metadata that may name a document.
    """

    def __init__(self, vector_store: Any, keys: Sequence[str]) -> None:
        self._vector_store = vector_store
        self._keys = keys

    def __call__(self, name: str) -> Document | None:
        for key in self._keys:
            filters = MetadataFilters(filters=[MetadataFilter(key=key, value=name)])
            try:
                nodes = self._vector_store.get_nodes(None, filters)
            except NotImplementedError:
                return None
            if nodes:
                return joined(name, nodes)
        return None


def of_texts(texts: Callable[[str], str | None]) -> Fetch:
    """Whole documents from a function that gives the text of a name."""

    def fetch(name: str) -> Document | None:
        text = texts(name)
        return parsed(name, text) if text and text.strip() else None

    return fetch


def joined(name: str, nodes: Iterable[BaseNode]) -> Document:
    """The document that nodes were cut from: laid at their places, overlaps once, blanks between; else in their order.

    Nodes of pages, which readers give as documents of their own, become a document with pages.
    """

    def page(node: BaseNode) -> tuple[int, str]:
        return page_of(node), node.ref_doc_id or ""

    parts = [(number, _laid(list(group))) for (number, _), group in groupby(sorted(nodes, key=page), key=page)]
    starts: list[int] = []
    length = 0
    for _, text in parts:
        starts.append(length)
        length += len(text) + 1
    paged = len(parts) > 1 and [number for number, _ in parts] == list(range(1, len(parts) + 1))
    return parsed(name, "\n".join(text for _, text in parts), tuple(starts) if paged else ())


def _laid(nodes: list[BaseNode]) -> str:
    placed = [(start, node.node_id, text_of(node)) for node in nodes if (start := start_of(node)) is not None]
    if len(placed) < len(nodes):
        return "\n\n".join(map(text_of, nodes))
    text, end = "", 0
    for start, _, content in sorted(placed):
        if start >= end:
            text += (" " if start - end == 1 else "\n" * min(2, start - end)) + content
        elif start + len(content) > end:
            text += content[end - start :]
        end = max(end, start + len(content))
    return text


def parsed(name: str, text: str, pages: tuple[int, ...] = ()) -> Document:
    """A text as a document, with its path where its name is one."""
    document = read_text(name, text, pages)
    path = Path(name)
    return replace(document, path=name) if path.is_absolute() and path.is_file() else document
