"""Fits the extractive engine's weights: `python -m hybrid.evals.research.fit_extractive --data DIR [--out FILE]`.

The data are the lost-in-the-middle questions (Natural Questions) with their gold passages and answer-free distractors;
a sentence is right if it contains a normalised answer as whole words. Questions are split in two halves by the title of
their article, distractors come from the same half, so the halves share no question, passage or article. Every figure
and threshold is cross-fitted: measured on one half with weights from the other. The weights written are fitted on both.

A question is read in several situations: 5 to 10 passages with the gold one among them, distractors only, and the gold
passage without its answering sentences among distractors; for every third question the same in one text of up to 150
passages; a made question with and without its sentence. A passage's title is in turn its document's name and its
heading. Passages without a title serve to order sentences only: many do not support the answer without one.

Made questions stand for those that are phrased after the text: half of the words of one sentence of the gold passage,
with a name, date or number replaced by a question word. Natural Questions are searches by people who had not seen the
page; fitted on them alone, the model finds the passage and hardly looks at which sentence has the question's words.
Short documents are made too (`hybrid.evals.research.short_documents`): what people ask of a page has the words of its
labels, and what it does not say is about the same matter. The three ways of asking weigh the same.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import click
import numpy as np
from hybrid.evals.bench import easy
from hybrid.evals.cli.common import FOLDER
from hybrid.evals.research import short_documents
from hybrid.evals.research.questions import Question, Remembering, count_words, holds, load, made, pieces
from hybrid.evals.research.separation import Floats, area, fit_answered, fit_choice, threshold_of
from numpy.typing import NDArray

from hybrid.chat.prompts import Prompt
from hybrid.corpus.readers.read import read
from hybrid.engines.extractive import NEAR, Extractive
from hybrid.engines.quoting.features import overall_of
from hybrid.engines.quoting.weights import FEATURES, OVERALL, Weights
from hybrid.types import Piece

ANSWERABLE = {
    "passages": True,
    "bare": True,  # not used to fit when to abstain
    "distractors": False,
    "removed": False,
    "long": True,
    "long_without": False,
    "long_removed": False,
    "made": True,
    "made_removed": False,
    "short": True,  # all of one short document, which is made
    "short_absent": False,
    "asked": True,  # all of one short document, with questions of people: `hybrid.evals.bench.easy`, looked at
    "asked_absent": False,
}
SOLE = tuple(name for name in ANSWERABLE if name.startswith(("short", "asked")))
SHORT_DATA = "questions of hybrid.evals.bench.easy that were looked at, but those of the set seventh"
SHORT = 400  # short documents that are made
DATE = "2026-11-27"
REFUSED = 0.035  # share of answerable questions that may be refused, the mean of the situations in JUDGED
JUDGED = ("passages", "long", "made")
# of those looked at; with `seventh`, most of whose questions avoid the words of their documents, plain ones get worse
ASKED = ("dev", "second", "third", "fourth", "last", "sixth")
SHORT_ANSWERED = 0.07  # share of the questions that a short document does not answer that may be answered
NOT_ON_A_PAGE = frozenset(  # where in a long text a sentence stands
    ("cosine_piece", "covered_piece", "characters", "fresh", "score", "cosine_best", "covered_best")
)
ON_A_PAGE = frozenset((*FEATURES, *OVERALL)) - NOT_ON_A_PAGE
SECOND = 1.0  # a second sentence whose share of the softmax is at least e^-1 of the best one's is quoted too
QUOTED = ("best", "best_two", "quoted", "quoted_sentences")


@dataclass(frozen=True)
class Case:
    """A question in one situation, as the engine sees it."""

    question: int
    half: int
    situation: str
    kindless: bool
    features: Floats  # one row per sentence read closely
    right: NDArray[np.bool_]
    size: NDArray[np.intp]  # words of each sentence
    read: int  # sentences scanned
    missing: float  # share of the question's words that stand nowhere
    near: Floats  # of a short document, FEATURES and OVERALL of each sentence that is compared closely


def cases(questions: Sequence[Question], weights: Weights) -> list[Case]:
    """Every question in every situation, and those on short documents, read by the engine; each half by a process."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        halves = pool.map(_cases, (0, 1), [questions] * 2, [weights] * 2)
        return [case for half in halves for case in half if len(case.features)]  # nothing is left without the answer


def _cases(half: int, questions: Sequence[Question], weights: Weights) -> list[Case]:
    engine = Extractive(Remembering(), weights=weights)
    pool = list(dict.fromkeys(q.gold for q in questions if q.half == half))
    found = []
    for number, question in enumerate(questions):
        derived = made(question)
        for situation in ANSWERABLE if question.half == half else ():
            if situation in SOLE:
                continue
            shown = derived if "made" in situation else question
            if shown is not None and (number % 3 == 0 or not situation.startswith("long")):
                found.append(_case(engine, number, shown, situation, pieces(shown, situation, pool)))
    for number, short in enumerate(short_documents.made(SHORT if questions else 0), len(questions)):
        if short.half == half:
            asked = Question(short.question, short.golds, ("", ""), (), half)
            found.append(_case(engine, number, asked, "short" if short.golds else "short_absent", list(short.pieces())))
    return [*found, *_asked(engine, half)]


def _asked(engine: Extractive, half: int) -> Iterator[Case]:
    """The questions on short documents that were looked at, halved by document."""
    every = [(name, sample) for name in ASKED for sample in easy.samples(name)]
    for number, (name, sample) in enumerate(every, 10**6):
        file, golds = easy.SHORT / name / sample["document"], tuple(sample["gold"])
        if crc32(f"{name}/{file.name}".encode()) & 1 == half:
            asked = Question(sample["question"], golds, ("", ""), (), half)
            shown = [Piece(file.name, read(file.name, file.read_bytes()).text, 0)]
            has = partial(_within, others=sample.get("not", ()))
            yield _case(engine, number, asked, "asked" if golds else "asked_absent", shown, has)


def _within(text: str, answers: Sequence[str], others: Sequence[str]) -> bool:
    """Whether `text` contains one of the answers as it is and nothing else's, as `hybrid.evals.bench.easy` counts."""
    flat = " ".join(text.split())
    return any(" ".join(gold.split()) in flat for gold in answers) and not any(other in flat for other in others)


def _case(
    engine: Extractive,
    number: int,
    question: Question,
    situation: str,
    shown: Sequence[Piece],
    has: Callable[[str, Sequence[str]], bool] = holds,
) -> Case:
    prompt = Prompt(question.text, tuple(shown))
    reading = engine.read(prompt)
    texts = [prompt.pieces[p].text[a:b] for p, a, b in reading.spans()]
    right = np.array([ANSWERABLE[situation] and has(text, question.answers) for text in texts], dtype=bool)
    size = np.array([len(text.split()) for text in texts])
    kindless = bool(reading.overall[OVERALL.index("kindless")])
    return Case(
        number,
        question.half,
        situation,
        kindless,
        reading.ranked.features,
        right,
        size,
        len(reading.scan),
        float(reading.overall[OVERALL.index("missing")]),
        reading.near,
    )


def fit_order(found: Sequence[Case], ridge: float = 1e-3) -> Floats:
    """Weights that give a question's right sentences the largest share of a softmax over all of its sentences."""
    given = [case for case in found if case.right.any()]
    sources = [case.situation if case.situation in ("made", "short") else "searched" for case in given]
    members = Counter(sources)
    share = np.array([1 / len(members) / members[source] for source in sources])
    longest = max(len(case.right) for case in given)
    rows = np.zeros((len(given), longest, len(FEATURES)))
    every, right = np.full((2, len(given), longest), -1e9)
    for i, case in enumerate(given):
        rows[i, : len(case.right)], every[i, : len(case.right)] = case.features, 0
        right[i, : len(case.right)][case.right] = 0
    scale = rows[every == 0].std(0) + 1e-9
    weights: Floats = fit_choice(rows / scale, every, right, share, np.full(len(FEATURES), ridge)) / scale
    return weights


def top(case: Case, order: Floats) -> Floats:
    """The features the second model sees: those of the best sentence, and OVERALL."""
    scores = case.features @ order
    best = np.argsort(-scores, kind="stable")
    return np.concatenate(
        [
            case.features[best[0]],
            overall_of(case.features[best], scores[best], case.kindless, case.read, case.missing),
        ]
    )


@dataclass(frozen=True)
class Models:
    """Both models, fitted on the same cases."""

    order: Floats
    answered: Floats
    bias: float
    short: Floats
    short_bias: float

    def logit(self, case: Case) -> float:
        """The logit of the chance that the question is answered."""
        if len(case.near):
            return float((case.near @ self.short).max() + self.short_bias)
        return float(top(case, self.order) @ self.answered + self.bias)

    def ranked(self, case: Case) -> NDArray[np.intp]:
        """Its sentences, best first."""
        scores = case.near @ self.short if len(case.near) else case.features @ self.order
        return np.argsort(-scores, kind="stable")


def fit(found: Sequence[Case], kept: Weights | None = None) -> Models:
    """Answerable and unanswerable cases weigh the same, and so do the situations of each.

    Args:
        kept: weights that stay as they are, except those of short documents.
    """
    if kept is None:
        order = fit_order([case for case in found if ANSWERABLE[case.situation]])
        given = [case for case in found if case.situation not in ("bare", *SOLE)]
        answered, bias = _fit_answered(given, order)
    else:
        order = np.array([kept.order[name] for name in FEATURES])
        answered = np.array([kept.answered.get(name, 0.0) for name in (*FEATURES, *OVERALL)])
        bias = kept.bias
    return Models(order, answered, bias, *fit_short([case for case in found if case.situation.startswith("asked")]))


def fit_short(found: Sequence[Case], ridge: float = 1e-2) -> tuple[Floats, float]:
    """The model of short documents: each of the sentences that are compared closely, or none of them, is the answer.
    Weights and bias."""
    used = np.array([name in ON_A_PAGE for name in (*FEATURES, *OVERALL)])
    every = np.concatenate([case.near[:, used] for case in found])
    mean, scale = every.mean(0), every.std(0) + 1e-9
    rows = np.zeros((len(found), NEAR + 1, int(used.sum()) + 1))  # the last feature is the bias
    given, right = np.full((2, len(found), NEAR + 1), -1e9)
    given[:, NEAR] = 0  # the last stands for none
    rows[:, :NEAR, -1] = 1
    for i, case in enumerate(found):
        rows[i, : len(case.near), :-1], given[i, : len(case.near)] = (case.near[:, used] - mean) / scale, 0
        hits = np.flatnonzero(case.right[: len(case.near)])
        right[i, hits if len(hits) else NEAR] = 0
    share = np.full(len(found), 1 / len(found))
    fitted = fit_choice(rows, given, right, share, np.append(np.full(int(used.sum()), ridge), 0))
    weights = np.zeros(len(used))
    weights[used] = fitted[:-1] / scale
    return weights, float(fitted[-1] - weights[used] @ mean)


def _fit_answered(found: Sequence[Case], order: Floats) -> tuple[Floats, float]:
    labels = np.array([ANSWERABLE[case.situation] for case in found])
    sorts = [(case.situation, bool(label)) for case, label in zip(found, labels, strict=True)]
    members, kinds = Counter(sorts), Counter(label for _, label in set(sorts))
    share = np.array([0.5 / kinds[sort[1]] / members[sort] for sort in sorts])
    return fit_answered(np.array([top(case, order) for case in found]), labels, share)


def measure(found: Sequence[Case], kept: Weights | None = None) -> dict[str, Any]:
    """The threshold and how good the models are, each half measured with the models of the other; see `fit`."""
    logits: dict[str, list[float]] = {situation: [] for situation in ANSWERABLE}
    quoted: dict[str, list[tuple[bool, bool, bool, float]]] = {s: [] for s, yes in ANSWERABLE.items() if yes}
    for half in (0, 1):
        models = fit([case for case in found if case.half != half], kept)
        for case in found:
            if case.half == half:
                logits[case.situation].append(models.logit(case))
                if case.right.any():
                    quoted[case.situation].append(_quoted(case, models))
    judged = [np.sort(logits[situation]) for situation in JUDGED]
    threshold = threshold_of(judged, REFUSED) if kept is None else np.log(kept.threshold / (1 - kept.threshold))
    shift = threshold - float(np.quantile(logits["asked_absent"], 1 - SHORT_ANSWERED))
    logits = {s: [v + shift for v in values] if s in SOLE else values for s, values in logits.items()}
    hits = {
        situation: {"questions": len(rows), **dict(zip(QUOTED, np.mean(rows, axis=0).round(3).tolist(), strict=True))}
        for situation, rows in quoted.items()
        if rows
    }
    refused = {s: round(float(np.mean(np.array(values) < threshold)), 3) for s, values in logits.items() if values}
    areas = {
        s: round(area(logits[_answerable(s)], logits[s]), 3)
        for s, answerable in ANSWERABLE.items()
        if not answerable and logits[s]
    }
    return {"threshold": threshold, "shift": shift, "right_sentence": hits, "refused": refused, "roc_auc": areas}


def _answerable(situation: str) -> str:
    """The answerable situation to compare an unanswerable one with."""
    first = situation.split("_")[0]
    return first if ANSWERABLE.get(first) else "passages"


def _quoted(case: Case, models: Models) -> tuple[bool, bool, bool, float]:
    scores = case.near @ models.short if len(case.near) else case.features @ models.order
    best = models.ranked(case)[:2]
    count = 1 + int(len(best) > 1 and scores[best[0]] - scores[best[1]] <= SECOND)
    return bool(case.right[best[0]]), bool(case.right[best].any()), bool(case.right[best[:count]].any()), float(count)


def write(file: Path, stored: dict[str, Any]) -> None:
    """JSON with one weight per line and the words in filled lines."""
    words = textwrap.fill(json.dumps({w: int(c) for w, c in stored["words"].items()}, ensure_ascii=False)[1:-1], 118)
    rest = json.dumps({**stored, "words": 0}, indent=1, ensure_ascii=False)
    file.write_text(rest.replace('"words": 0', '"words": {\n' + words + "\n}") + "\n", encoding="utf-8")


@click.command()
@click.option(
    "--data",
    type=FOLDER,
    required=True,
    help="folder with litm/ and leval/",
)
@click.option("--short", is_flag=True, help="fit only the model of short documents anew")
@click.option("--out", type=click.Path(path_type=Path), default="hybrid/engines/extractive.json")
def main(data: Path, short: bool, out: Path) -> None:
    """Fit, measure, write, and say how good it is."""
    questions = load(data)
    total, words = count_words(questions)
    first = Weights.load().order  # tells which sentences may come out best; their tokens are compared
    blank = Weights(first, {}, 0.0, {}, 0.0, 0.0, 0.0, 0.0, float(total), words)
    kept = Weights.load() if short else None
    found = cases([] if short else questions, blank)
    measured, models = measure(found, kept), fit(found, kept)
    threshold, shift = 1 / (1 + np.exp(-measured.pop("threshold"))), measured.pop("shift")
    of_short = {
        "short": _named((*FEATURES, *OVERALL), models.short),
        "short_bias": round(models.short_bias + shift, 4),
    }
    made_by = f"python -m hybrid.evals.research.fit_extractive{' --short' if short else ''}, {DATE}"
    counted = {"cases": dict(Counter(case.situation for case in found)), **measured}
    if kept is not None:
        stored = json.loads(out.read_text("utf-8"))
        card = {"made": made_by, "data": SHORT_DATA, **counted}
        write(out, {**stored, "card": {**stored["card"], "short": card}, **of_short})
        print(json.dumps(card, indent=1))
        return
    card = {
        "what": "orders sentences by how well they answer a question, and tells whether any does",
        "data": "lost-in-the-middle (Natural Questions), nq_open_oracle.dev and nq_open_distractors.dev; " + SHORT_DATA,
        "made": made_by,
        "embedder": "all-MiniLM-L6-v2",
        "split": "two halves by crc32 of the article's title, cross-fitted; the weights below are fitted on both",
        "questions": len(questions),
        **counted,
    }
    stored = {
        "card": card,
        "order": _named(FEATURES, models.order),
        "answered": _named((*FEATURES, *OVERALL), models.answered),
        "bias": round(models.bias, 4),
        **of_short,
        "threshold": round(float(threshold), 4),
        "collect": round(float(threshold) / 2, 4),
        "second": SECOND,
        "sentences": total,
        "words": words,
    }
    write(out, stored)
    print(json.dumps(card, indent=1))


def _named(names: Sequence[str], weights: Floats) -> dict[str, float]:
    return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}


if __name__ == "__main__":
    main()
