"""The verdict of a run, in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hybrid.evals.report.data import Data
from hybrid.evals.report.rows import Row, by, common, mean, sure
from hybrid.evals.report.section import signed
from hybrid.evals.report.worth import price
from hybrid.evals.statistics import ENOUGH, Difference, difference

_KEEPS = 0.05  # the most that an arm may score less, by the end of its interval, and still keep the accuracy
_ALIKE = 0.02  # of the cost, within which two arms cost the same


def verdict(data: Data, rows: Sequence[Row]) -> str:
    """The arm to take, by the samples that all arms answered, and how sure that is.

    Args:
        rows: those that were answered.
    """
    asked_of = by(rows, lambda row: row.arm)
    most = max(map(len, asked_of.values()), default=0)
    fair = [row for row in rows if 2 * len(asked_of[row.arm]) > most]  # an arm with few is for tasks of its own
    arms = common(fair) if fair else {}
    done = "" if not data.missing else "So far, with the run not finished: "
    if not arms:
        return "Nothing is answered yet."
    n = len(next(iter(arms.values())))
    if not n:
        return f"{done}No sample was answered by all arms, so they cannot be compared."
    means = {arm: mean(row.score for row in own) for arm, own in arms.items()}
    costs, unit = _costs(data, arms)
    asked = f"{n:,} question{'s' * (n != 1)}"
    if len(arms) == 1:
        ((arm, own),) = arms.items()
        score = sure(own, lambda row: row.score)
        return (
            f"{done}{arm} scores {score.mean:.2f} [{score.low:.2f}, {score.high:.2f}] on {asked}, for {unit(arm)} each."
        )
    best = max(arms, key=lambda arm: (means[arm], -costs[arm]))
    if n < ENOUGH:
        shown = ", ".join(f"{arm} {score:.2f}" for arm, score in means.items())
        return f"{done}{asked} answered by all arms are too few to tell them apart ({shown})."
    cheaper = {arm: _against(arms, arm, best) for arm in arms if costs[arm] < (1 - _ALIKE) * costs[best]}
    if not cheaper:
        dearer = [arm for arm in arms if costs[arm] > (1 + _ALIKE) * costs[best]]
        least = " and costs least" if len(dearer) == len(arms) - 1 else ", and nothing costs less"
        told_of = f"{done}{best} scores most{least}: {means[best]:.2f} on {asked}, for {unit(best)} each"
        if not dearer or not costs[best]:
            return f"{told_of}."
        top = max(dearer, key=lambda arm: costs[arm])
        return f"{told_of}; {top} costs {costs[top] / costs[best]:.2g} times as much and scores {means[top]:.2f}."

    def told(arm: str) -> str:
        found = cheaper[arm]
        return (
            f"{means[arm]:.2f} against {means[best]:.2f}, {signed(found.mean, found.low, found.high)} on {asked}, "
            f"for {unit(arm)} against {unit(best)} each"
        )

    keeping = [arm for arm, found in cheaper.items() if found.low >= -_KEEPS]
    if keeping:
        arm = min(keeping, key=lambda arm: costs[arm])
        return f"{done}{arm} keeps the accuracy of {best} at {costs[arm] / costs[best]:.0%} of its cost: {told(arm)}."
    open_ones = [arm for arm, found in cheaper.items() if not found.established]
    if open_ones:
        arm = max(open_ones, key=lambda arm: (means[arm], -costs[arm]))
        return (
            f"{done}Whether {arm} keeps the accuracy of {best} at {costs[arm] / costs[best]:.0%} of its cost is not "
            f"established: {told(arm)}. More questions would tell."
        )
    arm = max(cheaper, key=lambda arm: (means[arm], -costs[arm]))
    return f"{done}{best} is worth its price: all that costs less scores less, {arm} being the nearest ({told(arm)})."


def _against(arms: dict[str, list[Row]], one: str, other: str) -> Difference:
    ours, theirs = ({row.sample: row.score for row in arms[arm]} for arm in (one, other))
    found = difference(ours, theirs, {row.sample: row.group for row in arms[one]})
    assert found is not None  # they share all samples
    return found


def _costs(data: Data, arms: dict[str, list[Row]]) -> tuple[dict[str, float], Callable[[str], str]]:
    """Mean cost of each arm, and its wording."""
    bases = {row.basis for own in arms.values() for row in own}
    found = price(arms, bases.pop() if len(bases) == 1 else "", data.run)
    costs = {arm: mean(map(found.of, own)) for arm, own in arms.items()}
    return costs, lambda arm: found.told(costs[arm])
