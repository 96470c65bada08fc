"""Questions that are asked over many documents at once: what each says has to be counted, compared or put together.

Passages of a few documents cannot answer "how many contracts ...": a document whose passage was not found counts as one
that does not say. The rules, in across.toml, go by what is counted: documents, kinds of documents, or their sections.
They know English only.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hybrid.files import carried, joined
from hybrid.routing.policy import made
from hybrid.routing.situation import Situation
from hybrid.types import EACH, Decision, Prediction

Dollars = Callable[[Prediction], float]  # of a prediction

_CARRIED = carried(__name__)
_PARTS = {"documents": joined(_CARRIED["documents"]), "sections": joined(_CARRIED["sections"])}


def _asks(what: str) -> re.Pattern[str]:
    own, best = _PARTS[what], joined(_CARRIED["best"])
    some = joined(_CARRIED["some"], what=own)
    return re.compile(joined(_CARRIED["asks"], what=own, some=some, best=best), re.IGNORECASE)


_OVER = {what: _asks(what) for what in _PARTS}


def across(question: str, documents: int) -> bool:
    """Whether a question is over all documents; of one document, over its sections."""
    return _OVER["documents" if documents > 1 else "sections"].search(question) is not None


def proposed(
    policy: str, situation: Situation, limit: float, dollars: Callable[[Prediction], float]
) -> Decision | None:
    """The rung `each`, where the question asks for it and the price is within a limit.

    Args:
        policy: the name of the policy that proposes it.
        limit: dollars that the answer may take.
        dollars: of a prediction.
    """
    each = situation.each
    if each is None or dollars(each) > limit:
        return None
    return made(policy, situation, EACH, f"the question is over {asked(situation, each)}")


def asked(situation: Situation, each: Prediction) -> str:
    """What is asked, and how often, in words."""
    what = f"all {situation.documents:,} documents" if situation.documents > 1 else "the sections of the document"
    paid = "" if each.cost.dollars is None else f", an expected ${each.cost.dollars:.2g}"
    calls = f"{each.calls:,} reading{'s' if each.calls != 1 else ''}"
    return (
        f"{what}: each is asked for the same fields, and the answer is computed from their table ({calls}, "
        f"{each.prompt_tokens:,} tokens{paid})"
    )


def too_dear(situation: Situation, limit: float, dollars: Dollars) -> str:
    """Why the rung `each` was not taken; empty where the question does not ask for it."""
    each = situation.each
    if each is None or dollars(each) <= limit:
        return ""
    return (
        f"; asking each of {situation.documents:,} documents the same would take an expected ${dollars(each):.2g}, "
        f"more than ${limit:.2g}: force it with the rung 'each', or raise routing.budget and a right answer's worth"
    )
