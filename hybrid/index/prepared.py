"""A document as every store takes it in: read, split and numbered, without a look at any store.

`prepare` depends on nothing but its arguments, so that many processes may prepare at once. Ids derive from a document's
name and content: writers need no common counter, and two stores of the same corpus have the same ids.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b

from hybrid.corpus.fields import Fields, fields_of, front_matter
from hybrid.corpus.source import Source, storable
from hybrid.document import Document
from hybrid.index.chunking import Chunker, Cut
from hybrid.index.lexical import identifiers, words
from hybrid.types import Passage

_RACY_NS = 2_000_000_000  # a file changed this shortly before it was indexed may have changed again unnoticed
_IDS = 2**63 - 2**32  # first ids stay below, so that the last passage's id has 63 bits too


@dataclass(frozen=True)
class Prepared:
    """A document with its passages, before they have vectors."""

    document: Document
    digest: str  # of its content
    size: int  # bytes of its file
    mtime_ns: int  # -1: too recent to be trusted
    cuts: Sequence[Cut]

    @property
    def name(self) -> str:
        return self.document.name

    @property
    def first(self) -> int:
        """The id of the first passage; the others follow one by one."""
        return first_id(self.name, self.digest)

    @cached_property
    def contexts(self) -> list[str]:
        """What the embedder reads of each passage."""
        return [cut.context() for cut in self.cuts]

    @cached_property
    def keys(self) -> list[str]:
        """For each passage the identity of what the embedder reads: equal keys have equal vectors."""
        return [key_of(context) for context in self.contexts]

    @cached_property
    def fields(self) -> Fields:
        """What filters may ask of the document."""
        return fields_of(self.document)

    def words(self) -> list[list[str]]:
        """The words of each passage, by which it is searched."""
        return self._words

    @cached_property
    def _words(self) -> list[list[str]]:
        texts = [cut.context(self.name) for cut in self.cuts]
        return [[*words(text), *identifiers(text)] for text in texts]

    def passages(self) -> list[Passage]:
        """The passages under their ids."""
        return [cut.passage(self.first + i, self.name, i) for i, cut in enumerate(self.cuts)]

    @property
    def tokens(self) -> int:
        """Of all passages, in the embedder's tokens."""
        return sum(cut.tokens for cut in self.cuts)


def prepare(source: Source, data: bytes, chunker: Chunker) -> Prepared:
    """Read the bytes of a source, and split the document in them.

    Args:
        data: as `source.load` gave them.

    Raises:
        Unreadable: encrypted, broken, binary, empty or of a format that is not supported.
    """
    source = clean_source(source)
    found = source.parse(data)
    path = clean(found.path) if found.path else None
    written = front_matter(found.text) if found.kind == "markdown" else {}
    fields = {**written, **found.metadata}  # what somebody gives counts more than what the file says
    document = replace(found, text=clean(found.text), name=source.name, path=path, metadata=fields)
    return Prepared(document, source.fingerprint(data), source.size, settled(source.mtime_ns), chunker.split(document))


def first_id(name: str, digest: str) -> int:
    """The id of the first passage of a document: 63 bits of its name and content."""
    made = blake2b(f"{name}\0{digest}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(made) % _IDS


def key_of(context: str) -> str:
    """The identity of what the embedder reads."""
    return blake2b(context.encode("utf-8", "replace"), digest_size=16).hexdigest()


def clean_source(source: Source) -> Source:
    """The source under a name that databases can store and compare."""
    name = storable(source.name)
    return source if name == source.name else replace(source, name=name)


def settled(mtime_ns: int) -> int:
    """The time of change to remember: none where it is so recent that the file may change again at the same time."""
    return mtime_ns if time.time_ns() - mtime_ns > _RACY_NS else -1


def clean(text: str) -> str:
    """Text without lone surrogates, which no encoding can store; same length."""
    return text if text.isascii() else re.sub("[\ud800-\udfff]", "\ufffd", text)
