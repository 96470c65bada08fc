"""Questions that follow others: an answer has to rest on what was said before.

JSON Lines as in `hybrid.evals.tasks.documents`, each with a history:

    {"history": ["When does the supply agreement end?"], "question": "Can it be renewed?", "answers": [..],
     "documents": .., "gold"?: [..], "id"?, "group"?}

The question goes the way of `hybrid.answer(..., history=)`: it is put so that it stands alone, and passages are looked
for by that. A record has it as it was understood, and whether a passage with the answer was found by it and by the
question as it was asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybrid.evals.sample import Sample
from hybrid.evals.tasks.documents import Own

from hybrid.errors import InputError


class Conversations(Own):
    """Conversations over your own documents, of which the last question is judged."""

    name = "conversations"
    paper = "own conversations"

    def read(self) -> Iterator[Sample]:
        for sample in super().read():
            if not any(turn.role == "user" for turn in sample.history):
                raise InputError(
                    f"{self.path}: the question {sample.id!r} follows none; name what was asked before it in the field "
                    "'history', or take the task jsonl."
                )
            yield sample
