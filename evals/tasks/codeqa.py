"""Retrieval alone, of the code search set of anthropics/anthropic-cookbook (commit 4b36a1e, MIT).

One folder with codebase_chunks.json and codebase_queries.jsonl; each given chunk is a document, as published. Judge the
ranges with `hybrid.evals.metrics.retrieval`.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import Documents
from hybrid.evals.tasks.files import lines, named, whole


class CodeQA(Documents):
    """Questions with the chunks that answer them."""

    name = "codeqa"
    paper = "anthropic-cookbook (MIT)"
    usual = "content_words"

    def read(self) -> Iterator[Sample]:
        chunks = {
            f"{file.text('original_uuid')} {chunk.number('original_index')}": chunk.text("content")
            for file in whole(named(self.path, "codebase_chunks*.json*")[0]).objects("items")
            for chunk in file.objects("chunks")
        }
        for number, row in enumerate(lines(named(self.path, "codebase_queries*.jsonl*")[0]), 1):
            names = [" ".join(map(str, pair)) for pair in row.items("golden_chunk_uuids") if isinstance(pair, list)]
            missing = [name for name in names if name not in chunks]
            if missing or not names:
                said = f"names chunks that are not there: {', '.join(missing) or 'none'}"
                raise row.fault("golden_chunk_uuids", said)
            yield Sample(
                id=str(number),
                question=row.text("query"),
                documents=chunks,
                golds=(row.text("answer"),),
                group=names[0].split()[0],
                ranges=tuple((name, 0, len(chunks[name])) for name in names),
            )
