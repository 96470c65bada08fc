"""The trained policy: what each route is expected to make of a question, and what that is worth to the user.

Before asking, reading the whole has to be worth its cost over passages. After an attempt over passages there are two
cases that other routers take for one (Self-Route, arXiv 2407.16833, reads the whole whenever passages do not answer;
arXiv 2411.06037 shows that models answer from texts that do not suffice):

    passages were not answered from   either they were not enough, or there is no answer; the whole document tempts a
                                      model to invent one, so it is read only where an answer is likelier than not
    passages were answered from       where the question looks unanswerable, or needs more than passages, the answer
                                      is doubted and the whole is read
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from hybrid.errors import InputError
from hybrid.routing.features import MEANS
from hybrid.routing.policies import made, whole
from hybrid.routing.situation import Situation
from hybrid.routing.weights import Expected, Weights, carried
from hybrid.types import Decision, Prediction, Rung

Prefer = Literal["accuracy", "balance", "cost"]
WORTH: dict[Prefer, float] = {"accuracy": 10.0, "balance": 0.3, "cost": 0.05}  # dollars of one right answer
_TOLD = 0.005  # of the score: what moved the decision by less is not told
TIE = 0.01  # of the score, below which one way is no better than another: the cheaper is taken
_PER_TOKEN = 1e-7  # dollars of a token to be computed, where no price is known
_LEAST = 1e-7  # dollars of a right answer at which only the cheapest way is worth it
_HALVINGS = 16  # until the price of a batch is known to a thousandth
_SLOWEST = 2.0  # times the estimate, for the 95th percentile where no calibration tells it


class Way(NamedTuple):
    """One way to begin, with what follows from it."""

    rung: Rung
    chunkwise: bool
    why: str
    score: float  # expected
    dollars: float  # expected, all attempts


class Calibrated:
    """Takes what is worth most: a right answer's worth times its chance, less what it costs.

    Args:
        weights: fitted on records; None: the carried ones, which know no model.
        prefer: what matters, where no price is given.
        accuracy_price: dollars that one right answer is worth.
        budget: dollars that one question may take, all attempts.
        latency: seconds within which 95 % of the attempts should be over, added up.
        gpus: that share a call's GPU-seconds.

    Raises:
        InputError: a price, budget or limit that is not above 0.
    """

    name = "calibrated"
    escalates = True

    def __init__(
        self,
        weights: Weights | None = None,
        *,
        prefer: Prefer = "balance",
        accuracy_price: float | None = None,
        budget: float | None = None,
        latency: float | None = None,
        gpus: int = 1,
    ) -> None:
        for name, limit in (("accuracy_price", accuracy_price), ("budget", budget), ("latency", latency)):
            if limit is not None and limit <= 0:
                raise InputError(f"The setting 'routing.{name}' is {limit:g}; give more than 0, or leave it out.")
        self.weights = weights or carried()
        self.worth = WORTH[prefer] if accuracy_price is None else accuracy_price
        self.budget, self.latency, self.gpus = budget, latency, gpus

    def decide(self, situation: Situation) -> Decision:
        """The way that is worth most.

        Raises:
            InputError: no way is within the budget or the latency.
        """
        if not situation.features:
            why = "nothing is known of the question that the policy 'calibrated' could go by, so the passages are read"
            return made(self.name, situation, "passages", why)
        return self._taken(situation, self._best(situation))

    def for_batch(self, situations: Sequence[Situation], budget: float) -> Calibrated:
        """This policy at the worth of a right answer at which a batch is expected to take at most `budget` dollars.

        One price for all questions spends the budget where it buys most, whatever their order (the Lagrangian of the
        knapsack: the best there is, but for what one more question would still have fitted). That questions on one
        document share its prefill is not counted.

        Raises:
            InputError: not even the cheapest ways are within the budget.
        """
        if self._spent(situations) <= budget:
            return self
        low, high = _LEAST, self.worth
        least = self._at(low)._spent(situations)
        if least > budget:
            raise InputError(
                f"The budget of ${budget:g} does not fit these {len(situations)} questions, which take at least an "
                f"expected ${least:.4g}: raise routing.batch_budget to that, or ask fewer."
            )
        for _ in range(_HALVINGS):
            middle = (low * high) ** 0.5
            low, high = (middle, high) if self._at(middle)._spent(situations) <= budget else (low, middle)
        return self._at(low)

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        """After passages that were not answered from: the whole, more around the passages, or None for silence."""
        if tried.route == "long" or not situation.features:
            return None
        expected = self._expected(situation)
        gain = expected.long_abstained - expected.silent_abstained
        if gain <= TIE:
            return None
        found = self._second(situation, tried, gain)
        if found is not None:
            chance = 1 - expected.silent_abstained
            why = f"the passages did not answer, and there is an answer with a chance of {chance:.0%}: {found[2]}"
            return self._made(situation, expected, found[0], found[1], why)
        room = situation.predictions["sections"]
        wider = situation.tokens["sections"] > situation.tokens["passages"]
        if tried.rung == "passages" and wider and self._within([situation.predictions[tried.rung], room]):
            why = "the passages did not answer, and the whole is too much: more around them is read"
            return self._made(situation, expected, "sections", False, why)
        return None

    def reconsider(self, situation: Situation, tried: Decision) -> Decision | None:
        """After passages that were answered from: None accepts the answer, whatever it says."""
        if tried.route == "long" or not situation.features:
            return None
        expected = self._expected(situation)
        found = self._second(situation, tried, expected.long_answered - expected.rag_answered)
        if found is None:
            return None
        needs = max(expected.needs, key=lambda need: expected.needs[need])
        why = f"the answer from passages is doubted, as the question looks like one for {_LOOKS[needs]}: {found[2]}"
        return self._made(situation, expected, found[0], found[1], why)

    def _at(self, worth: float) -> Calibrated:
        return Calibrated(self.weights, accuracy_price=worth, budget=self.budget, latency=self.latency, gpus=self.gpus)

    def _spent(self, situations: Sequence[Situation]) -> float:
        """Dollars that a batch is expected to take, all attempts."""
        return sum(self._best(situation).dollars for situation in situations)

    # -- what is weighed -----------------------------------------------------------------------------------------

    def _best(self, situation: Situation) -> Way:
        ways = self._ways(situation)
        if not ways:
            cheapest = min(_dollars(p) for p in situation.predictions.values())
            quickest = [s for s in map(self._slow, situation.predictions.values()) if s is not None]
            slow = f" and {min(quickest):.3g} s" if quickest and self.latency is not None else ""
            raise InputError(
                f"No way of reading is within the limits; the cheapest takes an expected ${cheapest:.4g}{slow}: raise "
                "routing.budget or routing.latency, or leave them out."
            )
        best = ways[0]
        for way in ways[1:]:  # the cheapest first: another has to be better by more than a tie
            if self._utility(way) - self._utility(best) > TIE * self.worth:
                best = way
        return best

    def _ways(self, situation: Situation) -> list[Way]:
        """What can be begun with, the cheapest first."""
        expected = self._expected(situation)
        rung, chunkwise, why = whole(situation)
        passages, all_ = situation.predictions["passages"], situation.predictions[rung]
        if situation.tokens["corpus"] <= situation.tokens["passages"] and situation.fits("corpus"):
            return [Way("corpus", False, "the whole is no longer than the passages", expected.long, _dollars(all_))]
        tried = made(self.name, situation, "passages", "passages")
        ways = []
        if self._within([passages]):
            score, dollars = expected.rag, _dollars(passages)
            if self._second(situation, tried, expected.long_abstained - expected.silent_abstained):
                score += expected.abstains * (expected.long_abstained - expected.silent_abstained)
                dollars += expected.abstains * _dollars(all_)
            if self._second(situation, tried, expected.long_answered - expected.rag_answered):
                score += (1 - expected.abstains) * (expected.long_answered - expected.rag_answered)
                dollars += (1 - expected.abstains) * _dollars(all_)
            ways.append(Way("passages", False, "", score, dollars))
        if self._within([all_]):
            ways.append(Way(rung, chunkwise, why, expected.long, _dollars(all_)))
        return sorted(ways, key=lambda way: way.dollars)

    def _second(self, situation: Situation, tried: Decision, gain: float) -> tuple[Rung, bool, str] | None:
        """Reading the whole after an attempt, where the gain is worth it and it is allowed."""
        rung, chunkwise, why = whole(situation)
        prediction = situation.predictions[rung]
        if (gain - TIE) * self.worth <= _dollars(prediction):
            return None
        return (rung, chunkwise, why) if self._within([situation.predictions[tried.rung], prediction]) else None

    def _utility(self, way: Way) -> float:
        return way.score * self.worth - way.dollars

    def _within(self, attempts: Sequence[Prediction]) -> bool:
        """Whether some attempts together keep to the budget and the latency."""
        if self.budget is not None and sum(map(_dollars, attempts)) > self.budget:
            return False
        return self.latency is None or sum(self._slow(p) or 0.0 for p in attempts) <= self.latency

    def _slow(self, prediction: Prediction) -> float | None:
        """Seconds that 95 % of such calls stay within; None where nothing tells."""
        cost = prediction.cost
        if cost.interval is not None:
            return cost.interval[1] / self.gpus
        return None if cost.gpu_seconds is None else _SLOWEST * cost.gpu_seconds / self.gpus

    # -- what is said --------------------------------------------------------------------------------------------

    def _expected(self, situation: Situation) -> Expected:
        try:
            return self.weights.expected(situation.features)
        except KeyError as error:
            raise InputError(
                f"The feature {error} is missing, which the policy 'calibrated' needs: record the questions anew, or "
                "take the policy rag, long, fits or self_route."
            ) from None

    def _taken(self, situation: Situation, way: Way) -> Decision:
        expected = self._expected(situation)
        rung, _, _ = whole(situation)
        passages, all_ = _dollars(situation.predictions["passages"]), _dollars(situation.predictions[rung])
        moved = self.weights.moved(situation.features)
        why = (
            f"expected to be right: passages {expected.rag:.0%} at ${passages:.2g}, the whole {expected.long:.0%} at "
            f"${all_:.2g}"
        )
        if abs(moved[0][1]) >= _TOLD:
            told = [f"{MEANS[name]} ({gain:+.1%} for the whole)" for name, gain in moved if abs(gain) >= _TOLD]
            why += "; what counted most: " + ", ".join(told)
        return self._made(situation, expected, way.rung, way.chunkwise, f"{why}; {way.why}" if way.why else why)

    def _made(self, situation: Situation, expected: Expected, rung: Rung, chunkwise: bool, reason: str) -> Decision:
        decision = made(self.name, situation, rung, reason, chunkwise)
        scores = {"passages": round(expected.rag, 4), whole(situation)[0]: round(expected.long, 4)}
        return decision.model_copy(update={"expected": scores})


_LOOKS = {
    "fact": "a single fact",
    "reasoning": "reasoning",
    "comparison": "a comparison",
    "unanswerable": "which there is no answer",
}


def _dollars(prediction: Prediction) -> float:
    """What a prediction costs; where no price is known, by the tokens that have to be computed."""
    if prediction.cost.dollars is not None:
        return prediction.cost.dollars
    return max(1, prediction.prompt_tokens - prediction.cached_tokens) * _PER_TOKEN
