"""Retrieval alone, of brandonstarxel/chunking_evaluation (commit d451fc4, MIT).

One folder with corpora.jsonl and questions.jsonl. Judge the ranges with `hybrid.evals.metrics.retrieval`; the metric
named here judges the text that a reader got.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import Documents
from hybrid.evals.tasks.files import lines, named


class Chunking(Documents):
    """Questions with the characters of a corpus that answer them."""

    name = "chunking"
    paper = "chunking_evaluation (MIT)"
    usual = "match_all"

    def read(self) -> Iterator[Sample]:
        texts = {row.text("corpus_id"): row.text("text") for row in lines(named(self.path, "corpora*.jsonl*")[0])}
        documents = {name: {name: text} for name, text in texts.items()}
        for number, row in enumerate(lines(named(self.path, "questions*.jsonl*")[0]), 1):
            name = row.text("corpus_id")
            if name not in documents:
                raise row.fault("corpus_id", f"is {name!r}, which is not among the corpora: {', '.join(texts)}")
            ranges = []
            for reference in row.objects("references"):
                start, end = reference.number("start_index"), reference.number("end_index")
                if texts[name][start:end] != reference.text("content"):
                    raise reference.fault("content", f"is not what stands at {start} to {end} of {name!r}")
                ranges.append((name, start, end))
            golds = tuple(texts[name][start:end] for _, start, end in ranges)
            yield Sample(str(number), row.text("question"), documents[name], golds, name, ranges=tuple(ranges))
