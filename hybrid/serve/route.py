"""`POST /v1/route`: which way a question would take, and what every way is expected to take. No engine is asked."""

from __future__ import annotations

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hybrid.serve.filters import Where
from hybrid.serve.messages import Message, conversation
from hybrid.serve.replies import Body, Refused, parsed
from hybrid.serve.service import Asked, Service


class RouteRequest(Body):
    """A question, or a conversation that ends with one."""

    model: str
    question: str | None = None
    messages: list[Message] = Field([])
    documents: list[str] | None = None
    where: Where = None


async def route(request: Request) -> Response:
    """`POST /v1/route`."""
    service: Service = request.app.state.service
    given = await parsed(request, RouteRequest)
    if given.question is None and not given.messages:
        raise Refused(400, "invalid_request", "There is no question: send 'question' or 'messages'.")
    question, history = (given.question, ()) if given.question is not None else conversation(given.messages)
    corpus, forced = service.shelf.chosen(given.model)
    documents = None if given.documents is None else tuple(given.documents)
    filters = () if given.where is None else (given.where,)
    asked = Asked(corpus, question, forced, documents=documents, history=history, filters=filters)
    decision = await service.decide(asked, request.state.key)
    return JSONResponse({"object": "route", "corpus": corpus, **decision.model_dump(mode="json")})
