"""Questions of THUDM/LongBench: `input`, `context`, `answers` (v1), or `question`, `choice_A` ..., `answer` (v2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hybrid.evals.sample import Sample, Value
from hybrid.evals.tasks.documents import Documents
from hybrid.evals.tasks.files import lines, whole
from hybrid.evals.tasks.options import letter, with_options

# LongBench's metric by data set, where it is not qa_f1
_LONGBENCH: Mapping[str, str] = {
    **dict.fromkeys(("gov_report", "qmsum", "multi_news"), "rouge_l"),
    "samsum": "rouge_l_first_line",
    "triviaqa": "qa_f1_first_line",
    "trec": "classification_first_line",
    **dict.fromkeys(("passage_retrieval_en", "passage_count"), "number_named"),
    **dict.fromkeys(("lcc", "repobench-p"), "code_similarity"),
}


class LongBench(Documents):
    """The questions of one file; the metric is the one of the data set that the file is named after."""

    name = "longbench"
    paper = "LongBench, arXiv 2308.14508 and 2412.15204 (MIT)"
    usual = "qa_f1"

    def suited(self) -> str:
        """`choice` for questions with options, else the data set's."""
        return self.choice_if_all() or _LONGBENCH.get(self.stem.removesuffix("_e"), self.usual)

    def read(self) -> Iterator[Sample]:
        rows = lines(self.path) if ".jsonl" in self.path.suffixes else iter(whole(self.path).objects("items"))
        for number, row in enumerate(rows, 1):
            key = row.text("_id", str(number))
            documents = {"context": row.text("context")}
            columns = ("domain", "sub_domain", "difficulty", "length", "dataset", "language")
            about: dict[str, Value] = {name: row.text(name) for name in columns if isinstance(row.data.get(name), str)}
            golds: tuple[str, ...]
            choices: tuple[str, ...] = ()
            if "choice_A" in row.data:
                choices = tuple(row.text(f"choice_{letter}") for letter in "ABCD")
                question, golds = row.text("question"), (letter(row, "answer", (row.text("answer"),), choices),)
            else:
                question, golds = row.text("input"), row.texts("answers")
                if row.data.get("all_classes"):
                    golds = (*golds[:1], *row.texts("all_classes"))
            shown = with_options(question, choices) or "Summarise the text."
            yield Sample(key, shown, documents, golds, key, choices=choices, about=about)
