"""Your own questions over your own documents, one JSON object a line.

    {"question", "answers": [..], "documents": {name: text} | [paths] | path, "choices"?: [..],
     "gold"?: [{"document", "start", "end"}], "id"?, "group"?}

No answers means that the documents do not say. Paths may be of any format that hybrid reads; gold counts characters of
the text that was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import Documents, letter, with_options
from hybrid.evals.tasks.files import Fields, lines

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read as read_file


class Own(Documents):
    """The questions of one file."""

    name = "jsonl"
    paper = "own questions"
    usual = "best_subspan_em"

    def suited(self) -> str:
        """`choice` for questions with options."""
        return self.choice_if_all() or self.usual

    def read(self) -> Iterator[Sample]:
        shared: dict[str, Mapping[str, str]] = {}
        for number, row in enumerate(lines(self.path), 1):
            question, golds = row.text("question"), row.texts("answers")
            if not question.strip():
                raise row.fault("question", "is empty")
            if not all(gold.strip() for gold in golds):
                raise row.fault("answers", "holds an empty text; write [] where the documents do not say")
            documents = _own_documents(row, self.path.parent, shared)
            choices = row.texts("choices") if "choices" in row.data else ()
            if choices:
                golds = (letter(row, "answers", golds, choices),)
            yield Sample(
                id=row.text("id", str(number)),
                question=with_options(question, choices),
                documents=documents,
                golds=golds,
                group=row.text("group", " ".join(sorted(documents))),
                choices=choices,
                ranges=tuple(_ranges(row, documents)),
            )


def _ranges(row: Fields, documents: Mapping[str, str]) -> Iterator[tuple[str, int, int]]:
    for gold in row.objects("gold") if "gold" in row.data else []:
        name, start, end = gold.text("document"), gold.number("start"), gold.number("end")
        if name not in documents:
            raise gold.fault("document", f"is {name!r}, which is not among the documents: {', '.join(documents)}")
        if not 0 <= start < end <= len(documents[name]):
            raise gold.fault(
                "end", f"and start are {end} and {start}; {name!r} has the characters 0 to {len(documents[name])}"
            )
        yield name, start, end


def _own_documents(row: Fields, folder: Path, shared: dict[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Documents by name; the same ones are the same object. Paths are relative to the file of questions."""
    given = row.data.get("documents")
    if given is None:
        raise row.fault("documents", "is missing")
    known = repr(given)
    if known in shared:
        return shared[known]
    if isinstance(given, dict):
        documents = {name: Fields(row.where, given).text(name) for name in given}
    elif isinstance(given, str) or (isinstance(given, list) and all(isinstance(path, str) for path in given)):
        documents = {}
        for path in [given] if isinstance(given, str) else given:
            file = folder / path
            if not file.is_file():
                raise row.fault("documents", f"names {path!r}, and there is no file {file}")
            try:
                documents[path] = read_file(file.name, file.read_bytes()).text
            except Unreadable as error:
                raise row.fault("documents", f"names {path!r}, which cannot be read: {error}") from None
    else:
        raise row.fault("documents", "has to be an object of texts by name, a path, or a list of paths")
    if not documents:
        raise row.fault("documents", "is empty")
    shared[known] = documents
    return documents
