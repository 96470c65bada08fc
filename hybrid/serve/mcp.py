"""Tools of the Model Context Protocol over named corpora, all read-only: ask, search, fetch, route.

`search` and `fetch` take and give what deep-research clients expect: results with an id, and a document by that id.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from anyio import from_thread
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from hybrid import __version__
from hybrid.errors import HybridError, InputError
from hybrid.index.protocol import Store
from hybrid.serve.citing import Place, Places, places
from hybrid.serve.filters import Attributes, Where, given_to, within
from hybrid.serve.keys import KEY
from hybrid.serve.service import Asked, Service
from hybrid.serve.shelf import Shelf
from hybrid.session.hybrid import Hybrid
from hybrid.types import Cell, Prediction, Table

_MOST = 100_000  # characters of a document that are fetched at once
_ID = "{corpus}/{document}#{start}-{end}"
T = TypeVar("T")

CorpusName = Annotated[str | None, Field(description="the corpus's name; may be left out where there is one only")]


class Cited(BaseModel):
    """A quotation that supports an answer."""

    number: int
    document: str
    page: int | None
    line: int
    quote: str
    id: str = Field(description="for the tool fetch")


class CellTold(BaseModel):
    """What a document says on a field."""

    value: bool | float | str | None = Field(description="null: the document does not say")
    unit: str = Field(description="of a number, such as days or GBP/year")
    shown: str = Field(description="as the document writes it")
    doubt: str = Field(description="why it may be wrong")
    counts: bool = Field(description="false: too doubtful to be computed with")
    id: str | None = Field(description="of the quotation, for the tool fetch")


class RowTold(BaseModel):
    """A document, or a section of one."""

    document: str
    section: str
    cells: list[CellTold]
    failed: str = Field(description="why it was not read; it has no cells then")


class TableTold(BaseModel):
    """What an answer was computed from: every document was asked for the same fields."""

    columns: list[str]
    rows: list[RowTold]
    computed: str
    taken: list[str] = Field(description="the rows that were counted, added up, or found to be the largest")
    figures: dict[str, float] = Field(description="the number of them, or what was computed, by unit")


class Told(BaseModel):
    """An answer with its citations, the way it took, and what that cost."""

    text: str
    abstained: bool = Field(description="true: the documents do not say")
    citations: list[Cited]
    table: TableTold | None = Field(description="of a question over all documents, such as how many contracts ...")
    route: str
    rung: str
    reason: str
    gpu_seconds: float | None
    dollars: float | None
    notes: list[str]


class Hit(BaseModel):
    """A passage that was found."""

    id: str
    title: str
    text: str
    url: str = ""


class Hits(BaseModel):
    """Passages, best first."""

    results: list[Hit]


class Fetched(BaseModel):
    """A document, or a part of one."""

    id: str
    title: str
    text: str
    url: str = ""
    metadata: dict[str, str] = {}


class Way(BaseModel):
    """The way that a question would take."""

    route: str
    rung: str
    policy: str
    reason: str
    predictions: list[Prediction]


class Tools:
    """An MCP server over corpora.

    Args:
        hybrid: answers.
        shelf: the corpora.
        service: whose turns, limits and budgets hold for what is asked; None: there are none.
    """

    def __init__(self, hybrid: Hybrid, shelf: Shelf, service: Service | None = None) -> None:
        from mcp.server import MCPServer
        from mcp_types import ToolAnnotations

        self._hybrid, self._shelf, self._service = hybrid, shelf, service
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        self.server = MCPServer(
            "hybrid",
            version=__version__,
            instructions=(
                "Answers questions over document corpora with citations. Use ask for answers; search and fetch to read "
                f"yourself; route to learn what a question would cost. Corpora: {', '.join(shelf) or 'none'}."
            ),
            log_level="ERROR",
        )
        root.handlers[:], root.level = handlers, level  # it sets up the log of the whole process
        hints = ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        )
        for tool in (self.ask, self.search, self.fetch, self.route):
            self.server.add_tool(_guarded(tool), name=tool.__name__, annotations=hints, structured_output=True)

    def ask(
        self,
        question: Annotated[str, Field(description="in plain words")],
        corpus: CorpusName = None,
        route: Annotated[
            str | None, Field(description="rag or long, to force one; otherwise the router decides")
        ] = None,
        where: Where = None,
    ) -> Told:
        """Answer a question from the documents of a corpus, with quotations and their places."""
        name, store = self._opened(corpus)
        filters = () if where is None else (where,)
        if self._service is not None:
            asked = Asked(name, question, route, filters=filters)
            answer = from_thread.run(self._service.answer, asked, KEY.get())
        else:
            documents = within(store, None, filters, {})
            answer = self._hybrid.answer(question, store, route=route, documents=documents)  # type: ignore[arg-type]
        found = places(name, answer, store)
        return Told(
            text=answer.text,
            abstained=answer.abstained,
            citations=[_cited(name, number, place) for number, place in enumerate(found.cited, 1)],
            table=None if answer.table is None else _tabulated(name, answer.table, found),
            route=answer.route,
            rung=answer.decision.rung,
            reason=answer.reason,
            gpu_seconds=answer.cost.gpu_seconds,
            dollars=answer.cost.dollars,
            notes=list(answer.notes),
        )

    def search(
        self,
        query: Annotated[str, Field(description="what to look for")],
        corpus: CorpusName = None,
        most: Annotated[int, Field(description="passages at most", ge=1, le=50)] = 8,
        where: Where = None,
    ) -> Hits:
        """Find the passages of a corpus that are nearest to a query, best first. No model is asked."""
        name, store = self._opened(corpus)
        candidates = self._in_turn(
            name, query, lambda: self._hybrid.retrieve(query, store, most, self._within(name, store, where))
        )
        found = [candidate.passage for candidate in candidates]
        return Hits(
            results=[Hit(id=_id(name, p.document, p.start, p.end), title=_title(p), text=p.text) for p in found]
        )

    def fetch(
        self, id: Annotated[str, Field(description="of a result of search, or CORPUS/DOCUMENT for all of it")]
    ) -> Fetched:
        """Read a document, or the passage of it that a result of search names."""
        name, _, document = id.partition("/")
        _, store = self._opened(name)
        span = ""
        if document not in {entry.name for entry in store.entries()}:  # a name may have a # too
            document, _, span = document.rpartition("#") if "#" in document else (document, "", "")
        try:
            found = store.document(document)
        except KeyError:
            raise InputError(f"There is no document {document!r} in {name!r}; ids come from the tool search.") from None
        start, end = _span(span, len(found.text))
        cut = min(end, start + _MOST)
        told = given_to(store, [document], self._attributes(name))[document]
        metadata = {field: str(value) for field, value in told.items()}
        metadata |= {"kind": found.kind, "characters": str(len(found.text)), "start": str(start), "end": str(cut)}
        if cut < end:
            metadata["rest"] = _id(name, document, cut, end)
        return Fetched(id=id, title=document, text=found.text[start:cut], metadata=metadata)

    def route(
        self,
        question: Annotated[str, Field(description="in plain words")],
        corpus: CorpusName = None,
        where: Where = None,
    ) -> Way:
        """Tell which way a question would take, why, and what each way is expected to take. No model is asked."""
        name, store = self._opened(corpus)
        decision = self._in_turn(
            name, question, lambda: self._hybrid.decide(question, store, documents=self._within(name, store, where))
        )
        known = decision.model_dump(include={"route", "rung", "policy", "reason"})
        return Way(**known, predictions=list(decision.predictions))

    def over_http(self) -> ASGIApp:
        """The server as an application, for streamable HTTP. Hosts and origins are checked by the service around it."""
        from mcp.server.transport_security import TransportSecuritySettings

        unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        return self.server.streamable_http_app(
            streamable_http_path="/", stateless_http=True, transport_security=unchecked
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps the sessions of `over_http`."""
        async with self.server.session_manager.run():
            yield

    def _in_turn(self, corpus: str, question: str, work: Callable[[], T]) -> T:
        """What some work returns; in a service, in a turn of whoever asks. Runs in a thread of the event loop's."""
        if self._service is None:
            return work()
        return from_thread.run(self._service.during, Asked(corpus, question), KEY.get(), work)

    def _within(self, corpus: str, store: Store, where: str | None) -> Sequence[str] | None:
        """The only documents to read; None: all."""
        return within(store, None, () if where is None else (where,), self._attributes(corpus))

    def _attributes(self, corpus: str) -> Attributes:
        """What uploads were given; nobody uploads anything where there is no service."""
        return {} if self._service is None else self._service.uploads.attributes(corpus)

    def _opened(self, corpus: str | None) -> tuple[str, Store]:
        names = list(self._shelf)
        if corpus is None and len(names) != 1:
            raise InputError(f"Name the corpus; there are: {', '.join(names) or 'none'}.")
        name = names[0] if corpus is None else corpus
        return name, self._shelf.open(name)


def _guarded(tool: Callable[..., T]) -> Callable[..., T]:
    """A tool whose errors are the sentences that people get."""
    from functools import wraps

    from mcp.server.mcpserver.exceptions import ToolError

    @wraps(tool)
    def guarded(*args: Any, **values: Any) -> T:
        try:
            return tool(*args, **values)
        except HybridError as error:
            raise ToolError(str(error)) from None
        except HTTPException as error:  # this key may not ask now
            raise ToolError(error.detail) from None

    return guarded


def _cited(corpus: str, number: int, place: Place) -> Cited:
    found = place.citation
    return Cited(
        number=number,
        document=found.document,
        page=found.page,
        line=found.line,
        quote=found.quote,
        id=_id(corpus, found.document, place.start, place.end),
    )


def _tabulated(corpus: str, table: Table, found: Places) -> TableTold:
    """A table without its quotations, which are long together: each is fetched by its id."""

    def cell(one: Cell) -> CellTold:
        known = one.model_dump(include={"value", "unit", "shown", "doubt", "counts"})
        place = None if one.citation is None else found.cells[one.citation]
        at = None if place is None else _id(corpus, place.citation.document, place.start, place.end)
        return CellTold(**known, id=at)

    return TableTold(
        columns=[column.title for column in table.columns],
        rows=[
            RowTold(document=row.document, section=row.section, cells=[*map(cell, row.cells)], failed=row.failed)
            for row in table.rows
        ],
        computed=table.computed,
        taken=list(table.taken),
        figures=table.figures,
    )


def _id(corpus: str, document: str, start: int, end: int) -> str:
    return _ID.format(corpus=corpus, document=document, start=start, end=end)


def _title(passage: Any) -> str:
    return f"{passage.document} > {passage.heading}" if passage.heading else str(passage.document)


def _span(span: str, length: int) -> tuple[int, int]:
    first, _, last = span.partition("-")
    if not span:
        return 0, length
    if not re.fullmatch(r"[0-9]{1,12}-[0-9]{1,12}", span):
        raise InputError(
            f"The id ends with {span[:40]!r}, which is no range of characters; ids come from the tool search."
        )
    start = min(int(first), length)
    return start, max(start, min(int(last), length))
