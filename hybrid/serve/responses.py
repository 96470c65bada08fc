"""`/v1/responses`, as OpenAI's API has it, with the search of files that led to the answer.

The corpus is the model, or the one vector store that the tool `file_search` names.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from hybrid.serve.chat import event, headers_of
from hybrid.serve.citing import Places, Said, annotated
from hybrid.serve.filters import Filter, Where, filters_of, given_to
from hybrid.serve.keys import Key
from hybrid.serve.messages import TURNS, Message, conversation
from hybrid.serve.replies import Body, Refused, parsed, told
from hybrid.serve.service import Asked, Service
from hybrid.types import Answer, Candidate, Sampling, Turn, Usage

_KEPT = 1000  # responses that a later one can go on from
_WITH_RESULTS = "file_search_call.results"


class Tool(Body):
    """A tool; only the search of files is one here."""

    type: str
    vector_store_ids: list[str] = Field([])
    max_num_results: int | None = Field(None, ge=1, le=50)
    filters: Filter | None = None


class ResponseRequest(Body):
    """A request for a response. `where` is this service's own."""

    model: str
    input: str | list[Message]
    instructions: str | None = None
    tools: list[Tool] = Field([])
    include: list[str] = Field([])
    stream: bool = False
    store: bool = True
    previous_response_id: str | None = None
    max_output_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    where: Where = None


class Kept:
    """Conversations by the id of their last response, the oldest forgotten first."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, tuple[str, tuple[Turn, ...]]] = OrderedDict()

    def keep(self, response: str, key: str, turns: Sequence[Turn]) -> None:
        """Remember the turns up to a response, for the key that asked."""
        self._turns[response] = (key, tuple(turns)[-TURNS:])
        while len(self._turns) > _KEPT:
            self._turns.popitem(last=False)

    def before(self, response: str | None, key: str) -> tuple[Turn, ...]:
        """The turns up to a response. Refused with 404 where it is not known, or another key's."""
        if response is None:
            return ()
        owner, turns = self._turns.get(response, ("", ()))
        if owner != key:
            raise Refused(404, "not_found", f"There is no response {response!r}, or it was forgotten.")
        return turns


async def responses(request: Request) -> Response:
    """`POST /v1/responses`."""
    service: Service = request.app.state.service
    kept: Kept = request.app.state.kept
    key: Key = request.state.key
    given = await parsed(request, ResponseRequest)
    asked, tool = _asked(service, given, kept.before(given.previous_response_id, key.name))
    service.check(asked)
    if given.stream:
        key.check()  # a refusal has to come before the headers
        asked = await service.narrowed(asked, key)
    reply = _Reply(service, given, asked, tool, service.base(request))
    if given.stream:
        return StreamingResponse(_events(reply, kept, key), media_type="text/event-stream")
    answer = await service.answer(asked, key, request.receive, reply.on_found)
    body = reply.whole(answer, answer.text, await service.places(asked.corpus, answer))
    reply.remember(kept, key, answer)
    return JSONResponse(body, headers=headers_of(answer))


def _asked(service: Service, given: ResponseRequest, before: tuple[Turn, ...]) -> tuple[Asked, Tool | None]:
    """The question of a request, and the tool that names its corpus."""
    messages = [Message(content=given.input)] if isinstance(given.input, str) else given.input
    question, history = conversation(messages)
    tool = next((tool for tool in given.tools if tool.type == "file_search"), None)
    named = tool.vector_store_ids if tool is not None else []
    if len(named) > 1:
        raise Refused(
            400,
            "invalid_request",
            f"One vector store is searched at a time, and {len(named)} are named: put the files into one.",
        )
    corpus, route = (named[0], None) if named else service.shelf.chosen(given.model)
    if named and given.model.partition(":")[2] in ("rag", "long"):
        route = given.model.partition(":")[2]
    asked = Asked(
        service.shelf[corpus].name,
        question,
        route,
        filters=filters_of(given.where, tool.filters if tool is not None else None),
        history=(*before, *history)[-TURNS:],
        sampling=Sampling(max_tokens=given.max_output_tokens, temperature=given.temperature),
    )
    return asked, tool


class _Reply:
    """A response under construction."""

    def __init__(self, service: Service, given: ResponseRequest, asked: Asked, tool: Tool | None, base: str) -> None:
        self.service, self.given, self.asked, self.tool, self.base = service, given, asked, tool, base
        self.id, self.created = f"resp_{secrets.token_hex(12)}", int(time.time())
        self.found: tuple[str, Sequence[Candidate]] = (asked.question, ())
        self.search_id, self.message_id = f"fs_{secrets.token_hex(12)}", f"msg_{secrets.token_hex(12)}"

    def frame(self, status: str, output: list[Any], usage: Usage | None = None, **more: Any) -> dict[str, Any]:
        """The response around its output."""
        given = self.given
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": given.instructions,
            "max_output_tokens": given.max_output_tokens,
            "model": given.model,
            "output": output,
            "parallel_tool_calls": False,
            "previous_response_id": given.previous_response_id,
            "store": given.store,
            "temperature": given.temperature,
            "tool_choice": "auto",
            "tools": [tool.model_dump(mode="json", exclude_none=True) for tool in given.tools],
            "top_p": None,
            "truncation": "disabled",
            "metadata": {},
            "usage": None if usage is None else _usage(usage),
            **more,
        }

    def on_found(self, question: str, candidates: Sequence[Candidate]) -> None:
        """Take what was searched for, which is the question as it was understood, and what was found."""
        self.found = question, candidates

    def search(self, status: str = "completed") -> dict[str, Any]:
        """The search of files, with its results where the client asked for them."""
        wanted = status == "completed" and _WITH_RESULTS in self.given.include
        return {
            "id": self.search_id,
            "type": "file_search_call",
            "status": status,
            "queries": [self.found[0]],
            "results": self._results() if wanted else None,
        }

    def _results(self) -> list[dict[str, Any]]:
        """The passages that were found, as results of a search of files."""
        service, corpus = self.service, self.asked.corpus
        most = (self.tool.max_num_results if self.tool else None) or service.hybrid.settings.retrieval.k
        candidates = self.found[1][:most]
        with service.shelf.reading(corpus) as store:
            names = [candidate.passage.document for candidate in candidates]
            attributes = given_to(store, names, service.uploads.attributes(corpus))
        return [
            {
                "file_id": service.file_id(corpus, candidate.passage.document),
                "filename": candidate.passage.document,
                "score": score_of(candidate),
                "attributes": attributes.get(candidate.passage.document, {}),
                "text": candidate.passage.text,
            }
            for candidate in candidates
        ]

    def message(self, text: str, cited: list[dict[str, Any]], status: str = "completed") -> dict[str, Any]:
        """The message with the answer."""
        content = [{"type": "output_text", "text": text, "annotations": cited, "logprobs": []}]
        return {"id": self.message_id, "type": "message", "status": status, "role": "assistant", "content": content}

    def cited(self, text: str, places: Places) -> list[dict[str, Any]]:
        """The annotations of a text."""
        return annotated(text, places.cited, self.base, self.service.file_id, nested=False)

    def whole(self, answer: Answer, text: str, places: Places) -> dict[str, Any]:
        """The finished response."""
        output = [self.search(), self.message(text, self.cited(text, places))]
        more = {"hybrid": self.service.told(self.asked.corpus, answer, places, self.base)}
        return self.frame("completed", output, answer.usage, **more)

    def remember(self, kept: Kept, key: Key, answer: Answer) -> None:
        """Keep the conversation, so that the next response can go on from this one."""
        if self.given.store:
            asked = Turn(role="user", text=self.asked.question)
            kept.keep(self.id, key.name, [*self.asked.history, asked, Turn(role="assistant", text=answer.text)])


async def _events(reply: _Reply, kept: Kept, key: Key) -> AsyncIterator[str]:
    """The events of a streamed response, in the order in which OpenAI's API sends them."""
    number = 0

    def sent(kind: str, **values: Any) -> str:
        nonlocal number
        number += 1
        return event({"type": kind, "sequence_number": number - 1, **values}, kind)

    yield sent("response.created", response=reply.frame("in_progress", []))
    yield sent("response.in_progress", response=reply.frame("in_progress", []))
    searching = {"output_index": 0, "item_id": reply.search_id}
    yield sent("response.output_item.added", output_index=0, item=reply.search("in_progress"))
    yield sent("response.file_search_call.in_progress", **searching)
    yield sent("response.file_search_call.searching", **searching)
    part = {"output_index": 1, "item_id": reply.message_id, "content_index": 0}
    said, opened = Said(), False
    try:
        async for item in reply.service.stream(reply.asked, key, reply.on_found):
            if not opened:
                opened = True
                yield sent("response.file_search_call.completed", **searching)
                yield sent("response.output_item.done", output_index=0, item=reply.search())
                empty = {**reply.message("", [], "in_progress"), "content": []}
                yield sent("response.output_item.added", output_index=1, item=empty)
                yield sent("response.content_part.added", **part, part=reply.message("", [])["content"][0])
            if isinstance(item, str):
                if text := said.more(item):
                    yield sent("response.output_text.delta", **part, delta=text, logprobs=[])
                continue
            if rest := said.end(item.text):
                yield sent("response.output_text.delta", **part, delta=rest, logprobs=[])
            places = await reply.service.places(reply.asked.corpus, item)
            cited = reply.cited(said.text, places)
            for at, annotation in enumerate(cited):
                values = {"annotation_index": at, "annotation": annotation}
                yield sent("response.output_text.annotation.added", **part, **values)
            message = reply.message(said.text, cited)
            yield sent("response.output_text.done", **part, text=said.text, logprobs=[])
            yield sent("response.content_part.done", **part, part=message["content"][0])
            yield sent("response.output_item.done", output_index=1, item=message)
            reply.remember(kept, key, item)
            yield sent("response.completed", response=reply.whole(item, said.text, places))
    except Exception as error:  # noqa: BLE001 - told to the client as the last event
        _, code, sentence = told(error)
        failed = {**reply.frame("failed", []), "error": {"code": code, "message": sentence}}
        yield sent("response.failed", response=failed)


def score_of(candidate: Candidate) -> float:
    """A score between 0 and 1: the cosine with the question where there is one."""
    return round(min(1.0, max(0.0, candidate.dense if candidate.dense is not None else candidate.score)), 4)


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
    }
