"""Questions of allenai/qasper (arXiv 2105.03011): papers by id with `full_text` and `qas`."""

from __future__ import annotations

from collections.abc import Iterator

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import Documents
from hybrid.evals.tasks.files import Fields, whole


class Qasper(Documents):
    """The questions of one file."""

    name = "qasper"
    paper = "Qasper, arXiv 2105.03011 (CC BY 4.0)"
    usual = "qa_f1"

    def read(self) -> Iterator[Sample]:
        papers = whole(self.path)
        for key in papers.data:
            if not isinstance(papers.data[key], dict):
                raise papers.fault(key, "has to be a paper: an object with full_text and qas")
            paper = Fields(f"{papers.where}, paper {key}", papers.data[key])
            parts = [paper.text("title", ""), paper.text("abstract", "")]
            for section in paper.objects("full_text"):
                parts += [section.data.get("section_name") or "", *section.texts("paragraphs")]
            title = paper.text("title", key)
            text = "\n\n".join(part for part in parts if part.strip())
            documents = {title: text}
            for number, q in enumerate(paper.objects("qas"), 1):
                golds, evidence = list[str](), list[str]()
                for given in q.objects("answers"):
                    answer = Fields(given.where, given.data.get("answer") or given.data)
                    if not answer.data.get("unanswerable"):
                        golds.append(_qasper_gold(answer))
                        evidence += answer.texts("evidence") if "evidence" in answer.data else ()
                places = [(said, text.find(said)) for said in dict.fromkeys(evidence)]
                yield Sample(
                    id=q.text("question_id", f"{key}-{number}"),
                    question=q.text("question"),
                    documents=documents,
                    golds=tuple(dict.fromkeys(golds)),  # one annotator's answer outweighs another's "unanswerable"
                    group=key,
                    ranges=tuple((title, at, at + len(said)) for said, at in places if at >= 0 and said),
                    about={"answerable": bool(golds)},
                )


def _qasper_gold(answer: Fields) -> str:
    if answer.data.get("extractive_spans"):
        return ", ".join(answer.texts("extractive_spans"))
    if answer.data.get("free_form_answer"):
        return answer.text("free_form_answer")
    if answer.data.get("yes_no") is None:
        raise answer.fault("free_form_answer", "is empty, and so are the other forms of an answer")
    return "Yes" if answer.data["yes_no"] else "No"
