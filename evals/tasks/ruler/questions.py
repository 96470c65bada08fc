"""RULER's question answering: the paragraphs of a question among those of others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from hybrid.evals.sample import Value
from hybrid.evals.tasks.files import lines, whole
from hybrid.evals.tasks.haystack import cycled
from hybrid.evals.tasks.ruler.draft import Draft, Make

from hybrid.errors import InputError


@dataclass(frozen=True, slots=True)
class Asked:
    question: str
    golds: tuple[str, ...]
    own: tuple[str, ...]  # paragraphs that come with the question
    near: tuple[str, ...]  # the other paragraphs of the same article
    group: str
    certain: bool  # whether every one of its own paragraphs holds the answer


def read_questions(path: Path) -> tuple[list[Asked], list[str]]:
    """The answerable questions of a file, and all its paragraphs."""
    asked: list[Asked] = []
    if ".jsonl" in path.suffixes:
        for row in lines(path):
            own = tuple(f"{p.text('title')}\n{p.text('text')}" for p in row.objects("paragraphs"))
            asked.append(Asked(row.text("question"), (row.text("answer"),), own, (), row.where, False))
    elif "data" in (data := whole(path)).data:
        for number, article in enumerate(data.objects("data")):
            texts = [paragraph.text("context") for paragraph in article.objects("paragraphs")]
            for paragraph, text in zip(article.objects("paragraphs"), texts, strict=True):
                near = tuple(other for other in texts if other != text)
                for q in paragraph.objects("qas"):
                    golds = tuple(dict.fromkeys(answer.text("text") for answer in q.objects("answers")))
                    if golds and not q.data.get("is_impossible"):
                        asked.append(Asked(q.text("question"), golds, (text,), near, str(number), True))
    else:
        for row in data.objects("items"):
            own = tuple(f"{title}\n{''.join(said)}" for title, said in row.items("context"))
            asked.append(Asked(row.text("question"), (row.text("answer"),), own, (), row.where, False))
    if not asked:
        raise InputError(f"{path} holds no answerable question.")
    return asked, list(dict.fromkeys(text for question in asked for text in (*question.own, *question.near)))


def answering(asked: Asked, pool: list[str]) -> Make:
    first = [*asked.own, *asked.near]
    others = [text for text in pool if text not in set(first)]
    rule = "Answer the question from the documents. Reply with the answer alone and nothing around it."

    def make(rng: Random, size: int) -> Draft:
        texts = [*asked.own, *rng.sample(asked.near, len(asked.near)), *rng.sample(others, len(others))]
        texts = cycled(texts, size)
        rng.shuffle(texts)
        documents = {f"Document {number}": text for number, text in enumerate(texts, 1)}
        context = "\n\n".join(f"{name}:\n{text}" for name, text in documents.items())
        prompt = f"{rule}\n\nThese are the documents.\n\n{context}\n\n{rule}\n\nQuestion: {asked.question}\n"
        own = set(asked.own) if asked.certain else set()
        ranges = tuple((name, 0, len(text)) for name, text in documents.items() if text in own)
        about: dict[str, Value] = {"documents": size}
        return Draft(prompt, "Answer:", asked.question, documents, asked.golds, ranges, asked.group, about)

    return make
