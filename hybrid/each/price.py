"""What asking every document is expected to take, before any is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from hybrid.cost.estimate import estimate
from hybrid.cost.price import total
from hybrid.settings import CostSettings
from hybrid.types import EACH, Cost, Prediction

OUTPUT = 96  # tokens of what a reply says on one field
_GRAIN = 64  # tokens to which sizes are rounded up, so that like documents are estimated once
_PER_TOKEN = 1e-7  # dollars of a token, where no price is known


@dataclass(frozen=True, slots=True)
class Price:
    """Calls, tokens, seconds and dollars that are expected.

    Args:
        seconds: until all is asked, with as many calls at once as the engine takes; None if unknown.
    """

    calls: int
    tokens: int
    seconds: float | None
    cost: Cost

    @property
    def dollars(self) -> float:
        """Dollars; by the tokens where no price is known."""
        return self.tokens * _PER_TOKEN if self.cost.dollars is None else self.cost.dollars

    @property
    def enough(self) -> float:
        """A budget of two figures that is enough."""
        step = 10.0 ** (floor(log10(self.dollars)) - 1)
        return ceil(self.dollars / step) * step

    @property
    def words(self) -> str:
        """It in words."""
        calls = f"{self.calls:,} call{'s' if self.calls != 1 else ''}"
        slow = "" if self.seconds is None else f", {self.seconds:.2g} s"
        paid = "" if self.cost.dollars is None else f", ${self.cost.dollars:.2g}"
        return f"{calls}, {self.tokens:,} tokens{slow}{paid} expected"

    def prediction(self, engine: str) -> Prediction:
        """It beside the predictions of the other rungs."""
        return Prediction(
            route="long",
            rung=EACH,
            engine=engine,
            prompt_tokens=self.tokens,
            calls=self.calls,
            fits=True,
            cost=self.cost,
        )


def price(settings: CostSettings, sizes: Sequence[int], fields: int, concurrency: int) -> Price:
    """The price of a call of a model for each prompt.

    Args:
        sizes: tokens of each prompt.
        fields: that each is asked for.
        concurrency: calls under way at once.
    """
    grains = Counter(-(-size // _GRAIN) * _GRAIN for size in sizes)
    each = {size: estimate(settings, size, OUTPUT * fields) for size in grains}
    cost = total([each[size] for size, count in grains.items() for _ in range(count)]) if grains else free()
    host = sum((each[size].host_seconds or 0.0) * count for size, count in grains.items())
    seconds = None if cost.gpu_seconds is None else cost.gpu_seconds / settings.gpus + host
    at_once = max(1, min(concurrency, len(sizes)))
    return Price(len(sizes), sum(sizes), None if seconds is None else seconds / at_once, cost)


def unpriced(sizes: Sequence[int]) -> Price:
    """The same where no model is asked."""
    return Price(len(sizes), sum(sizes), None, free())


def free() -> Cost:
    """The cost of work without a model."""
    return Cost(dollars=0.0, gpu_seconds=0.0, basis="estimated", note="no model is asked")
