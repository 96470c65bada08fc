"""The expected scores of both routes, from a question's features: small readable weights, fitted beforehand.

A question needs one of four things (LaRA's tasks, arXiv 2502.09977): a fact, reasoning, a comparison, or it is
unanswerable. The features give the probability of each; for each, a few numbers give how often passages and whole
documents serve it, and how that changes with the documents' length. The expected score of a route is the mean over the
needs. Few numbers depend on the model that answers, so a user's own records can replace them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib.resources import files
from math import exp, log
from pathlib import Path
from typing import Any, Literal, get_args

from hybrid.errors import SettingsError
from hybrid.files import read_text, write
from hybrid.routing.features import FEATURES, VERSION

FILE = "hybrid-router.json"
Need = Literal["fact", "reasoning", "comparison", "unanswerable"]
Measure = Literal["abstains", "rag", "long", "again"]
Rule = Literal["", "rag", "self_route"]
NEEDS: tuple[Need, ...] = get_args(Need)
MEASURES: tuple[Measure, ...] = get_args(Measure)
MIDDLE = 6.0  # the feature `tokens` of 64 000 tokens, where a line's level is taken
RANGE = (3.0, 8.0)  # of the feature `tokens`, 8 000 to 256 000: beyond it a line is level, as no data tell its slope
TIE = 0.01  # of the score: a smaller expected difference does not count
_LIST = re.compile(r"\[([\d\s.,e-]+)\]")  # of numbers
_FAR = 3.0  # standard deviations at most: a user's documents are not LaRA's


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected results of both routes on a question, each 0 to 1.

    Args:
        needs: the probability of each need.
        abstains: the probability that the passages give no answer.
        rag, long: the score of each route by itself.
        rag_answered: the score of the passages' answer, if there is one.
        long_answered, long_abstained: the score of reading the whole after passages did or did not answer.
        silent_abstained: the chance that there is no answer, if the passages gave none.
    """

    needs: dict[Need, float]
    abstains: float
    rag: float
    long: float
    rag_answered: float
    long_answered: float
    long_abstained: float
    silent_abstained: float

    def gain(self, abstained: bool) -> float:
        """The gain of reading the whole after passages that gave no answer, or gave one."""
        if abstained:
            return self.long_abstained - self.silent_abstained
        return self.long_answered - self.rag_answered


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a router.

    Args:
        card: data, split, date, errors: what a reader should know.
        features: name -> mean and standard deviation in the data of the fit, and its weight for each need.
        needs: each need's bias.
        lines: measure -> need -> logit at 64 000 tokens and its change when the tokens double. `abstains`: how often
            passages give no answer; `rag` and `long`: the scores of both routes if they give one, `again`: that of
            the whole if they do not.
        engine: the model that they were fitted for; empty: any.
        rule: a fixed policy that decides instead of the lines, if the records did not show the lines to be worth more.
    """

    card: Mapping[str, Any]
    features: Mapping[str, Mapping[str, float]]
    needs: Mapping[Need, float]
    lines: Mapping[Measure, Mapping[Need, tuple[float, float]]]
    engine: str = ""
    version: int = VERSION
    rule: Rule = ""

    def at_share(self, share: float) -> Weights:
        """These weights for another share of questions without an answer than in the data they come from.

        Raises:
            SettingsError: the card does not tell the share in the data.
        """
        base = self.card.get("unanswerable")
        if not isinstance(base, float):
            raise SettingsError(
                "The router's weights do not tell which share of their questions had no answer, so "
                "routing.unanswerable cannot correct for it: leave it out, or fit the weights again."
            )
        shift = log(share / (1 - share)) - log(base / (1 - base))
        return replace(self, needs={**self.needs, "unanswerable": self.needs["unanswerable"] + shift})

    def shaped(self, features: Mapping[str, float]) -> dict[str, float]:
        """Features as standard deviations from their mean, at most 3."""
        return {
            name: max(-_FAR, min(_FAR, (features[name] - own["mean"]) / own["scale"]))
            for name, own in self.features.items()
        }

    def needed(self, features: Mapping[str, float]) -> dict[Need, float]:
        """The probability of each need; they add up to 1.

        A summary needs the whole as a comparison does: the data the weights come from have none, so this is a rule.
        """
        if features.get("kind_summary"):
            return {need: float(need == "comparison") for need in NEEDS}
        shaped = self.shaped(features)
        logits = {
            need: self.needs[need] + sum(own[need] * shaped[name] for name, own in self.features.items())
            for need in NEEDS
        }
        top = max(logits.values())
        raised = {need: exp(logit - top) for need, logit in logits.items()}
        total = sum(raised.values())
        return {need: value / total for need, value in raised.items()}

    def expected(self, features: Mapping[str, float], kept: Mapping[Measure, float] | None = None) -> Expected:
        """The expected results of both routes on a question.

        Args:
            kept: share of the score of `rag`, `long` and `again` that the engine keeps on this prompt, if measured. It
                does not count for unanswerable questions: nobody overlooks what is not there.

        Raises:
            KeyError: a feature is missing.
        """
        needs = self.needed(features)
        shares = kept or {}
        at = {
            measure: {
                need: _at(line, features["tokens"]) * (1.0 if need == "unanswerable" else shares.get(measure, 1.0))
                for need, line in lines.items()
            }
            for measure, lines in self.lines.items()
        }
        silent = {need: p * at["abstains"][need] for need, p in needs.items()}
        spoken = {need: p - silent[need] for need, p in needs.items()}
        abstains = sum(silent.values())
        answers = max(1e-9, 1 - abstains)
        rag = sum(p * at["rag"][need] for need, p in spoken.items())
        long = sum(p * at["long"][need] for need, p in spoken.items())
        again = sum(p * at["again"][need] for need, p in silent.items())
        return Expected(
            needs=needs,
            abstains=abstains,
            rag=rag + silent["unanswerable"],
            long=long + again,
            rag_answered=rag / answers,
            long_answered=long / answers,
            long_abstained=again / max(1e-9, abstains),
            silent_abstained=silent["unanswerable"] / max(1e-9, abstains),
        )

    def moved(self, features: Mapping[str, float], most: int = 3) -> list[tuple[str, float]]:
        """The features that moved the expected gain of reading the whole most, and by how much, to first order."""
        needs, shaped = self.needed(features), self.shaped(features)
        gains = {need: self._gain(need, features["tokens"]) for need in NEEDS}
        mean = sum(needs[need] * gains[need] for need in NEEDS)
        shares = {
            name: shaped[name] * sum(needs[need] * own[need] * (gains[need] - mean) for need in NEEDS)
            for name, own in self.features.items()
        }
        return sorted(shares.items(), key=lambda item: -abs(item[1]))[:most]

    def _gain(self, need: Need, tokens: float) -> float:
        """The gain of reading the whole for one need."""
        abstains, rag, long, again = (_at(self.lines[measure][need], tokens) for measure in MEASURES)
        return abstains * (again - float(need == "unanswerable")) + (1 - abstains) * (long - rag)


def _at(line: tuple[float, float], tokens: float) -> float:
    """A line's chance at a document's length, given as the feature `tokens`."""
    return 1 / (1 + exp(-line[0] - line[1] * (min(max(tokens, RANGE[0]), RANGE[1]) - MIDDLE)))


def save(weights: Weights, file: Path) -> None:
    """Write weights as JSON, each feature and each list on one line, replacing the file as a whole.

    Raises:
        SettingsError: it cannot be written.
    """
    data = asdict(weights)
    table = ",\n".join(f"  {json.dumps(name)}: {json.dumps(own)}" for name, own in data["features"].items())
    rest = json.dumps({**data, "features": 0}, indent=1, ensure_ascii=False)
    rest = _LIST.sub(lambda found: f"[{' '.join(found[1].split())}]", rest)
    write(file, rest.replace('"features": 0', '"features": {\n' + table + "\n }") + "\n")


def load(file: Path) -> Weights:
    """Weights that were saved.

    Raises:
        SettingsError: they cannot be read, or were fitted on other features.
    """
    text = read_text(file, f"the router's weights in {file} (routing.weights)", SettingsError)
    return _parsed(text, str(file))


def of_settings(named: str | None, engine: Callable[[], str]) -> Weights:
    """The weights to use: the named file, else the one that lies here, else the carried ones.

    Args:
        engine: tells the name of the engine that will answer; called only if the weights are for one engine, because it
            may contact a server.

    Raises:
        SettingsError: they cannot be used, or were fitted for another engine.
    """
    if named is None and not Path(FILE).is_file():
        return carried()
    file = Path(named or FILE)
    found = load(file)
    answers = engine() if found.engine else ""
    if answers and found.engine != answers:
        raise SettingsError(
            f"The router's weights in {file} were fitted for {found.engine}, and {answers} answers now: fit them again "
            "with `hybrid calibrate router`, or name others in routing.weights."
        )
    return found


@lru_cache(maxsize=1)
def carried() -> Weights:
    """The default weights, which know no model's name."""
    return _parsed((files("hybrid.routing") / "router.json").read_text(encoding="utf-8"), "the package")


def _parsed(text: str, where: str) -> Weights:
    again = "fit them again with `hybrid calibrate router`"
    try:
        data = json.loads(text)
        if data.get("version") != VERSION or list(data["features"]) != list(FEATURES):
            raise SettingsError(f"The router's weights in {where} were fitted on other features: {again}.")
        lines = {measure: {need: tuple(data["lines"][measure][need]) for need in NEEDS} for measure in MEASURES}
        if data.setdefault("rule", "") not in get_args(Rule):
            raise ValueError(data["rule"])
        return Weights(**{**data, "lines": lines})
    except (ValueError, TypeError, KeyError, AttributeError):
        raise SettingsError(f"The file {where} holds no weights of a router: {again}.") from None
