"""The records that travel between the parts, smallest first.

Frozen slotted dataclasses for what exists a million times, pydantic models for what a user reads back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from hybrid.document import Location

Route = Literal["rag", "long"]
Rung = Literal["passages", "sections", "documents", "corpus", "each"]
Basis = Literal["measured", "estimated"]
RUNGS: tuple[Rung, ...] = ("passages", "sections", "documents", "corpus")  # read in prompts
EACH: Rung = "each"  # every document is asked for the same fields, and the answer is computed from the table
ValueKind = Literal["yesno", "text", "number", "amount", "duration", "date", "percent"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document, as it was split for retrieval."""

    id: int  # derives from the document and the place in it
    document: str  # Document.name
    ordinal: int  # 0-based place among the document's passages
    text: str
    start: int  # character range in Document.text
    end: int
    location: Location  # the same range in the original
    heading: str  # titles of the headings above it, outermost first, joined by " > "
    tokens: int  # in the embedder's tokens


@dataclass(frozen=True, slots=True)
class Candidate:
    """A retrieved passage with its scores."""

    passage: Passage
    score: float  # fused; comparable within one question only
    dense: float | None  # cosine with the question, None if only the words found it
    lexical: float | None  # BM25, None if only the vectors found it


@dataclass(frozen=True, slots=True)
class Piece:
    """Text put before a model: a passage, a section or a whole document."""

    document: str
    text: str
    start: int  # character offset of `text` in Document.text
    heading: str = ""
    location: Location | None = None
    passage: int | None = None  # Passage.id if the piece is exactly one passage
    score: float = 0.0  # relevance to the question, 0 if unknown

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Record(BaseModel):
    """What a user reads back: immutable, and refusing keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Usage(Record):
    """The tokens, seconds and joules of engine calls. Usages add up: `a + b`.

    What one call does not tell is unknown for the sum too. The sum has the first call's time to the first token, which
    is what somebody waited.
    """

    calls: int = 0
    prompt_tokens: int = 0  # cached tokens included
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0  # wall-clock inside the engine
    shared_seconds: float | None = None  # share of its engine's busy time; shares of calls at once add up to it
    first_token_seconds: float | None = None  # from sending the prompt to the first text of the answer
    queue_seconds: float | None = None  # the next three as the engine reports them: waiting to be scheduled,
    prefill_seconds: float | None = None  # from there to the first token,
    decode_seconds: float | None = None  # and from there to the last
    host_seconds: float | None = None  # of a server before its engine had the prompt, if the three are unknown
    cpu_seconds: float | None = None  # of this process, if the engine runs on the CPU in it
    joules: float | None = None  # of the GPUs, above their idle power; None if nothing measures energy

    @property
    def told_seconds(self) -> float | None:
        """Seconds that the engine worked, from being scheduled to the last token; None if unknown."""
        if self.prefill_seconds is not None and self.decode_seconds is not None:
            return self.prefill_seconds + self.decode_seconds
        return None if self.host_seconds is None else self.seconds - self.host_seconds

    def __add__(self, other: Usage) -> Usage:
        def plus(a: float | None, b: float | None) -> float | None:
            if a is None and not self.calls:  # a usage without calls makes nothing unknown
                return b
            if b is None and not other.calls:
                return a
            return None if a is None or b is None else a + b

        both = {name: plus(getattr(self, name), getattr(other, name)) for name in Usage.model_fields}
        first = self if self.calls else other
        return self.model_copy(update={**both, "first_token_seconds": first.first_token_seconds})


class Cost(Record):
    """Usage with its price. The figures are all measured or all estimated, as `basis` says."""

    dollars: float | None = None  # None if no price is known
    gpu_seconds: float | None = None  # None if the engine's GPU is unknown, or whether it has one
    engine_seconds: float | None = None  # of the engine, on any hardware; its share if calls run at once
    host_seconds: float | None = None  # in an estimate, of the server's own CPU: a wait that no GPU is paid for
    cpu_seconds: float | None = None  # of this process, if the engine runs on the CPU in it
    joules: float | None = None  # of the GPUs, above their idle power; None if nothing measures energy
    interval: tuple[float, float] | None = None  # of estimates: GPU-seconds that 90 % of such calls stay within
    basis: Basis
    note: str = ""  # where the figures come from


class Prediction(Record):
    """The expected tokens, calls and cost of an answer on one rung."""

    route: Route
    rung: Rung
    engine: str
    prompt_tokens: int
    cached_tokens: int = 0  # of them, expected in the engine's prefix cache
    loaded_tokens: int = 0  # of the cached ones, expected on the engine's disk
    calls: int = 1  # more than one if the text is read chunk-wise
    fits: bool  # in one call
    cost: Cost


class Decision(Record):
    """The way chosen for a question, the reason, and the predictions for every way."""

    route: Route
    rung: Rung
    chunkwise: bool = False  # read piece by piece because no window holds it
    policy: str
    reason: str
    predictions: tuple[Prediction, ...] = ()
    expected: dict[Rung, float] = {}  # chance of a right answer, if the policy gives one
    worth: dict[Rung, float] = {}  # dollars: a right answer's worth times its chance, less the cost, all attempts
    ordering: str = ""  # how the passages stand in the prompt, and why; empty for whole documents
    features: dict[str, float] = {}  # that the policy could use, named as in `hybrid.routing.features`


class Citation(Record):
    """A quotation that supports the answer and where it stands in the original."""

    document: str
    path: str | None  # None for texts that were given directly
    page: int | None
    line: int
    end_line: int
    start: int  # characters in the original
    end: int
    heading: str
    quote: str
    score: float = Field(description="0 to 1: how much of the supported statement the quotation covers")

    @property
    def where(self) -> str:
        """The place in the form editors open: `path:line`, with the page if there is one."""
        place = f"{self.path or self.document}:{self.line}"
        return f"{place} (page {self.page})" if self.page is not None else place


class Column(Record):
    """A field that every document is asked for."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    kind: ValueKind
    unit: str = Field("", max_length=40, description="of numbers, such as EUR")
    description: str = Field("", max_length=500, description="what to look for, in words")

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.name.replace("_", " ")


class Cell(Record):
    """What a document says on a field, or that it does not say."""

    value: bool | float | str | None = None  # days, an amount, a date in ISO form, ...; None: the document does not say
    unit: str = ""  # "days", "GBP/year", ...
    shown: str = ""  # as the document writes it
    citation: Citation | None = None
    doubt: str = ""  # why it may be wrong
    counts: bool = True  # False: too doubtful to be computed with


class Row(Record):
    """A document, or a section of one, with what it says on every field."""

    document: str
    amendments: tuple[str, ...] = ()  # that were read with it
    section: str = ""
    cells: tuple[Cell, ...] = ()  # in the order of the columns; none where it could not be asked
    failed: str = ""  # why it could not

    @property
    def title(self) -> str:
        """Its name for people."""
        return f"{self.document}, {self.section}" if self.section else self.document


class Table(Record):
    """What an answer was computed from."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    computed: str  # what was computed, in words
    taken: tuple[str, ...] = ()  # titles of the rows that were counted, added up, or found to be the largest, ...
    figures: dict[str, float] = {}  # the number of them; else what was computed, by unit


class Turn(Record):
    """What was said before a question."""

    role: Literal["user", "assistant"]
    text: str


class Sampling(Record):
    """How one answer is generated, where it is not as the settings say; an engine that quotes has no use for it."""

    max_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0)
    stop: tuple[str, ...] = ()  # texts that end it


class Stretch(Record):
    """A range of a document that was read."""

    document: str
    start: int  # characters in Document.text
    end: int


class Attempt(Record):
    """One decision carried out. An escalated question has two."""

    decision: Decision
    engine: str
    abstained: bool
    usage: Usage
    cost: Cost
    left_out: int = 0  # pieces that did not fit the window


class Explored(Record):
    """The other route's answer to a question that was drawn for exploring (`routing.explore`).

    The router learns from it; the answer stays as it is. `document` is the best matching one: fitting a router splits
    the records by it.
    """

    route: Route
    rung: Rung
    engine: str
    document: str
    text: str
    abstained: bool
    usage: Usage
    cost: Cost
    extra: bool  # False: one of the answer's own attempts, charged there
    failed: str = ""  # why there is no text


class Answer(Record):
    """An answer with everything that led to it."""

    question: str
    text: str
    abstained: bool  # True: the documents do not say
    route: Route
    reason: str
    citations: tuple[Citation, ...]
    decision: Decision
    usage: Usage  # of all attempts, and of what was explored
    cost: Cost  # of all attempts, and of what was explored
    preparation: Cost | None = None  # finding passages, and this question's share of indexing; not part of `cost`
    attempts: tuple[Attempt, ...]
    standalone: str | None = None  # the question as it was understood from the turns before it, where that is another
    read: tuple[Stretch, ...] = ()  # by the last attempt, in the order of the prompt
    explored: Explored | None = None  # the other route's answer, for the share of questions in routing.explore
    table: Table | None = None  # what it was computed from, on the rung each
    notes: tuple[str, ...] = ()  # what was left out, skipped or estimated
    timings: dict[str, float]  # seconds by stage

    def __str__(self) -> str:
        return self.text
