"""`/v1/models` and `/v1/chat/completions`, as OpenAI's API has them.

A corpus is a model: `NAME` lets the policy decide, `NAME:rag` and `NAME:long` force a route. What was decided and what
it cost stands in the key `hybrid` of the reply and of the last chunk, and in headers where nothing is streamed: a
streamed answer can take another route after its headers are gone.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from hybrid.serve.citing import Said, annotated
from hybrid.serve.filters import Where
from hybrid.serve.keys import Key
from hybrid.serve.messages import Message, chore, conversation
from hybrid.serve.replies import Body, Refused, error_of, parsed, told
from hybrid.serve.service import Asked, Service
from hybrid.types import Answer, Rung, Sampling, Usage


class StreamOptions(Body):
    """What a stream carries besides text."""

    include_usage: bool = False


class ChatRequest(Body):
    """A request for a chat completion. `rung`, `documents` and `where` are this service's own."""

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    stop: str | list[str] | None = None
    n: int = 1
    rung: Rung | None = None
    documents: list[str] | None = None
    where: Where = None


async def models(request: Request) -> Response:
    """`GET /v1/models`."""
    service: Service = request.app.state.service
    return JSONResponse({"object": "list", "data": [_model(service, model) for model in _models(service)]})


async def model(request: Request) -> Response:
    """`GET /v1/models/MODEL`."""
    service: Service = request.app.state.service
    name = request.path_params["model"]
    if name not in _models(service):
        raise Refused(404, "model_not_found", f"There is no model {name!r}; /v1/models lists those there are.")
    return JSONResponse(_model(service, name))


async def completions(request: Request) -> Response:
    """`POST /v1/chat/completions`."""
    service: Service = request.app.state.service
    given = await parsed(request, ChatRequest)
    if given.n != 1:
        raise Refused(400, "invalid_request", f"This service gives one answer at a time, and 'n' is {given.n}.")
    question, history = conversation(given.messages)
    corpus, route = service.shelf.chosen(given.model)
    if (reply := chore(question)) is not None:
        return _reply_to_chore(given, reply)
    asked = Asked(
        corpus,
        question,
        route,
        given.rung,
        None if given.documents is None else tuple(given.documents),
        history,
        Sampling(
            max_tokens=given.max_completion_tokens or given.max_tokens,
            temperature=given.temperature,
            stop=(given.stop,) if isinstance(given.stop, str) else tuple(given.stop or ()),
        ),
        () if given.where is None else (given.where,),
    )
    service.check(asked)
    key: Key = request.state.key
    if given.stream:
        key.check()  # a refusal has to come before the headers
        asked = await service.narrowed(asked, key)
        return StreamingResponse(
            _chunks(service, given, asked, key, service.base(request)), media_type="text/event-stream"
        )
    answer = await service.answer(asked, key, request.receive)
    places, base = await service.places(corpus, answer), service.base(request)
    cited = annotated(answer.text, places.cited, base, service.file_id, nested=True)
    message = {"role": "assistant", "content": answer.text, "refusal": None, "annotations": cited}
    body = {
        **_frame(given.model, "chat.completion"),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": usage_of(answer.usage),
        "hybrid": service.told(corpus, answer, places, base),
    }
    return JSONResponse(body, headers=headers_of(answer))


async def _chunks(service: Service, given: ChatRequest, asked: Asked, key: Key, base: str) -> AsyncIterator[str]:
    """The events of a streamed answer. A fault is an event of its own, as the status is gone by then."""
    frame = _frame(given.model, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        return event({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})

    yield chunk({"role": "assistant", "content": ""})
    said = Said()
    try:
        async for item in service.stream(asked, key):
            if isinstance(item, str):
                if text := said.more(item):
                    yield chunk({"content": text})
                continue
            if rest := said.end(item.text):
                yield chunk({"content": rest})
            places = await service.places(asked.corpus, item)
            cited = annotated(said.text, places.cited, base, service.file_id, nested=True)
            if cited:
                yield chunk({"annotations": cited})
            yield chunk({}, "stop", hybrid=service.told(asked.corpus, item, places, base))
            if given.stream_options is not None and given.stream_options.include_usage:
                yield event({**frame, "choices": [], "usage": usage_of(item.usage)})
    except Exception as error:  # noqa: BLE001 - told to the client as the last event
        yield event({"error": error_of(*told(error))})
    yield "data: [DONE]\n\n"


def event(data: dict[str, Any], name: str | None = None) -> str:
    """One server-sent event."""
    head = "" if name is None else f"event: {name}\n"
    return f"{head}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


def usage_of(usage: Usage) -> dict[str, Any]:
    """Usage as chat completions tell it."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.prompt_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def headers_of(answer: Answer) -> dict[str, str]:
    """What was decided and what it cost, as headers; the reason is plain ASCII there."""
    predicted = {prediction.rung: prediction.cost for prediction in answer.decision.predictions}
    expected = predicted.get(answer.decision.rung)
    found: dict[str, Any] = {
        "route": answer.route,
        "rung": answer.decision.rung,
        "reason": answer.reason.encode("ascii", "replace").decode().replace("\n", " ")[:500],
        "calls": answer.usage.calls,
        "gpu-seconds": answer.cost.gpu_seconds,
        "dollars": answer.cost.dollars,
        "predicted-gpu-seconds": expected.gpu_seconds if expected else None,
        "predicted-dollars": expected.dollars if expected else None,
    }
    return {f"x-hybrid-{name}": _figure(value) for name, value in found.items() if value is not None}


def _figure(value: Any) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)


def _reply_to_chore(given: ChatRequest, text: str) -> Response:
    """A title or such: no engine is asked and nothing is charged."""
    if given.stream:
        frame = _frame(given.model, "chat.completion.chunk")
        deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": text}, None), ({}, "stop")]
        sent = [event({**frame, "choices": [{"index": 0, "delta": d, "finish_reason": f}]}) for d, f in deltas]
        return StreamingResponse(iter([*sent, "data: [DONE]\n\n"]), media_type="text/event-stream")
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    return JSONResponse({**_frame(given.model, "chat.completion"), "choices": [choice], "usage": usage_of(Usage())})


def _frame(model: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()), "model": model}


def _models(service: Service) -> list[str]:
    return [f"{name}{route}" for name in service.shelf for route in ("", ":rag", ":long")]


def _model(service: Service, name: str) -> dict[str, Any]:
    """A model as `/v1/models` tells it; a corpus of uploads goes by its store's name too."""
    corpus = name.partition(":")[0]
    route = {"": "", "rag": " (passages)", "long": " (whole documents)"}[name.partition(":")[2]]
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "hybrid",
        "name": f"{service.title(corpus)}{route}",
    }
