"""Questions of OpenLMLab/LEval: `input`, `instructions`, `outputs`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybrid.evals.metrics.published import option
from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import Documents
from hybrid.evals.tasks.files import lines

_CHOICE_SETS = ("quality", "tpo", "coursera")  # L-Eval's tasks with options
_OPTIONS = re.compile(r"\(A\).*\(B\)", re.DOTALL)


class LEval(Documents):
    """The questions of one file; the metric goes by the file's name."""

    name = "leval"
    paper = "L-Eval, arXiv 2307.11088 (GPL-3.0)"
    usual = "qa_f1"

    def suited(self) -> str:
        """`choice` for the sets with options."""
        return "choice" if self.stem in _CHOICE_SETS else self.usual

    def read(self) -> Iterator[Sample]:
        for number, row in enumerate(lines(self.path), 1):
            documents = {row.text("source", "document"): row.text("input")}
            asked, answers = row.texts("instructions"), row.texts("outputs")
            if len(asked) != len(answers):
                raise row.fault("outputs", f"has {len(answers)} answers to {len(asked)} instructions")
            for place, (question, answer) in enumerate(zip(asked, answers, strict=True)):
                choices: tuple[str, ...] = ()
                if self.metric == "choice" and _OPTIONS.search(question):
                    answer = option(answer.strip()[:3]) or answer
                    choices = tuple(part.strip() for part in re.split(r"\([A-H]\)", question)[1:])
                yield Sample(
                    id=f"{number}-{place}",
                    question=question.strip(),
                    documents=documents,
                    golds=(answer.strip(),),
                    group=str(number),
                    choices=choices,
                    about={"evaluation": row.text("evaluation", "")},
                )
