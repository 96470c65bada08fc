"""Questions of nyu-mll/quality (arXiv 2112.08608): `article` and `questions` with `options` and `gold_label`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import Documents
from hybrid.evals.tasks.files import lines
from hybrid.evals.tasks.options import LETTERS, with_options


class Quality(Documents):
    """The questions of one file."""

    name = "quality"
    paper = "QuALITY, arXiv 2112.08608 (CC BY 4.0)"
    usual = "choice"

    def read(self) -> Iterator[Sample]:
        texts: dict[str, Mapping[str, str]] = {}
        for row in lines(self.path):
            key = row.text("article_id")
            documents = texts.setdefault(key, {row.text("title", key): row.text("article")})
            for number, q in enumerate(row.objects("questions"), 1):
                choices, label = q.texts("options"), q.number("gold_label")
                if not 1 <= label <= len(choices) <= len(LETTERS):
                    raise q.fault("gold_label", f"is {label}, with {len(choices)} options")
                yield Sample(
                    id=q.text("question_unique_id", f"{row.text('set_unique_id', key)}-{number}"),
                    question=with_options(q.text("question"), choices),
                    documents=documents,
                    golds=(LETTERS[label - 1],),
                    group=key,
                    choices=choices,
                    about={"difficult": bool(q.data.get("difficult"))},
                )
