"""Citations in the shapes that clients of OpenAI's API know, with addresses that open the document at the place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import quote

from hybrid.document import Document
from hybrid.index.protocol import Store
from hybrid.types import Answer, Citation, Table

MARK = re.compile(r"\[(\d{1,3})\]")
_NUMBERS = re.compile(r" ?\[\d{1,3}(?:, ?\d{1,3})*\]")
_OPEN = re.compile(r"\[[\d, ]{0,16}")
FileId = Callable[[str, str], str]  # corpus, document -> id


def file_id(corpus: str, document: str) -> str:
    """The id of a document that nobody uploaded: the same for the same names."""
    return f"file-{blake2b(f'{corpus}/{document}'.encode(), digest_size=12).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a citation stands in the text that the service shows of a document."""

    corpus: str
    citation: Citation
    start: int  # characters in Document.text
    end: int

    @property
    def title(self) -> str:
        """The document, with the page or the line."""
        page = self.citation.page
        return f"{self.citation.document}, {f'page {page}' if page is not None else f'line {self.citation.line}'}"

    def url(self, base: str) -> str:
        """The address that opens it."""
        name = quote(self.citation.document, safe="/")
        return f"{base}/open/{quote(self.corpus)}/{name}?start={self.start}&end={self.end}"

    def record(self, base: str) -> dict[str, Any]:
        """All that is known of it."""
        found = self.citation.model_dump(exclude={"path"})  # where its files lie is the service's own business
        return {**found, "text_start": self.start, "text_end": self.end, "url": self.url(base)}


@dataclass(frozen=True, slots=True)
class Places:
    """Where the citations of an answer stand."""

    cited: list[Place]  # in the order of the answer's citations
    cells: dict[Citation, Place]  # of those in its table

    def table(self, table: Table, base: str) -> dict[str, Any]:
        """A table as JSON, in the form of `hybrid ask --json`, its citations as those of the answer."""
        told = table.model_dump(mode="json")
        for row, told_row in zip(table.rows, told["rows"], strict=True):
            for cell, told_cell in zip(row.cells, told_row["cells"], strict=True):
                if cell.citation is not None:
                    told_cell["citation"] = self.cells[cell.citation].record(base)
        return told


def places(corpus: str, answer: Answer, store: Store) -> Places:
    """Where the citations of an answer and of its table stand."""
    rows = () if answer.table is None else answer.table.rows
    inside = dict.fromkeys(cell.citation for row in rows for cell in row.cells if cell.citation is not None)

    @lru_cache(maxsize=2)  # a row's cells are of one document, and of what amends it
    def document(name: str) -> Document:
        return store.document(name)

    return Places(
        [placed(corpus, citation, document(citation.document)) for citation in answer.citations],
        {citation: placed(corpus, citation, document(citation.document)) for citation in inside},
    )


def placed(corpus: str, citation: Citation, document: Document) -> Place:
    """A citation with its range in the document's text, whose characters may be others than the original's."""
    text, wanted = document.text, citation.quote
    at = found = text.find(wanted)
    while at >= 0:
        if document.locate(at, at + len(wanted)).start == citation.start:
            found = at
            break
        at = text.find(wanted, at + 1)
    found = max(0, found)
    return Place(corpus, citation, found, found + len(wanted))


def annotated(text: str, places: list[Place], base: str, id_of: FileId, *, nested: bool) -> list[dict[str, Any]]:
    """The annotations of an answer: for every mark such as [1] in it a `file_citation` and a `url_citation`.

    Args:
        text: the answer's.
        places: of its citations, in their order.
        base: what addresses begin with.
        id_of: tells a document's id.
        nested: as in chat completions, where an annotation's values stand in a key of its type, and where Open WebUI
            numbers sources as they come; else flat and by their places, as in responses.
    """
    found = []
    marks = list(MARK.finditer(text))
    for mark in sorted(marks, key=lambda mark: int(mark[1])) if nested else marks:
        number = int(mark[1]) - 1
        if not 0 <= number < len(places):
            continue
        place = places[number]
        document = place.citation.document
        file = {"file_id": id_of(place.corpus, document), "filename": document, "index": mark.start()}
        url = {
            "start_index": mark.start(),
            "end_index": mark.end(),
            "title": place.title,
            "url": place.url(base),
        }
        for kind, values in (("file_citation", file), ("url_citation", url)):
            found.append({"type": kind, kind: values} if nested else {"type": kind, **values})
    return found


class Said:
    """The text of a streamed answer, as the client has it.

    A model numbers the texts it read; an answer numbers its citations. So the model's numbers are left out of the
    stream, and those of the citations come at its end.
    """

    def __init__(self) -> None:
        self.text = ""
        self._held = ""  # what may be the beginning of a number

    def more(self, text: str) -> str:
        """What of the next text is to be sent now."""
        whole = self._held + text
        opened = whole.rfind("[")
        self._held = ""
        if opened >= 0 and _OPEN.fullmatch(whole[opened:]):
            start = opened - (whole[opened - 1 : opened] == " ")
            whole, self._held = whole[:start], whole[start:]
        sent = _NUMBERS.sub("", whole)
        self.text += sent
        return sent

    def end(self, answer: str) -> str:
        """What is still to be sent: the rest, or all of it where nothing was sent, or the numbers of the citations."""
        rest = _NUMBERS.sub("", self._held)
        self._held = ""
        if not self.text.strip():
            rest = answer
        elif (self.text + rest).split() != answer.split():
            numbers = dict.fromkeys(MARK.findall(answer))
            rest += "".join(f" [{number}]" for number in numbers)
        self.text += rest
        return rest
