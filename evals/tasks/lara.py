"""Questions of Alibaba-NLP/LaRA (arXiv 2502.09977): a folder with queries*.jsonl and docs_*.jsonl."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import STRICT, Documents
from hybrid.evals.tasks.files import lines, named
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=STRICT)
class Lara(Documents):
    """The questions of the folder.

    Args:
        only: these kinds of questions (location, reasoning, comp, hallu).
        size: documents of this class only.
    """

    only: tuple[str, ...] | None = None
    size: Literal["32k", "128k"] | None = None

    name = "lara"
    paper = "LaRA, arXiv 2502.09977 (MIT)"
    usual = "content_words"

    def read(self) -> Iterator[Sample]:
        documents: dict[tuple[str, str, str], Mapping[str, str]] = {}
        for file in named(self.path, "docs_*.jsonl*"):
            for row in lines(file):
                documents[row.text("length"), row.text("type"), row.text("file")] = {row.text("file"): row.text("text")}
        for file in named(self.path, "queries*.jsonl*"):
            for row in lines(file):
                kind, key = row.text("task"), (row.text("length"), row.text("type"), row.text("file"))
                if (self.only is not None and kind not in self.only) or (self.size or key[0]) != key[0]:
                    continue
                if key not in documents:
                    raise row.fault("file", f"is {key[2]!r}, and no docs_*.jsonl has that {key[1]} of {key[0]}")
                # a question on a paper says which, such as "paper 0", by its place in the document: the hint stays
                part = row.data.get("context_order")
                yield Sample(
                    id=row.text("qid"),
                    question=row.text("question"),
                    documents=documents[key],
                    golds=() if kind == "hallu" else (row.text("answer"),),
                    group=f"{key[0]} {key[2]}",
                    about={
                        "task": kind,
                        "type": key[1],
                        "size": key[0],
                        "part": part if isinstance(part, int | str) else None,
                        "answerable": kind != "hallu",
                    },
                )
