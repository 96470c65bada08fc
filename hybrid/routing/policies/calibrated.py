"""The trained policy: the expected score of each route on a question, and its worth to the user.

Before asking, reading the whole has to be worth its cost over passages. After an attempt over passages there are two
cases that other routers treat as one (Self-Route, arXiv 2407.16833, reads the whole whenever passages do not answer;
arXiv 2411.06037 shows that models also answer from texts that do not suffice):

    passages gave no answer   either they were not enough, or there is no answer; the whole document tempts a model to
                              invent one, so it is read only if an answer is likelier than not
    passages gave an answer   if the question looks unanswerable, or needs more than passages, the answer is doubted and
                              the whole is read
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from hybrid.errors import InputError
from hybrid.routing.across import proposed, too_dear
from hybrid.routing.features import MEANS
from hybrid.routing.policies.self_route import SelfRoute
from hybrid.routing.policy import made, whole
from hybrid.routing.situation import Situation
from hybrid.routing.weights import TIE, Expected, Measure, Weights, carried
from hybrid.types import Decision, Prediction, Rung

Prefer = Literal["accuracy", "balance", "cost"]
WORTH: dict[Prefer, float] = {"accuracy": 10.0, "balance": 0.3, "cost": 0.05}  # dollars of one right answer
_TOLD = 0.005  # of the score: smaller effects on the decision are not reported
_PER_TOKEN = 1e-7  # dollars of a token to be computed, if no price is known
_SLOWEST = 2.0  # times the estimate: the 95th percentile without a calibration


class Way(NamedTuple):
    """One way to begin, with its consequences."""

    rung: Rung
    chunkwise: bool
    why: str
    score: float  # expected
    dollars: float  # expected, all attempts

    @property
    def whole(self) -> bool:
        """Whether it begins with whole documents."""
        return self.rung != "passages"


class Calibrated:
    """Takes what is worth most: a right answer's worth times its chance, less what it costs.

    Args:
        weights: fitted on records; None: the carried ones, which know no model.
        prefer: what matters, if no price is given.
        accuracy_price: dollars that one right answer is worth.
        budget: dollars that one question may take, all attempts.
        latency: seconds within which 95 % of the attempts should be over, added up.
        gpus: that share a call's GPU-seconds.

    Raises:
        InputError: a price, budget or limit that is not above 0.
    """

    name = "calibrated"
    escalates = True
    widens = True  # reads more around passages if the whole is too much; the expected cost of a way omits that

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
        """The way that is worth most; that of Self-Route if the situation lacks what this policy needs.

        Raises:
            InputError: no way is within the budget or the latency.
        """
        each = self.over_all(situation)
        if each is not None:
            return each
        lacks = unknown(situation)
        if lacks:
            self._best(situation)  # within the limits, or refused
            decision = SelfRoute().decide(situation)
            why = f"{lacks}, so the policy 'self_route' decides: {decision.reason[0].lower()}{decision.reason[1:]}"
            return decision.model_copy(update={"policy": self.name, "reason": why[0].upper() + why[1:]})
        return self.taken(situation, self._best(situation))

    def over_all(self, situation: Situation) -> Decision | None:
        """Asking every document, where the question wants that and it costs less than a right answer is worth."""
        slow = situation.each is not None and self.latency is not None and self._slow(situation.each) is not None
        if slow and not self.within([situation.each]):  # type: ignore[list-item]
            return None
        return proposed(self.name, situation, self._limit, dollars)

    @property
    def _limit(self) -> float:
        return self.worth if self.budget is None else min(self.worth, self.budget)

    def review(self, situation: Situation, tried: Decision) -> Decision | None:
        """After passages that gave no answer: the whole, more around the passages, or None for silence."""
        if tried.route == "long":
            return None
        if unknown(situation):
            again = SelfRoute().review(situation, tried)
            attempts = [situation.predictions[rung] for rung in (tried.rung, whole(situation)[0])]
            if again is None or not self.within(attempts):
                return None
            return again.model_copy(update={"policy": self.name})
        expected = self._expected(situation)
        found = self._second(situation, tried, expected, abstained=True)
        if found is not None:
            chance = 1 - expected.silent_abstained
            why = f"the passages did not answer, and there is an answer with a chance of {chance:.0%}: {found[2]}"
            return self._made(situation, expected, found[0], found[1], why)
        wider = situation.predictions["sections"]
        if (
            self.widens
            and tried.rung == "passages"
            and situation.tokens["sections"] > situation.tokens["passages"]
            and self._earns(expected, True, wider)
            and self.within([situation.predictions[tried.rung], wider])
        ):
            why = "the passages did not answer, and the whole is too much: more around them is read"
            return self._made(situation, expected, "sections", False, why)
        return None

    def reconsider(self, situation: Situation, tried: Decision) -> Decision | None:
        """After passages that gave an answer: the whole, or None to accept the answer, whatever it says."""
        if tried.route == "long" or unknown(situation):
            return None
        expected = self._expected(situation)
        found = self._second(situation, tried, expected, abstained=False)
        if found is None:
            return None
        needs = max(expected.needs, key=lambda need: expected.needs[need])
        why = f"the answer from passages is doubted, as the question looks like one for {_LOOKS[needs]}: {found[2]}"
        return self._made(situation, expected, found[0], found[1], why)

    # -- weighing ------------------------------------------------------------------------------------------------

    @property
    def tie(self) -> float:
        """Dollars that the dearer of two ways has to be worth more."""
        return TIE * self.worth

    def at(self, worth: float) -> Calibrated:
        """This policy for another worth of a right answer, with only the attempts that `ways` counts."""
        other = Calibrated(self.weights, accuracy_price=worth, budget=self.budget, latency=self.latency, gpus=self.gpus)
        other.widens = False
        return other

    def ways(self, situation: Situation) -> list[Way]:
        """The possible ways within the limits, the cheapest first; none if none is within them."""
        rung, chunkwise, why = whole(situation)
        passages, all_ = situation.predictions["passages"], situation.predictions[rung]
        if unknown(situation):
            return [Way("passages", False, "", 0.0, dollars(passages))] if self.within([passages]) else []
        expected = self._expected(situation)
        if situation.tokens["corpus"] <= situation.tokens["passages"] and situation.fits("corpus"):
            return [Way("corpus", False, "the whole is no longer than the passages", expected.long, dollars(all_))]
        tried = made(self.name, situation, "passages", "passages")
        found = []
        if self.within([passages]):
            score, again = expected.rag, 0.0
            for abstained, chance in ((True, expected.abstains), (False, 1 - expected.abstains)):
                if self._second(situation, tried, expected, abstained=abstained):
                    score += chance * expected.gain(abstained)
                    again += chance
            found.append(Way("passages", False, "", score, dollars(passages) + again * dollars(all_)))
        if self.within([all_]) and not self.weights.rule:
            found.append(Way(rung, chunkwise, why, expected.long, dollars(all_)))
        return sorted(found, key=lambda way: way.dollars)

    def value(self, way: Way) -> float:
        """Dollars that a way is worth: a right answer's worth times its chance, less what it costs."""
        return way.score * self.worth - way.dollars

    def thresholds(self, situation: Situation) -> list[float]:
        """The worths of a right answer above which a second attempt is worth it, the least first."""
        if unknown(situation) or self.weights.rule == "rag":
            return []
        expected, all_ = self._expected(situation), dollars(situation.predictions[whole(situation)[0]])
        if self.weights.rule:
            return [all_]
        gains = [expected.gain(abstained) - TIE for abstained in (True, False)]
        return sorted(all_ / gain for gain in gains if gain > 0)

    def within(self, attempts: Sequence[Prediction]) -> bool:
        """Whether some attempts together keep to the budget and the latency of a question."""
        if self.budget is not None and sum(map(dollars, attempts)) > self.budget:
            return False
        return self.latency is None or sum(self._slow(p) or 0.0 for p in attempts) <= self.latency

    def _best(self, situation: Situation) -> Way:
        ways = self.ways(situation)
        if not ways:
            cheapest = min(dollars(p) for p in situation.predictions.values())
            quickest = [s for s in map(self._slow, situation.predictions.values()) if s is not None]
            slow = f" and {min(quickest):.3g} s" if quickest and self.latency is not None else ""
            raise InputError(
                f"No way of reading is within the limits; the cheapest takes an expected ${cheapest:.4g}{slow}: raise "
                "routing.budget or routing.latency, or leave them out."
            )
        best = ways[0]
        for way in ways[1:]:  # the cheapest first: another has to be better by more than a tie
            if self.value(way) - self.value(best) > self.tie:
                best = way
        return best

    def _second(
        self, situation: Situation, tried: Decision, expected: Expected, *, abstained: bool
    ) -> tuple[Rung, bool, str] | None:
        """Reading the whole after an attempt that was silent or not, if that is worth it and within the limits."""
        rung, chunkwise, why = whole(situation)
        prediction = situation.predictions[rung]
        if not self._earns(expected, abstained, prediction):
            return None
        return (rung, chunkwise, why) if self.within([situation.predictions[tried.rung], prediction]) else None

    def _earns(self, expected: Expected, abstained: bool, prediction: Prediction) -> bool:
        """Whether reading more, after an attempt that was silent or not, is worth its cost."""
        if self.weights.rule:
            return self.weights.rule == "self_route" and abstained and dollars(prediction) < self.worth
        return (expected.gain(abstained) - TIE) * self.worth > dollars(prediction)

    def _slow(self, prediction: Prediction) -> float | None:
        """Seconds that 95 % of such calls stay within; None if unknown."""
        cost = prediction.cost
        if cost.interval is None and cost.gpu_seconds is None:
            return None
        slow = _SLOWEST * (cost.gpu_seconds or 0.0) if cost.interval is None else cost.interval[1]
        return slow / self.gpus + (cost.host_seconds or 0.0)

    # -- reasons -------------------------------------------------------------------------------------------------

    def _expected(self, situation: Situation) -> Expected:
        whole_ = situation.kept(whole(situation)[0])
        kept: dict[Measure, float] = {"rag": situation.kept("passages"), "long": whole_, "again": whole_}
        try:
            return self.weights.expected(situation.features, kept)
        except KeyError as error:
            raise InputError(
                f"The feature {error} is missing, which the policy 'calibrated' needs: record the questions anew, or "
                "take the policy rag, long, fits or self_route."
            ) from None

    def taken(self, situation: Situation, way: Way) -> Decision:
        """A way as a decision, with the ways it was weighed against."""
        if unknown(situation):
            return self.decide(situation)
        expected = self._expected(situation)
        rung, _, _ = whole(situation)
        passages, all_ = dollars(situation.predictions["passages"]), dollars(situation.predictions[rung])
        moved = self.weights.moved(situation.features)
        why = (
            f"expected to be right: passages {expected.rag:.0%} at ${passages:.2g}, the whole {expected.long:.0%} at "
            f"${all_:.2g}"
        )
        if abs(moved[0][1]) >= _TOLD:
            told = [f"{MEANS[name]} ({gain:+.1%} for the whole)" for name, gain in moved if abs(gain) >= _TOLD]
            why += "; what counted most: " + ", ".join(told)
        if situation.kept(rung) < 1 - _TOLD:
            why += (
                f"; in prompts of this length, and where the best passages would stand, the engine keeps "
                f"{situation.kept(rung):.0%} of its best score"
            )
        if self.weights.rule:
            why += f"; the records of the fit do not show going by that to be worth more than {self.weights.rule!r}"
        why = (f"{why}; {way.why}" if way.why else why) + too_dear(situation, self._limit, dollars)
        decision = self._made(situation, expected, way.rung, way.chunkwise, why)
        worth = {one.rung: round(self.value(one), 9) for one in self.ways(situation)}
        return decision.model_copy(update={"worth": worth})

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


def unknown(situation: Situation) -> str:
    """What the situation lacks for this policy, in words; empty if nothing is missing.

    An engine that quotes has no model, and the weights come from models' replies: on five sets of documents the rule
    alone was as good or better with it (docs/routing.md). A foreign search may not tell nearness in meaning: then half
    of the features of retrieval are missing, and zeros in their place would look like a search that failed.
    """
    if situation.quoting:
        return "the answers come from an engine that quotes, and the weights know only models"
    if not situation.features:
        return "nothing is known of the question"
    if situation.candidates and all(candidate.dense is None for candidate in situation.candidates):
        return "the search that found the passages does not tell how near they are in meaning"
    return ""


def dollars(prediction: Prediction) -> float:
    """The dollars of a prediction; without a known price, by the tokens that have to be computed."""
    if prediction.cost.dollars is not None:
        return prediction.cost.dollars
    return max(1, prediction.prompt_tokens - prediction.cached_tokens) * _PER_TOKEN
