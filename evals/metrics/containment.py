"""Whether cited texts hold what a statement says, by rule and without a model.

They hold it where they have its numbers, dates and codes (in any spelling, and not of another unit), its names, and at
least `ENOUGH` of its other content words, inflections aside. Three more rules look at where these stand:

- **Another figure fits better.** A number is not held where another one of the same kind (year, share, amount, count),
  which the statement does not have, stands clearly nearer to the words that stand near the number in the statement.
- **Denial.** Where the sentence that has most of the statement denies a word of it, the statement has to deny it too,
  and the reverse.
- **Word for word** is held in any case.

It knows no synonyms and no roles: it is sure of verbatim and near-verbatim statements, misses free paraphrases, and is
misled where the same words say something else, such as one name in the place of another. What it is worth is measured
by `python -m hybrid.evals.bench.cited`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from hybrid.text.sentences import sentences
from hybrid.text.values import values
from hybrid.text.words import MONTHS, STOP, WORD, codes, dates, fold, numbers, stem

ENOUGH = 0.5  # share of the content words; `python -m hybrid.evals.bench.cited` tells why
CLEARLY = 1.3  # times nearer that another figure has to be
_NEAR = 20.0  # words; at this distance a word counts half
_ELSEWHERE = 0.5  # of a word's worth where it stands in another sentence of the text, or in its title
_LONG_NAME = 5  # letters from which a name may go on: Japan, Japanese
_TOGETHER = 3  # words between which the parts of a name stand: Barack Hussein Obama
_SCOPE = 4  # content words behind a denial that it is of
_SAME = 0.8  # of the most words that a sentence has: as good a place for the statement

_DIGITS = re.compile(r"\d+")
_TIME = re.compile(r"(?<![\d:])\d{1,2}(?::\d{2}){1,2}(?![\d:])")
_YEAR = re.compile(r"1\d{3}|20\d{2}")
_MONTH_BEHIND = re.compile(rf"(?:st|nd|rd|th)?(?: of| day of)? (?:{MONTHS})\b", re.IGNORECASE)
_MONTH_BEFORE = re.compile(rf"\b(?:{MONTHS})\.? (?:the )?$", re.IGNORECASE)
_ORDER = re.compile(r"(?:st|nd|rd|th)\b")
_SCALE = re.compile(r"[ -](million|billion|trillion)\b", re.IGNORECASE)
_SCALES = {"million": 10**6, "billion": 10**9, "trillion": 10**12}
_DENIAL = re.compile(
    r"\b(?:not(?! (?:only|just|merely)\b)|no(?!\.? ?\d| (?:later|earlier|less|more|fewer|longer than|sooner)\b)"
    r"|never|none|nor|neither|without|cannot)\b|n't\b",
    re.IGNORECASE,
)
_PLAIN = re.compile(rf"{WORD.pattern}|[%$€£¥]")  # what has to be the same word for word
_STOPS = re.compile(r"[,;:.!?()]")  # end what a denial is of
_OPENS = frozenset(
    "according after all although another around because before besides between beyond both despite during each either"
    " every few following given here however including inside like many more most much nearly neither other outside"
    " over several since some still then there therefore though through throughout thus today together towards under"
    " unlike until upon using while within yes yet".split()
)  # begin a sentence and are no names
_BARE = re.compile(r"(?:is|was|has|had|were|are|have|did|does|will|became)\b")  # behind a name that begins a sentence


class Source(NamedTuple):
    """A cited text, and what it is of: a title gives names and words, but no figures."""

    text: str
    title: str = ""


class Figure(NamedTuple):
    """A number, date or code of a text."""

    values: frozenset[str]  # several where it can be read in several ways
    kind: str  # date, year, day (of a month), order (3rd), time, code, number
    unit: str  # "%", a currency, or empty
    inside: bool  # of a date or code that is a figure too
    at: int  # its place among the words
    sentence: int


class Content(NamedTuple):
    """What a text says, as far as it can be looked up."""

    words: Mapping[str, tuple[int, ...]]  # stems of content words, those of names too, with their places
    names: frozenset[str]
    pairs: frozenset[tuple[str, str]]  # capitalised words with nothing between: parts of one name
    figures: tuple[Figure, ...]
    sentences: tuple[int, ...]  # the place of the first word of each
    denied: tuple[tuple[str, ...], ...]  # for each denial the stems that it is of
    denies: tuple[int, ...]  # the sentence of each denial
    plain: str  # all words, and signs of units, between blanks


def contained(statement: str, sources: Sequence[Source], enough: float = ENOUGH) -> bool:
    """Whether the texts together hold what a statement says.

    Args:
        enough: share of its content words, figures aside, that the texts or their titles have to have.
    """
    claim, held = read(statement), [read(source.text) for source in sources]
    if not claim.words and not claim.figures:
        return False
    if any(claim.plain in one.plain for one in held):
        return True
    titles = [read(source.title) for source in sources]
    words = frozenset[str]().union(*(one.words for one in [*held, *titles]))
    if not all(name in words or _goes_on(name, words) for name in claim.names):
        return False
    if not all(any(_together(pair, text) for text in [*held, *titles]) for pair in claim.pairs):
        return False
    if len(claim.words.keys() & words) < enough * len(claim.words):
        return False
    stated = [figure for figure in claim.figures if not figure.inside]
    if not all(_stands(figure, claim, stated, held, titles) for figure in stated):
        return False
    return _denied_alike(claim, held)


def _stands(
    figure: Figure, claim: Content, stated: Sequence[Figure], held: Sequence[Content], titles: Sequence[Content]
) -> bool:
    """Whether a figure of the statement is in the texts, and no other one of its kind in its place."""
    own, other = list[float](), list[float]()
    taken = frozenset[str]().union(*(one.values for one in stated))
    worth = {word: max(_by_distance(place - figure.at) for place in places) for word, places in claim.words.items()}
    for text, title in zip(held, titles, strict=True):
        for one in text.figures:
            if one.values & figure.values and _alike(one, figure):
                own.append(_nearness(worth, one, text, title))
            elif one.kind == figure.kind and _alike(one, figure) and not one.values & taken:
                other.append(_nearness(worth, one, text, title))
    return bool(own) and (figure.kind == "code" or max(other, default=0.0) <= CLEARLY * max(own))


def _alike(one: Figure, other: Figure) -> bool:
    """Whether two figures can be of the same: a day is one of a month only, and one of two units may be left out."""
    if (one.kind == "day") != (other.kind == "day"):
        return False
    return not one.unit or not other.unit or one.unit == other.unit


def _nearness(worth: Mapping[str, float], one: Figure, text: Content, title: Content) -> float:
    """How near the words of a statement, each with its worth, stand to a figure of a text."""
    total = 0.0
    for word, own in worth.items():
        near = [
            _by_distance(place - one.at) * (1.0 if _sentence(text, place) == one.sentence else _ELSEWHERE)
            for place in text.words.get(word, ())
        ]
        total += own * max([*near, _ELSEWHERE * 0.5 if word in title.words else 0.0])
    return total


def _by_distance(words: int) -> float:
    return _NEAR / (_NEAR + abs(words))


def _sentence(text: Content, place: int) -> int:
    return bisect_right(text.sentences, place) - 1


def _denied_alike(claim: Content, held: Sequence[Content]) -> bool:
    """Whether the texts deny what the statement denies, and only that, where they have most of its words."""
    best = _best(claim, held)
    theirs = [(text, [i for i, s in enumerate(text.denies) if s == sentence]) for text, sentence in best]
    if len(claim.denies) > 1 or any(len(denials) > 1 for _, denials in theirs):  # two may cancel each other
        return not claim.denies or any(text.denies for text in held)
    if claim.denies:
        return any(denials for _, denials in theirs)
    return not theirs or any(
        not any(text.denied[i][:1] and text.denied[i][0] in claim.words for i in denials) for text, denials in theirs
    )


def _best(claim: Content, held: Sequence[Content]) -> list[tuple[Content, int]]:
    """The sentences that have most of the statement's words and figures."""
    stated = frozenset[str]().union(*(one.values for one in claim.figures))
    found: list[tuple[int, Content, int]] = []
    for text in held:
        for sentence in range(len(text.sentences)):
            shared = sum(any(_sentence(text, p) == sentence for p in text.words.get(w, ())) for w in claim.words)
            shared += sum(bool(one.values & stated) for one in text.figures if one.sentence == sentence)
            found.append((shared, text, sentence))
    most = max((shared for shared, _, _ in found), default=0)
    return [(text, sentence) for shared, text, sentence in found if shared and shared >= _SAME * most]


@lru_cache(maxsize=8192)  # one citation is compared with several statements, and one statement with several citations
def read(text: str) -> Content:
    """What a text says."""
    folded = fold(text)
    tokens = list(WORD.finditer(folded))
    starts = [match.start() for match in tokens]
    begins = tuple(bisect_right(starts, start - 1) for start, _ in sentences(folded)) or (0,)
    words, names, pairs = dict[str, list[int]](), set[str](), set[tuple[str, str]]()
    before = ""  # the name that ends right before
    for place, match in enumerate(tokens):
        word, part = match[0], stem(match[0])
        if word.lower() in STOP or any(char.isdigit() for char in word):
            before = ""
            continue
        words.setdefault(part, []).append(place)
        if before and word[0].isupper() and folded[tokens[place - 1].end() : match.start()] == " ":
            pairs.add((before, part))
        before = part if word[0].isupper() and not (place in begins and word.lower() in _OPENS) else ""
        if not word.islower() and (not word[1:].islower() or place not in begins or _alone(folded, tokens, place)):
            names.add(part)
    figures = tuple(
        Figure(found, kind, unit, inside, at, bisect_right(begins, at) - 1)
        for start, found, kind, unit, inside in _figures(folded)
        for at in [max(0, bisect_right(starts, start) - 1)]
    )
    denials = list(_DENIAL.finditer(folded))
    return Content(
        {word: tuple(places) for word, places in words.items()},
        frozenset(names),
        frozenset(pairs),
        figures,
        begins,
        tuple(_scope(folded, match.end()) for match in denials),
        tuple(bisect_right(begins, max(0, bisect_right(starts, match.start()) - 1)) - 1 for match in denials),
        f" {' '.join(_PLAIN.findall(folded.lower()))} ",
    )


def _alone(folded: str, tokens: Sequence[re.Match[str]], place: int) -> bool:
    """Whether the capitalised word that begins a sentence is a name: another follows it, or a verb."""
    if place + 1 == len(tokens) or tokens[place][0].lower() in _OPENS:
        return False
    behind = tokens[place + 1]
    if folded[tokens[place].end() : behind.start()].strip():
        return False
    return behind[0][0].isupper() or _BARE.match(behind[0]) is not None


def _scope(folded: str, end: int) -> tuple[str, ...]:
    """The stems of the content words that a denial is of."""
    stop = _STOPS.search(folded, end)
    part = folded[end : stop.start() if stop else len(folded)]
    found = [stem(word) for word in WORD.findall(part) if word.lower() not in STOP and not _DIGITS.search(word)]
    return tuple(found[:_SCOPE])


def _figures(folded: str) -> Iterator[tuple[int, frozenset[str], str, str, bool]]:
    """Start, values, kind and unit of the figures of folded text, and whether one is inside another."""
    units = {one.start: one.unit.partition("/")[0] for one in values(folded, "amount")}
    spans: dict[tuple[int, int], tuple[str, set[str]]] = {}
    sums = list(numbers(folded))
    times = [(*match.span(), match[0].lstrip("0")) for match in _TIME.finditer(folded)]
    for kind, some in (("code", codes(folded)), ("number", sums), ("date", dates(folded)), ("time", times)):
        for start, end, value in some:
            spans.setdefault((start, end), (kind, set()))[1].add(value)
    inside: list[tuple[int, str, str]] = []
    for run in _DIGITS.finditer(folded):
        value = run[0].lstrip("0") or "0"
        around = next((kind for (start, end), (kind, _) in spans.items() if start <= run.start() < end), "")
        if not around:
            spans[run.span()] = (_kind(folded, run), {value})
        elif around == "date":  # 31 March 2024 says 2024, and 31 of March
            inside.append((run.start(), "year" if len(value) == 4 else "day", value))
        elif not any(start <= run.start() < end for start, end, _ in sums):
            inside.append((run.start(), "number", value))
    for one in values(folded, "number"):
        if one.text[0].isalpha() and one.number > 1:
            scale = _SCALE.match(folded, one.end)
            value = f"{one.number * (_SCALES[scale[1].lower()] if scale else 1):.0f}"
            spans.setdefault((one.start, one.end), ("number", {value}))
    for (start, end), (kind, found) in spans.items():
        yield start, frozenset(found), kind, _unit(folded, start, end, units), False
    for start, kind, value in inside:
        yield start, frozenset({value}), kind, "", True


def _kind(folded: str, run: re.Match[str]) -> str:
    """What a row of digits is."""
    before = folded[max(0, run.start() - 20) : run.start()]
    if _MONTH_BEFORE.search(before) or _MONTH_BEHIND.match(folded, run.end()):
        return "day" if len(run[0]) < 3 else "year"
    if _ORDER.match(folded, run.end()):
        return "order"
    return "year" if _YEAR.fullmatch(run[0]) else "number"


def _unit(folded: str, start: int, end: int, units: Mapping[int, str]) -> str:
    if re.match(r"\s?(?:%|per\s?cent\b)", folded[end : end + 10], re.IGNORECASE):
        return "%"
    return next((unit for at, unit in units.items() if start - 4 <= at <= start), "")


def _together(pair: tuple[str, str], text: Content) -> bool:
    """Whether both parts of a name stand in a text within a few words."""
    one, other = ([at for word in text.words if _same(part, word) for at in text.words[word]] for part in pair)
    return any(abs(a - b) <= _TOGETHER for a in one for b in other)


def _goes_on(name: str, words: frozenset[str]) -> bool:
    """Whether a name stands there in a longer or shorter form."""
    return any(_same(name, word) for word in words)


def _same(one: str, other: str) -> bool:
    """Whether two names are one, or one of them the other and its ending."""
    return one == other or (
        min(len(one), len(other)) >= _LONG_NAME and (one.startswith(other) or other.startswith(one))
    )
