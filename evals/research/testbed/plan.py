"""The progress of a training, and its next step."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from hybrid.evals.research.testbed.batch import ROOM, STAGES
from hybrid.evals.research.testbed.model import FACTORS
from hybrid.evals.testbed import WINDOW

PASS = 0.93  # moving accuracy that lengthens the texts


@dataclass
class Plan:
    """The progress of a training: the length of the texts follows the accuracy, the learning rate follows the clock."""

    minutes: float
    started: float
    stage: int = 0
    moving: float = 0.8

    @property
    def spent(self) -> float:
        return (time.monotonic() - self.started) / (60 * self.minutes)

    def rate(self, step: int) -> float:
        """Share of the full learning rate: short warm-up, constant, linear to zero over the last third."""
        return min(1.0, (step + 1) / 30, max(0.02, (1 - self.spent) / 0.35))

    def kind(self, rng: random.Random) -> tuple[int, int]:
        """Length of the next step's texts, and its YaRN factor, 0 for the native rotations."""
        last = self.stage == len(STAGES) - 1
        length = STAGES[self.stage] if rng.random() < 0.6 else rng.choice(STAGES[: self.stage + 1])
        if self.stage < 2 or rng.random() > 0.4:
            return length, 0
        factor = rng.choices(FACTORS, (3, 2))[0]
        if last and self.spent > 0.7 and rng.random() < 0.25:
            return WINDOW * factor // rng.choice((1, 2)) - ROOM, factor  # the questions stand behind the text
        return length, factor

    def note(self, length: int, accuracy: float) -> None:
        """Take a step's accuracy in; lengthen the texts where it is high enough."""
        if length != STAGES[self.stage]:
            return
        self.moving += 0.1 * (accuracy - self.moving)
        late = self.spent > 0.08 * (self.stage + 1)  # the clock lengthens them too, or long ones would never be seen
        if (self.moving > PASS or late) and self.stage < len(STAGES) - 1:
            self.stage, self.moving = self.stage + 1, 0.8
