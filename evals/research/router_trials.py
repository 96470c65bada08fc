"""What each signal would add to the router, by cross-validation on the first half of LaRA's documents.

Run `python -m hybrid.evals.research.router_trials --data DIR --signals FILE` after `router_signals`. It takes a minute.

Every figure is of documents that its weights were not fitted on: five folds of groups, divided four times, the mean of
the four. Policies are compared where they spend the same share of the long route's tokens: the worth of a right answer
is set so that they do, between two worths by interpolation. Intervals (95 %) draw groups. The second half has no part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from zlib import crc32

import click
import numpy as np
from hybrid.evals.cli.common import FOLDER
from hybrid.evals.research.fit_router import CARRIED_PRIOR, CARRIED_RIDGE, examples
from hybrid.evals.research.router_data import NEED, Floats, Measured, Row, rows
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from hybrid.files import read_lines
from hybrid.routing.features import FEATURES, RETRIEVAL
from hybrid.routing.fit import fit_lines
from hybrid.routing.policies.calibrated import dollars
from hybrid.routing.weights import MEASURES, NEEDS, TIE, Measure, Need, Weights
from hybrid.types import Route

Places = NDArray[np.intp]
Marks = NDArray[np.bool_]
Lines = dict[Measure, dict[Need, tuple[float, float]]]
Fit = Callable[[Places, Places], dict[str, Floats]]  # places to fit on, and to tell -> what is expected there

SHARE = 0.3  # of the long route's tokens
FOLDS, DIVISIONS = 5, 4
_WORTHS = np.exp(np.linspace(np.log(0.004), np.log(30), 90))  # dollars of a right answer
_UNANSWERABLE = NEEDS.index("unanswerable")
_MOST = 0.3  # of the score: a correction of the gain
_ROUTES: tuple[Route, ...] = ("rag", "long")
_TOKENS = FEATURES.index("tokens")
_ALL = slice(None)
_MANY = 0.03  # ridge where there are many more columns
_WORTH = 0.3  # dollars of a right answer, as `prefer = "balance"` has it
_NAMES = {
    "a": "whether passages suffice",
    "b": "two readings",
    "c": "coverage",
    "d": "positions",
    "q": "wording",
    "g": "bound: how much of the answer they have",
}
LEARNT, BOUND, STOP = 40.0, 0.1, 3.0  # see `Trials.streamed`
_SEEN = 5.0  # questions that a correction's mean counts as


class Trials:
    """The questions of the first half as arrays, with every trial on them."""

    def __init__(self, table: Sequence[Row]) -> None:
        self.table, models = list(table), table[0].models
        self.measured = Measured(self.table)
        self.features = np.array([[row.features[name] for name in FEATURES] for row in table])
        self.sizes = np.array([row.size for row in table])
        self.need = np.array([NEEDS.index(NEED[row.task]) for row in table])
        self.group = np.array([row.group for row in table])
        self.rag, self.long = (np.array([[r.score(m, route) for m in models] for r in table]) for route in _ROUTES)
        self.silent = np.array([[row.cases[m].outcomes["rag"].abstained for m in models] for row in table])
        self.tokens = {
            route: np.array([[r.cases[m].outcomes[route].tokens for m in models] for r in table], float)
            for route in _ROUTES
        }
        self.prices = [
            np.array([[dollars(r.cases[m].situation.predictions[rung]) for m in models] for r in table])
            for rung in ("passages", "corpus")
        ]
        self.weight = np.array([example.weight for example in examples(table, models)]).reshape(len(table), -1)
        one, other = self.measured.sets(self.rag), self.measured.sets(self.long)
        self.fixed = np.where(one[:1] >= other[:1], one, other).mean((1, 2))
        self._lines = lru_cache(maxsize=None)(self._fitted_lines)

    # -- what is expected ----------------------------------------------------------------------------------------

    def lines(self, inside: Places) -> Lines:
        """The lines fitted on some questions, whose needs are known."""
        return self._lines(tuple(inside.tolist()))

    def _fitted_lines(self, inside: tuple[int, ...]) -> Lines:
        found = examples([self.table[i] for i in inside], self.table[0].models)
        level = {measure: dict.fromkeys(NEEDS, (0.0, 0.0)) for measure in MEASURES}
        known = np.eye(len(NEEDS))[[NEEDS.index(example.need) for example in found if example.need]]
        return fit_lines(found, known, level, CARRIED_PRIOR)

    def expected(self, lines: Lines, needs: Floats, inside: Places) -> dict[str, Floats]:
        """What `hybrid.routing.weights` expects, for the given chances of the needs."""
        keys = ("abstains", "rag", "long", "rag_answered")
        found: dict[str, list[float]] = {key: [] for key in (*keys, "silent", "spoken", "unanswerable")}
        for i, chances in zip(inside, needs, strict=True):
            biases = dict(zip(NEEDS, np.log(np.maximum(chances, 1e-12)).tolist(), strict=True))
            one = Weights({}, {}, biases, lines).expected({"tokens": float(self.features[i, _TOKENS])})
            for key in keys:
                found[key].append(getattr(one, key))
            found["silent"].append(one.gain(True))
            found["spoken"].append(one.gain(False))
            inside_silence = one.silent_abstained * one.abstains
            found["unanswerable"].append((chances[_UNANSWERABLE] - inside_silence) / max(1e-9, 1 - one.abstains))
        return {key: np.array(values)[:, None] for key, values in found.items()} | {"needs": needs}

    def needs_fitted(self, columns: Floats, ridge: float = CARRIED_RIDGE) -> Fit:
        """The classifier of needs on some columns, as `fit_router.first_fit` makes it."""

        def fit(inside: Places, told: Places) -> dict[str, Floats]:
            share = self.weight[inside].sum(1) / self.weight[inside].sum()
            shaped = _standard(columns[inside], share)
            model = LogisticRegression(C=1 / ridge, tol=1e-9, max_iter=10_000)
            model.fit(shaped(columns[inside]), self.need[inside], sample_weight=share)
            return self.expected(self.lines(inside), model.predict_proba(shaped(columns[told])), told)

        return fit

    def needs_known(self) -> Fit:
        """A bound: the need of every question is known."""
        known = np.eye(len(NEEDS))[self.need]
        return lambda inside, told: self.expected(self.lines(inside), known[told], told)

    def corrected(self, fit: Fit, columns: Floats, ridge: float) -> Fit:
        """The gain of the whole corrected by a ridge regression, on gains that other folds expected."""

        def corrected(inside: Places, told: Places) -> dict[str, Floats]:
            found, own = fit(inside, told), self._apart(fit, inside)
            for key, silent in (("spoken", False), ("silent", True)):
                use = self.silent[inside] == silent
                weight = self.weight[inside][use] * use.shape[1]
                each = np.repeat(columns[inside][:, None], use.shape[1], 1)[use]
                shaped = _standard(each, weight)
                left = (self.long - self.rag)[inside][use] - np.broadcast_to(own[key], use.shape)[use]
                best = _ridge(shaped(each), left, weight, ridge)
                more = best[0] + shaped(columns[told]) @ best[1:]
                found[key] = found[key] + np.clip(more, -_MOST, _MOST)[:, None]
            gain = found["abstains"] * found["silent"] + (1 - found["abstains"]) * found["spoken"]
            return found | {"long": found["rag"] + gain}

        return corrected

    def _apart(self, fit: Fit, inside: Places) -> dict[str, Floats]:
        """What is expected of the questions of a fit by fits on the others of them."""
        fold = _folds(self.group[inside], 4, "inner")
        return _joined([(fold == k, fit(inside[fold != k], inside[fold == k])) for k in range(4)])

    def crossed(self, fit: Fit) -> list[dict[str, Floats]]:
        """For each division, what is expected of every question by weights fitted on other folds."""
        found = []
        for division in range(DIVISIONS):
            fold = _folds(self.group, FOLDS, str(division) if division else "")
            parts = [(fold == k, fit(np.flatnonzero(fold != k), np.flatnonzero(fold == k))) for k in range(FOLDS)]
            found.append(_joined(parts))
        return found

    # -- what a policy makes of it -------------------------------------------------------------------------------

    def decided(
        self, of: Mapping[str, Floats], worth: float, margin: float | None = None, inside: Places | slice = _ALL
    ) -> tuple[Floats, Floats]:
        """Score and tokens of the policy `calibrated`, each of shape (questions, models).

        Args:
            margin: an answer from passages gives way to silence where that scores more by this; None: never.
            inside: the questions that `of` is about.
        """
        direct, second, withheld = self.ways(of, worth, margin, inside)
        right = (self.need[inside] == _UNANSWERABLE)[:, None]
        score = np.where(withheld, right, np.where(direct | second, self.long[inside], self.rag[inside]))
        read = self.tokens["rag"][inside] + second * self.tokens["long"][inside]
        return score, np.where(direct, self.tokens["long"][inside], read)

    def ways(
        self, of: Mapping[str, Floats], worth: float, margin: float | None = None, inside: Places | slice = _ALL
    ) -> tuple[Marks, Marks, Marks]:
        """Where the whole is read at once, where after passages, and where their answer gives way to silence."""
        passages, whole = (price[inside] for price in self.prices)
        mute, silent, spoken = self.silent[inside], of["silent"], of["spoken"]
        again = {True: (silent - TIE) * worth > whole, False: (spoken - TIE) * worth > whole}
        chance = of["abstains"] * again[True] + (1 - of["abstains"]) * again[False]
        gain = of["abstains"] * again[True] * silent + (1 - of["abstains"]) * again[False] * spoken
        spent = passages + chance * whole
        more_of_whole = (of["long"] - of["rag"] - gain) * worth - whole + spent
        direct = np.where(spent <= whole, more_of_whole > TIE * worth, more_of_whole >= -TIE * worth)
        withheld = np.zeros_like(mute)
        if margin is not None:
            more = of["unanswerable"] - of["rag_answered"]
            withheld = ~direct & ~mute & (more > margin) & (more * worth > spoken * worth - whole)
        return direct, ~direct & np.where(mute, again[True], again[False]) & ~withheld, withheld

    def share(self, tokens: Floats) -> float:
        """Tokens as a share of the long route's, mean over lengths and models."""
        whole = self.tokens["long"]
        parts = [self.sizes == size for size in self.measured.sizes]
        return float(np.mean([tokens[part].sum(0) / whole[part].sum(0) for part in parts]))

    def at(self, of: Mapping[str, Floats], share: float, margin: float | None = None) -> Floats:
        """The score where a share of the tokens is spent."""
        tried = [self.decided(of, float(worth), margin) for worth in _WORTHS]
        points = sorted(((self.share(tokens), i) for i, (_, tokens) in enumerate(tried)))
        above = next((k for k, (spent, _) in enumerate(points) if spent > share), len(points) - 1)
        (low, one), (high, other) = points[max(0, above - 1)], points[above]
        part = float(np.clip((share - low) / (high - low), 0, 1)) if high > low else 0.0
        return (1 - part) * tried[one][0] + part * tried[other][0]

    def figure(self, fit: Fit, share: float = SHARE, margin: float | None = None) -> Floats:
        """Points over the better fixed route: as the questions are, and of each draw of groups."""
        score = np.mean([self.at(of, share, margin) for of in self.crossed(fit)], axis=0)
        return np.asarray(self.measured.sets(score).mean((1, 2)) - self.fixed)

    # -- learning as it goes -------------------------------------------------------------------------------------

    def streamed(self, of: Mapping[str, Floats], worth: float, explored: float, seed: int) -> tuple[Floats, Floats]:
        """Score and tokens where, for each model and length, the expected gain follows what explored questions showed.

        Two numbers are learnt in the order of the documents, the shift after an answer and after silence: the mean of
        what was left, drawn to 0 as by `LEARNT` questions, within `BOUND`. A stream that has lost `STOP` right answers
        by it goes on without.
        """
        models = np.arange(self.rag.shape[1])
        draw = np.random.default_rng(seed).random(self.rag.shape) < explored
        plain = self.decided(of, worth)
        score, tokens = plain[0].copy(), plain[1].copy()
        for size in self.measured.sizes:
            seen, count, lost = np.zeros((2, len(models))), np.full((2, len(models)), LEARNT), np.zeros(len(models))
            for i in np.flatnonzero(self.sizes == size):
                shift = np.clip(seen / count, -BOUND, BOUND) * (lost < STOP)
                own = {key: values[i : i + 1] for key, values in of.items()}
                own |= {"spoken": own["spoken"] + shift[0], "silent": own["silent"] + shift[1]}
                own["long"] = own["long"] + own["abstains"] * shift[1] + (1 - own["abstains"]) * shift[0]
                one, other = self.decided(own, worth, inside=np.array([i]))
                score[i], tokens[i] = one[0], other[0]
                left = (self.long - self.rag)[i] - np.where(self.silent[i], of["silent"][i], of["spoken"][i])
                seen[self.silent[i].astype(int), models] += draw[i] * left
                count[self.silent[i].astype(int), models] += draw[i]
                lost += draw[i] * (plain[0][i] - score[i])
        return score, tokens


def _standard(columns: Floats, weight: Floats) -> Callable[[Floats], Floats]:
    """What puts columns into standard deviations from their mean, at most 3."""
    mean = weight @ columns / weight.sum()
    scale = np.sqrt(weight @ (columns - mean) ** 2 / weight.sum())
    scale[scale < 1e-9] = 1.0
    return lambda other: np.clip((other - mean) / scale, -3, 3)


def _ridge(columns: Floats, target: Floats, weight: Floats, ridge: float) -> Floats:
    """A weighted ridge regression: the mean, and what each column counts."""
    wide = np.column_stack([np.ones(len(columns)), columns])
    penalty = np.diag([_SEEN, *[ridge] * columns.shape[1]])
    found = np.linalg.solve((wide * weight[:, None]).T @ wide + penalty, wide.T @ (weight * target))
    return np.asarray(found, np.float64)


def _folds(group: NDArray[np.str_], folds: int, division: str) -> Places:
    """The fold of each question, by its group; the division without a name is that of `fit_router --choose`."""
    order = sorted(set(group.tolist()), key=lambda name: crc32(f"{division} {name}".strip().encode()))
    return np.array([order.index(name) % folds for name in group.tolist()])


def _joined(parts: Sequence[tuple[Marks, dict[str, Floats]]]) -> dict[str, Floats]:
    """What is expected of all questions, of that of each fold."""
    found: dict[str, Floats] = {}
    for inside, told in parts:
        for key, values in told.items():
            found.setdefault(key, np.zeros((len(inside), values.shape[1])))[inside] = values
    return found


def interval(draws: Floats) -> str:
    """The first of some draws with the interval of the others."""
    low, high = np.percentile(draws[1:], [2.5, 97.5])
    return f"{draws[0]:+.2f} ({low:+.2f} to {high:+.2f})"


def trials(trial: Trials, signals: Mapping[str, Floats]) -> dict[str, tuple[Fit, float | None]]:
    """What is tried: how expectations are fitted, and the margin of silence."""
    own, bound = trial.features, signals[_NAMES["g"]]
    signals = {name: part for name, part in signals.items() if name != _NAMES["g"]}
    everything = np.column_stack([own, *signals.values()])
    base = trial.needs_fitted(own)
    with_all = trial.needs_fitted(everything, _MANY)
    found: dict[str, tuple[Fit, float | None]] = {"the 26 features": (base, None)}
    for name, columns in signals.items():
        found[f"and {name}"] = trial.needs_fitted(np.column_stack([own, columns])), None
    for name, columns in signals.items():
        found[f"gain corrected by {name}"] = trial.corrected(base, columns, 200.0), None
    found["and all signals"] = with_all, None
    found["gain corrected by features and all signals"] = trial.corrected(base, everything, 400.0), None
    for ridge in (100.0, 1_600.0):
        found[f"the same, ridge {ridge:g}"] = trial.corrected(base, everything, ridge), None
    for gone in ("ab", "q"):
        kept = [part for name, part in signals.items() if name not in [_NAMES[key] for key in gone]]
        without = " and ".join(_NAMES[key] for key in gone)
        found[f"the same without {without}"] = trial.corrected(base, np.column_stack([own, *kept]), 400.0), None
    found["bound: the need of every question known"] = trial.needs_known(), None
    found[_NAMES["g"]] = trial.corrected(base, bound, 30.0), None
    seen = [i for i, name in enumerate(FEATURES) if name in RETRIEVAL or name == "tokens"]
    evidence = np.column_stack([own[:, seen], *(part for name, part in signals.items() if name != _NAMES["q"])])
    found["silence if better by 0.2, by what was found alone"] = trial.needs_fitted(evidence, _MANY), 0.2
    for margin in (0.0, 0.2):
        found[f"silence if better by {margin:g}"] = base, margin
        found[f"and all signals, silence if better by {margin:g}"] = with_all, margin
    return found


@click.command()
@click.option("--data", type=FOLDER, required=True, help="folder lara/")
@click.option("--signals", "file", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--share", type=float, default=SHARE, show_default=True, help="of the long route's tokens")
def main(data: Path, file: Path, share: float) -> None:
    """Try every signal."""
    lines = list(read_lines(file))
    if any(line["half"] for line in lines):
        raise click.UsageError(f"{file} has questions of the second half, which is not for choosing.")
    trial = Trials(rows(data, file))
    groups = {name[0] for name in lines[0]["signals"]}
    columns = {
        _NAMES[group]: np.array([[v for k, v in line["signals"].items() if k.startswith(group)] for line in lines])
        for group in sorted(groups)
    }
    base: Floats | None = None
    for name, (fit, margin) in trials(trial, columns).items():
        got = trial.figure(fit, share, margin)
        base = got if base is None else base
        print(f"{name:58} {interval(got)}  more {interval(got - base)}", flush=True)
    told = trial.crossed(trial.needs_fitted(trial.features))
    absent = trial.need == _UNANSWERABLE
    weight = trial.weight.sum(1)
    area = [roc_auc_score(absent, of["needs"][:, _UNANSWERABLE], sample_weight=weight) for of in told]
    print(f"area under the curve of questions without an answer: {np.mean(area):.3f}")
    withheld = [trial.ways(of, _WORTH, margin=0.0)[2] for of in told]
    wrongly = [mask[~absent].sum() / max(1, mask.sum()) for mask in withheld]
    print(f"answers withheld: {np.mean([mask.sum() for mask in withheld]):.0f}, wrongly {np.mean(wrongly):.2f}")
    for explored in (0.02, 0.05, 0.2, 1.0):
        pairs = [(trial.decided(of, _WORTH), trial.streamed(of, _WORTH, explored, k)) for k, of in enumerate(told)]
        more = trial.measured.sets(np.mean([after[0] - before[0] for before, after in pairs], axis=0)).mean((1, 2))
        spent = [np.mean([trial.share(pair[k][1]) for pair in pairs]) for k in (0, 1)]
        print(f"learning as it goes, explored {explored:g}: {interval(more)}, tokens {spent[0]:.3f} to {spent[1]:.3f}")


if __name__ == "__main__":
    main()
