"""What is asked one by one: agreements with their amendments and other documents, or the sections of one document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from hybrid.document import Document
from hybrid.index.protocol import Store
from hybrid.text.amendments import amended
from hybrid.types import Piece


@dataclass(frozen=True, slots=True)
class Unit:
    """A document with its amendments, or a section of one."""

    names: tuple[str, ...]  # of the documents: the first, then its amendments, the latest first
    texts: tuple[str, ...]
    section: str = ""
    start: int = 0  # of the section in its document

    @property
    def contents(self) -> tuple[str, ...]:
        """What stands for each of its texts; derives from the text and where it begins."""
        return tuple(_digest(text, self.start) for text in self.texts)

    @property
    def key(self) -> str:
        """Derives from the texts alone."""
        return " ".join(self.contents)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Its texts as pieces of a prompt."""
        return tuple(
            Piece(name, text, self.start, self.section) for name, text in zip(self.names, self.texts, strict=True)
        )


def contents(store: Store) -> set[str]:
    """What stands for the texts that could be asked of a store: whole documents, and their sections."""
    found: set[str] = set()
    for entry in store.entries():
        document = store.document(entry.name)
        found.add(_digest(document.text, 0))
        found.update(one for section in sections(document) for one in section.contents)
    return found


def units(store: Store, names: Sequence[str], *, by_section: bool = True) -> list[Unit]:
    """The documents of those names, each amendment with what it amends.

    Args:
        by_section: one document alone is asked section by section, if it has sections.
    """
    if len(names) == 1:
        document = store.document(names[0])
        return (sections(document) if by_section else []) or [Unit((document.name,), (document.text,))]
    texts = {name: store.document(name).text for name in names}
    by = amended(texts)
    amending = {name for others in by.values() for name in others}
    found = []
    for name in names:
        if name not in amending:
            own = (name, *by.get(name, ()))
            found.append(Unit(own, tuple(texts[one] for one in own)))
    return found


def sections(document: Document) -> list[Unit]:
    """The sections under the outermost headings of which there are several; none where there are no such headings."""
    levels = sorted({heading.level for heading in document.headings})
    for level in levels:
        heads = [heading for heading in document.headings if heading.level <= level]
        if len(heads) > 1:
            break
    else:
        return []
    ends = [*(heading.start for heading in heads[1:]), len(document.text)]
    cut = [(h.title, h.start, end) for h, end in zip(heads, ends, strict=True) if document.text[h.start : end].strip()]
    return [Unit((document.name,), (document.text[start:end],), title, start) for title, start, end in cut]


def _digest(text: str, start: int) -> str:
    written = f"{len(text)} {start} ".encode() + text.encode("utf-8", "replace")
    return blake2b(written, digest_size=16).hexdigest()
