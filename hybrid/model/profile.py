"""How far, and where, an engine reads: `hybrid calibrate window` measures it; ordering, budgets and routing use it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from math import log
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from hybrid.errors import SettingsError
from hybrid.files import write
from hybrid.types import Record

FILE = "hybrid-profile.json"
FORMAT = 1
CURVE = 9  # places of the position curve, equally spaced


class Scored(Record):
    """A mean score of `n` samples at a length or a depth, with its 95 % interval."""

    at: float  # tokens of the prompt, or share of the text before the fact
    score: float
    low: float
    high: float
    n: int


class Profile(Record):
    """The measurements of an engine."""

    format: int = FORMAT
    engine: str  # Engine.name
    window: int  # tokens it was served with
    task: str  # that it was asked
    threshold: float  # share of the score at the shortest length that counts as holding
    effective: int  # tokens: the longest prompt at which the score held
    lengths: tuple[Scored, ...]
    positions: tuple[Scored, ...]  # by depth, at `length`
    length: int  # tokens of the prompts that positions were measured in
    date: str

    @property
    def model(self) -> str:
        """The engine's name without its address."""
        return model_of(self.engine)

    @property
    def curve(self) -> tuple[float, ...]:
        """Scores at equally spaced depths from first to last, interpolated between those measured."""
        return tuple(self.score_at(step / (CURVE - 1)) for step in range(CURVE))

    @property
    def dead_zone(self) -> tuple[tuple[float, float], ...]:
        """Depths, as (first, last), at which the score is worse than the best beyond doubt: the intervals are apart."""
        best = max(self.positions, key=lambda p: p.score)
        runs = groupby(self.positions, lambda p: p.high < best.low)
        zones = [[p.at for p in run] for low, run in runs if low]
        return tuple((zone[0], zone[-1]) for zone in zones)

    def kept(self, tokens: float, depths: Sequence[tuple[float, float]] = ()) -> float:
        """The share of the best measured score that is left at some length, for facts at some depths.

        score(length, depth) = 1 - misses(length) * misses(depth) / misses(all depths), divided by the best score of any
        length, where misses are 1 - score: what a length costs is spread over the depths as it was where the depths
        were measured. Only what is established counts: a length whose interval overlaps that of the best counts as the
        best, and depths count alike unless there is a dead zone. Between measured places the score is interpolated (by
        the logarithm of the length), beyond them it is that of the last.

        Args:
            tokens: of the prompt.
            depths: (depth, weight) of where facts may stand, 0 to 1; none: anywhere alike.

        Returns:
            0 to 1.
        """
        best = max(self.lengths, key=lambda p: p.score)
        scores = [p.score if p.high < best.low else best.score for p in self.lengths]
        score = float(np.interp(log(max(1.0, tokens)), [log(p.at) for p in self.lengths], scores))
        total = sum(weight for _, weight in depths)
        curve = self.curve
        misses = 1 - sum(curve) / len(curve)
        if not self.dead_zone or total <= 0 or misses <= 0:
            return score / best.score
        here = sum(weight * (1 - self.score_at(depth)) for depth, weight in depths) / total
        return max(0.0, min(1.0, (1 - (1 - score) * here / misses) / best.score))

    def score_at(self, depth: float) -> float:
        """The measured score at a depth, interpolated."""
        return float(np.interp(depth, [p.at for p in self.positions], [p.score for p in self.positions]))


def model_of(engine: str) -> str:
    """An engine's name without its address: the same model on another port reads the same."""
    return engine.partition(" at ")[0]


def profile_for(engine: str, named: str | None) -> Profile | None:
    """The profile of an engine: the named file, else the file here if it is of this engine.

    Raises:
        SettingsError: the named file cannot be used, or is of another engine.
    """
    file = Path(named) if named is not None else Path(FILE)
    if named is None and not file.is_file():
        return None
    found = load_profile(file)
    if found.model == model_of(engine):
        return found
    if named is None:
        return None
    raise SettingsError(
        f"The profile in {file} is of {found.engine}, not of {engine}: run `hybrid calibrate window` on this engine, "
        "or leave out routing.profile."
    )


def load_profile(file: Path) -> Profile:
    """A saved profile.

    Raises:
        SettingsError: the file cannot be read, or is no profile.
    """
    try:
        data = json.loads(file.read_text("utf-8"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise SettingsError(f"The file {file} is no profile of this version: run `hybrid calibrate window` again.")
        return Profile.model_validate(data)
    except OSError as error:
        raise SettingsError(f"Cannot read the profile {file}: {error.strerror}. See routing.profile.") from None
    except (ValueError, ValidationError):
        raise SettingsError(f"The file {file} is no profile: run `hybrid calibrate window` again.") from None


def save_profile(profile: Profile, file: Path) -> None:
    """Write a profile as JSON. Raises SettingsError if the file cannot be written."""
    write(file, json.dumps(profile.model_dump(), indent=1) + "\n")
