"""Everything a report says, for machines."""

from __future__ import annotations

from typing import Annotated, Any

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


class Comparison(BaseModel):
    """Two runs told apart, and compared."""

    settings: dict[str, tuple[Any, Any]]  # what differs: suite, arms, versions, hardware
    rows: list[PairRow]
    notes: list[str]
