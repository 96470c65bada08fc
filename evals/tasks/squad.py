"""Questions in the form of rajpurkar/SQuAD-explorer, v1.1 or v2.0: `data`, `paragraphs`, `qas`."""

from __future__ import annotations

from collections.abc import Iterator

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import STRICT, Documents
from hybrid.evals.tasks.files import whole
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, config=STRICT)
class Squad(Documents):
    """The questions of one file.

    Args:
        together: all articles as one corpus instead of each article alone.
    """

    together: bool = False

    name = "squad"
    paper = "SQuAD form, arXiv 1606.05250 and 1806.03822"
    usual = "best_subspan_em"

    def read(self) -> Iterator[Sample]:
        articles = whole(self.path).objects("data")
        titles = [article.text("title", f"article {number}") for number, article in enumerate(articles, 1)]
        texts, starts = dict[str, str](), list[list[int]]()
        for title, article in zip(titles, articles, strict=True):
            own = [paragraph.text("context") for paragraph in article.objects("paragraphs")]
            starts.append([sum(len(text) + 2 for text in own[:place]) for place in range(len(own))])
            if title in texts:
                raise article.fault("title", f"is {title!r}, which another article has too")
            texts[title] = "\n\n".join(own)
        for title, article, begins in zip(titles, articles, starts, strict=True):
            documents = texts if self.together else {title: texts[title]}
            for begin, paragraph in zip(begins, article.objects("paragraphs"), strict=True):
                for q in paragraph.objects("qas"):
                    impossible = bool(q.data.get("is_impossible"))
                    ranges = []
                    for answer in [] if impossible else q.objects("answers"):
                        text, start = answer.text("text"), begin + answer.number("answer_start")
                        if texts[title][start : start + len(text)] != text:
                            raise answer.fault("answer_start", f"does not point to {text!r} in its paragraph")
                        ranges.append((title, start, start + len(text)))
                    yield Sample(
                        id=q.text("id"),
                        question=q.text("question"),
                        documents=documents,
                        golds=tuple(dict.fromkeys(texts[title][start:end] for _, start, end in ranges)),
                        group=title,
                        ranges=tuple(dict.fromkeys(ranges)),
                        about={"answerable": not impossible},
                    )
