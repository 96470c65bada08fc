"""Questions of nyu-mll/SQuALITY (arXiv 2205.11465): `document` and `questions` with several written `responses`."""

from __future__ import annotations

from collections.abc import Iterator

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import Documents
from hybrid.evals.tasks.files import Fields, lines


class Squality(Documents):
    """The questions of one file."""

    name = "squality"
    paper = "SQuALITY, arXiv 2205.11465 (CC BY 4.0)"
    usual = "rouge_l"

    def read(self) -> Iterator[Sample]:
        for row in lines(self.path):
            key = Fields(row.where, row.data.get("metadata") or {}).text("passage_id")
            documents = {key: row.text("document")}
            for q in row.objects("questions"):
                yield Sample(
                    id=f"{key}-{q.number('question_number')}",
                    question=q.text("question_text"),
                    documents=documents,
                    golds=tuple(response.text("response_text") for response in q.objects("responses")),
                    group=key,
                )
