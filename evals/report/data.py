"""Everything a report says: the data for machines, and the parts of the page that show them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

from hybrid.evals.folder import RunInfo
from hybrid.evals.statistics import Estimate
from pydantic import BaseModel, PlainSerializer

Score = Annotated[Estimate, PlainSerializer(lambda found: found._asdict(), return_type=dict[str, float | int])]


class ScoreRow(BaseModel):
    """An arm on a task."""

    task: str
    arm: str
    metric: str
    n: int  # answered
    failed: int
    skipped: int
    score: Score | None
    abstained: float  # share of the answered
    prompt_tokens: float  # mean, as all means below
    cached_tokens: float
    output_tokens: float
    seconds: float  # inside the engine


class SpeedRow(BaseModel):
    """The speed of an arm at one length."""

    arm: str
    length: int | None
    n: int
    seconds: Score  # wall-clock of a sample
    first_token: Score | None  # seconds
    tokens_per_second: float | None  # read (cached ones included) and written, per second that the engine was busy
    written_per_second: float | None  # of one reply, once its first token is there
    prompt_tokens: float  # mean
    kept: Score | None  # bytes of keys and values of the longest prompt with its reply, estimated
    score: Score


class RetrievalRow(BaseModel):
    """How well what was retrieved covers the gold ranges of a task."""

    task: str
    arm: str
    n: int
    recall: Score  # of gold characters
    precision: Score  # of retrieved characters
    iou: Score
    ndcg: Score  # of passages that touch a gold range
    touched_1: Score | None = None  # share of gold ranges, such as pages, that the first passage touches
    touched_5: Score | None = None  # the first five; None, as the next, in runs of earlier versions
    touched: Score | None = None  # all that were found
    cited: Score | None = None  # what the answer cites


class CitationRow(BaseModel):
    """How an arm's statements are supported by what they cite, by containment."""

    task: str
    arm: str
    n: int  # answers with citations known
    statements: int
    citations: int
    recall: Score  # mean over answers of the share of statements that are supported
    precision: Score  # the same of the share of citations that support


class FollowRow(BaseModel):
    """Questions that follow others: as they were understood, and the passages found by that."""

    task: str
    arm: str
    n: int
    rewritten: float  # share of the questions that were put in other words
    hit: Score  # a passage with the answer among those found
    as_asked: Score  # the same by the question as it was asked
    gain: Score


class CostRow(BaseModel):
    """The cost of an arm's questions on one basis, measured or estimated."""

    arm: str
    basis: str
    n: int
    dollars: Score | None  # per question
    gpu_seconds: Score | None
    joules: Score | None
    tokens: Score  # computed: read and not cached, and written
    score: Score
    on_frontier: bool


class LengthRow(BaseModel):
    """An arm on a family of tasks at one length."""

    family: str
    arm: str
    length: int
    score: Score
    effective: int | None  # tokens; of the arm on the family
    base: float | None = None  # the score at short lengths that the effective length goes by, where it does


class PlaceRow(BaseModel):
    """An arm where the answer stands at one place."""

    task: str
    arm: str
    place: str
    score: Score
    dead: bool


class RouteRow(BaseModel):
    """The questions that a policy sent one way, and their gain over the other route."""

    arm: str
    way: str
    n: int
    share: float
    score: Score
    against: str  # the arm that took the other route there
    gain: Score | None


class PairRow(BaseModel):
    """Two arms, or one arm in two runs, on the same samples."""

    arm: str
    against: str
    task: str
    n: int
    groups: int
    one: float
    other: float
    difference: float
    low: float
    high: float
    words: str


class RegretRow(BaseModel):
    """The loss of an arm against the best arm of each question."""

    arm: str
    regret: Score


class Data(BaseModel):
    """Everything a report says, for machines."""

    verdict: str = ""  # which arm to take, in a sentence
    run: RunInfo
    missing: int  # records still to come
    notes: list[str]
    scores: list[ScoreRow]
    costs: list[CostRow] = []
    lengths: list[LengthRow] = []
    places: list[PlaceRow] = []
    routes: list[RouteRow] = []
    pairs: list[PairRow] = []
    regrets: list[RegretRow] = []
    speeds: list[SpeedRow] = []
    retrieval: list[RetrievalRow] = []
    citations: list[CitationRow] = []
    follows: list[FollowRow] = []


class Comparison(BaseModel):
    """Two runs told apart, and compared."""

    settings: dict[str, tuple[Any, Any]]  # what differs: suite, arms, versions, hardware
    rows: list[PairRow]
    notes: list[str]


class Table(NamedTuple):
    """Rows of words and numbers under their heads."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""  # shown where it is folded


class Example(NamedTuple):
    """A sample on which two arms differ."""

    title: str
    question: str
    golds: str
    replies: Sequence[tuple[str, str]]  # arm with its score, text


class Reply(NamedTuple):
    """An arm's reply to a question."""

    arm: str
    status: str  # answered, failed or skipped
    score: float | None
    route: str
    cost: str
    text: str  # or why there is none


class Question(NamedTuple):
    """A sample with the replies to it."""

    task: str
    length: int | None
    id: str
    question: str
    golds: str
    replies: Sequence[Reply]


@dataclass(slots=True)
class Section:
    """A part of the page."""

    title: str
    text: list[str] = field(default_factory=list)
    figures: list[tuple[str, str]] = field(default_factory=list)  # name of the file, SVG
    tables: list[Table] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether it shows anything."""
        return bool(self.tables or self.figures or self.examples or self.questions)


@dataclass(slots=True)
class Report:
    """The data and how they are shown."""

    data: Data
    sections: list[Section]


def family_of(name: str) -> str:
    """The part of a task's name before the slash; the tasks of a family belong together."""
    return name.partition("/")[0]


def file_name(name: str) -> str:
    """A name as part of a file's."""
    return "".join(c if c.isalnum() else "-" for c in name)


def short(tokens: int) -> str:
    return f"{tokens // 1024}k" if tokens >= 1024 and tokens % 1024 == 0 else f"{tokens:,}"


def span(found: Estimate | None, times: float = 1.0) -> str:
    if found is None:
        return "-"
    return f"{times * found.mean:.3f} [{times * found.low:.3f}, {times * found.high:.3f}]"


def signed(mean: float, low: float, high: float) -> str:
    return f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def signed_span(found: Estimate | None) -> str:
    return "-" if found is None else signed(found.mean, found.low, found.high)


def cut(text: str, most: int) -> str:
    """A text, or its first characters."""
    return text if len(text) <= most else f"{text[:most]} …"


def right(golds: Sequence[str], most: int = sys.maxsize) -> str:
    """The right answers, in words."""
    return cut(" | ".join(golds), most) or "nothing: the documents do not say"
