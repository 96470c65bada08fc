"""FinanceBench's form: questions on filings, with the page that holds the evidence.

Source: arXiv 2311.11944 and patronus-ai/financebench (150 questions, CC BY-NC 4.0): JSON Lines with `financebench_id`,
`company`, `doc_name`, `question`, `answer` and a list `evidence` of `evidence_text`, `evidence_page_num` and
`doc_name`, and a folder `pdfs` of the filings. A set of our own in the same form, on the filing in `examples/`, is
`suites/filing_pages.jsonl`.

**Pages count from 0 there**, as places in the PDF, and not as they are printed: the page that has 60 printed at its
foot is 59 in a PDF whose first page is printed 1, and 61 where three pages without numbers come first. Citations of
this project count pages from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from hybrid.evals.metrics.words import normalise
from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import STRICT, Documents
from hybrid.evals.tasks.files import Fields, lines
from pydantic import Field
from pydantic.dataclasses import dataclass

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read as read_file
from hybrid.errors import InputError

_SUFFIXES = (".pdf", ".txt")
_FOLDERS = ("pdfs", "../pdfs")  # beside the file of questions, or beside its folder as in the repository
_NUMBER = re.compile(r"^[ \t]*(\d{1,4})[ \t]*$", re.MULTILINE)


class Paged(NamedTuple):
    """A filing: its text, and where each of its pages begins."""

    text: str
    pages: tuple[int, ...]

    def page(self, number: int) -> tuple[int, int]:
        """The characters of a page, which counts from 0."""
        ends = (*self.pages[1:], len(self.text))
        return self.pages[number], ends[number]


@dataclass(frozen=True, config=STRICT)
class FinanceBench(Documents):
    """Questions on filings.

    Args:
        documents: folder of the filings, named by their `doc_name` and .pdf or .txt; None for `pdfs` beside the file or
            beside its folder. Pages of a text end at form feeds, or else at lines with the page's number alone.
        first_page: the number that the file gives to a document's first page; 0 as published.
        together: all filings of the file as one corpus, the paper's shared store, instead of each alone.
        only: questions on these documents.
        missing: whether questions on filings that are not there are left out, instead of being an error.
    """

    documents: Path | None = None
    first_page: Literal[0, 1] = 0
    together: bool = False
    only: tuple[str, ...] | None = None
    missing: bool = False
    max_tokens: Annotated[int, Field(ge=1)] = 256

    name = "financebench"
    paper = "FinanceBench form, arXiv 2311.11944 (CC BY-NC 4.0)"
    usual = "figures"

    def read(self) -> Iterator[Sample]:
        """Questions with the pages of their evidence as ranges, so that retrieval and citations are judged by page.

        Their own prompt, for the arm `raw`, is the paper's oracle: the pages of the evidence and nothing else.
        """
        rows = [row for row in lines(self.path) if self.only is None or row.text("doc_name") in self.only]
        rows = [row for row in rows if not self.missing or all(self._file(name) for name in _named(row))]
        names = dict.fromkeys(name for row in rows for name in _named(row))
        filings = {name: self._filing(rows, name) for name in names}
        self._check_pages(rows, filings)
        shared = {name: filing.text for name, filing in filings.items()}
        alone: dict[tuple[str, ...], Mapping[str, str]] = {}
        for row in rows:
            own = tuple(dict.fromkeys(_named(row)))
            documents = shared if self.together else alone.setdefault(own, {name: filings[name].text for name in own})
            pages = dict.fromkeys((name, number - self.first_page) for name, number, _ in _evidence(row))
            ranges = tuple((name, *filings[name].page(page)) for name, page in pages)
            question, answer = row.text("question"), row.text("answer")
            if not question.strip() or not answer.strip():
                raise row.fault("answer" if question.strip() else "question", "is empty")
            yield Sample(
                id=row.text("financebench_id"),
                question=question,
                documents=documents,
                golds=(answer,),
                group=row.text("doc_name"),
                prompt=_oracle(question, [filings[name].text[start:end] for name, start, end in ranges]),
                ranges=ranges,
                about={
                    "kind": row.text("question_type", ""),
                    "company": row.text("company", ""),
                    "pages": " ".join(str(page + 1) for _, page in pages),  # from 1, as citations say
                },
            )

    def _filing(self, rows: list[Fields], name: str) -> Paged:
        row = next(row for row in rows if name in _named(row))
        file = self._file(name)
        if file is None:
            where = " or ".join(str(folder) for folder in self._folders)
            raise row.fault(
                "doc_name",
                f"is {name!r}, and {where} has no {name}{' or '.join(_SUFFIXES)}; name its folder in documents",
            )
        try:
            found = read_file(file.name, file.read_bytes())
        except (Unreadable, OSError) as error:
            raise row.fault("doc_name", f"is {name!r}, and {file} cannot be read: {error}") from None
        return Paged(found.text, found.pages or pages_of(found.text))

    def _file(self, name: str) -> Path | None:
        files = (folder / f"{name}{suffix}" for folder in self._folders for suffix in _SUFFIXES)
        return next((file for file in files if file.is_file()), None)

    @cached_property
    def _folders(self) -> tuple[Path, ...]:
        return (self.documents,) if self.documents is not None else tuple(self.path.parent / name for name in _FOLDERS)

    def _check_pages(self, rows: list[Fields], filings: Mapping[str, Paged]) -> None:
        """Refuse page numbers that no document has, and numbers that fit better when they count from the other one."""
        fits = {0: 0.0, 1: 0.0}
        for row in rows:
            for name, number, text in _evidence(row):
                pages = filings[name].pages
                last = len(pages) - 1 + self.first_page
                if not self.first_page <= number <= last:
                    raise row.fault(
                        "evidence", f"names page {number} of {name}, which has the pages {self.first_page} to {last}"
                    )
                for first in fits:
                    place = number - first
                    if 0 <= place < len(pages):
                        start, end = filings[name].page(place)
                        fits[first] += _shared(text, filings[name].text[start:end])
        other = 1 - self.first_page
        if fits[other] > fits[self.first_page]:
            raise InputError(
                f"{self.path}: the words of the evidence are on the pages as counted from {other}, not from "
                f"{self.first_page} ({fits[other]:.1f} to {fits[self.first_page]:.1f} pieces of evidence); set "
                f"first_page to {other}."
            )


def _oracle(question: str, pages: list[str]) -> str:
    rule = "Answer the question on a company's filing from the pages below, briefly and from nothing else."
    return "\n\n".join([rule, *pages, f"Question: {question}\nAnswer:"])


def pages_of(text: str) -> tuple[int, ...]:
    """Where the pages of a text begin: after form feeds, or else after lines with nothing but the page's number.

    Such numbers have to follow each other; a line with another number is part of its page.
    """
    breaks = tuple(match.end() for match in re.finditer("\f", text))
    if not breaks:
        rows: dict[int, tuple[int, ...]] = {}  # by the last number, the ends of pages whose numbers follow each other
        for match in _NUMBER.finditer(text):
            number = int(match[1])
            rows[number] = max(rows.get(number, ()), (*rows.get(number - 1, ()), match.end()), key=len)
        breaks = max(rows.values(), key=len, default=())
    return (0, *(place for place in breaks if text[place:].strip()))


def _named(row: Fields) -> list[str]:
    return [row.text("doc_name"), *(name for name, _, _ in _evidence(row))]


def _evidence(row: Fields) -> list[tuple[str, int, str]]:
    """Document, page and text of each piece of evidence."""
    found = []
    for piece in row.objects("evidence"):
        name = piece.text("doc_name", piece.text("evidence_doc_name", row.text("doc_name")))
        found.append((name, piece.number("evidence_page_num"), piece.text("evidence_text", "")))
    return found


def _shared(evidence: str, page: str) -> float:
    """The share of the evidence's different words that a page has."""
    words = set(normalise(evidence).split())
    return len(words & set(normalise(page).split())) / max(1, len(words))
