"""Questions of Yale-LILY/QMSum (arXiv 2104.05938): `meeting_transcripts` and lists of questions; gold: turns."""

from __future__ import annotations

from collections.abc import Iterator

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import Documents
from hybrid.evals.tasks.files import Fields, lines
from hybrid.evals.tasks.haystack import joined


class QMSum(Documents):
    """The questions of one file."""

    name = "qmsum"
    paper = "QMSum, arXiv 2104.05938 (MIT)"
    usual = "rouge_l"

    def read(self) -> Iterator[Sample]:
        for number, row in enumerate(lines(self.path), 1):
            name = f"meeting {number}"
            turns = [f"{turn.text('speaker')}: {turn.text('content')}" for turn in row.objects("meeting_transcripts")]
            text, starts = joined(turns, "\n")
            documents = {name: text}
            for kind in ("general", "specific"):
                for place, q in enumerate(row.objects(f"{kind}_query_list"), 1):
                    ranges = []
                    for span in q.items("relevant_text_span") if "relevant_text_span" in q.data else []:
                        first, last = _turns(q, span, len(turns))
                        ranges.append((name, starts[first], starts[last] + len(turns[last])))
                    yield Sample(
                        id=f"{number}-{kind}-{place}",
                        question=q.text("query"),
                        documents=documents,
                        golds=(q.text("answer"),),
                        group=name,
                        ranges=tuple(ranges),
                        about={"kind": kind},
                    )


def _turns(q: Fields, span: object, many: int) -> tuple[int, int]:
    """First and last turn of a span, which names them as texts."""
    try:
        first, last = (int(place) for place in span)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise q.fault("relevant_text_span", "has to hold pairs of turns") from None
    if not 0 <= first <= last < many:
        raise q.fault("relevant_text_span", f"names the turns {first} to {last}; there are 0 to {many - 1}")
    return first, last
