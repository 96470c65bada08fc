"""Many questions: decided together, and asked in an order in which one reading of a text serves all its questions."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

from hybrid.engines.abort import ABORT, Abort
from hybrid.errors import EngineError, WindowError
from hybrid.index.protocol import Progress
from hybrid.routing.batch import plan
from hybrid.routing.policies.calibrated import Calibrated, dollars
from hybrid.routing.situation import Situation
from hybrid.session.explored import explored
from hybrid.session.way import Reply, Way
from hybrid.types import EACH, Answer, Decision

_FAILED = 3  # calls in a row after which a batch gives the engine up
_NOT_ASKED = f"Not asked: the engine had failed {_FAILED} times in a row."


class Begun(NamedTuple):
    """A question whose route is decided, before it is asked."""

    way: Way
    situation: Situation
    decision: Decision
    first: bool = False  # to be asked before the others that read the same text

    @property
    def turn(self) -> tuple[bool, tuple[str, ...], bool]:
        """Its place in the order of asking: one text after the other, and passages last.

        So a second attempt after passages finds in the cache what others have read.
        """
        return self.decision.route == "rag", self.situation.reads.get(self.decision.rung, ()), not self.first


def answers(
    begun: Sequence[Begun],
    budget: float | None,
    concurrency: int,
    failures: dict[int, EngineError] | None = None,
    progress: Progress | None = None,
) -> list[Answer]:
    """The answers in the order of the questions, without those of questions that failed.

    Args:
        budget: dollars that all of them may take; where there is one, nothing is explored.
        concurrency: questions under way at once.
        failures: as for `Hybrid.answer_many`.
    """
    begun = _together(begun, budget)
    done = _asked(begun, concurrency, failures, progress)
    if budget is not None:
        return [done[i][0] for i in sorted(done)]
    return [explored(begun[i].way, begun[i].situation, *done[i]) for i in sorted(done)]


def _together(begun: Sequence[Begun], budget: float | None) -> Sequence[Begun]:
    """The questions, decided together; only the policy `calibrated` weighs them against each other."""
    policy = begun[0].way.policy if begun else None
    if not isinstance(policy, Calibrated) or (len(begun) == 1 and budget is None):
        return begun
    if any(one.decision.rung == EACH for one in begun):  # these stay as they were decided
        spent = sum(dollars(one.situation.each) for one in begun if one.decision.rung == EACH and one.situation.each)
        rest = iter(_together([one for one in begun if one.decision.rung != EACH], budget and budget - spent))
        return [one if one.decision.rung == EACH else next(rest) for one in begun]
    planned = plan(policy, [one.situation for one in begun], budget)
    return [
        Begun(replace(one.way, policy=best.policy), best.situation, best.decision, best.first)
        for one, best in zip(begun, planned, strict=True)
    ]


def _asked(
    begun: Sequence[Begun], concurrency: int, failures: dict[int, EngineError] | None, progress: Progress | None
) -> dict[int, tuple[Answer, list[Reply]]]:
    """The answer and replies of each question that did not fail, by its place."""
    found: dict[int, tuple[Answer, list[Reply]]] = {}
    in_a_row = 0
    turns = sorted(range(len(begun)), key=lambda i: (*begun[i].turn, i))
    abort = ABORT.get() or Abort()
    with ThreadPoolExecutor(max(1, min(concurrency, len(begun))), initializer=ABORT.set, initargs=(abort,)) as pool:
        futures = [(i, pool.submit(begun[i].way.finish, begun[i].situation, begun[i].decision)) for i in turns]
        try:
            for done, (i, future) in enumerate(futures, 1):
                try:
                    found[i], in_a_row = future.result(), 0
                except (EngineError, CancelledError) as error:
                    if failures is None:
                        raise
                    in_a_row += not isinstance(error, WindowError)  # which is the question's fault, not the engine's
                    failures[i] = error if isinstance(error, EngineError) else EngineError(_NOT_ASKED)
                    if in_a_row >= _FAILED:
                        for _, later in futures[done:]:
                            later.cancel()
                if progress is not None:
                    progress("answering", done, len(begun))
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, Exception):  # Ctrl-C ends what is under way too
                abort()
            raise
    return found
