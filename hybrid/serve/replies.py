"""What goes over the wire in every part: bodies checked against a model, JSON, and errors as one sentence."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hybrid.errors import (
    CalledOff,
    CorpusError,
    DocumentGone,
    EngineError,
    HybridError,
    IndexStoreError,
    InputError,
    WindowError,
)
from hybrid.serve.asking import Busy, TooSlow

LOG = logging.getLogger("hybrid.serve")
_LONGEST = 1000  # characters of a sentence: a caller may have sent a name of any length
_PLACE = 200  # characters of where a fault is in a request
_NOBODY = 499  # the caller has gone; nobody sees it but the log
_STATUS: tuple[tuple[type[Exception], int, str], ...] = (  # the first that fits
    (WindowError, 400, "context_length_exceeded"),
    (EngineError, 502, "engine_failed"),
    (DocumentGone, 409, "documents_changed"),
    (IndexStoreError, 503, "index_unusable"),
    (CorpusError, 409, "nothing_to_read"),
    (InputError, 400, "invalid_request"),
    (Busy, 429, "too_many_questions"),
    (TooSlow, 504, "took_too_long"),
    (CalledOff, _NOBODY, "called_off"),
    (HybridError, 400, "invalid_request"),
)
_CODES = {404: "not_found", 405: "method_not_allowed"}
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}

M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """A request's body. Clients send many more keys than are used here: those are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Refused(HTTPException):
    """A request that is refused, with a status, a code and a sentence."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, headers)
        self.code = code


async def parsed(request: Request, model: type[M]) -> M:
    """The body of a request.

    Raises:
        Refused: it is no JSON, or does not fit.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # a form of another site could send text/plain without being asked
        raise Refused(415, "not_json", "Send the request as JSON, with the header Content-Type: application/json.")
    try:
        given = json.loads(await request.body(), parse_constant=_no_number)
        # half a character, as in "\\ud800", is no text, and 1e400 is no number
        json.dumps(given, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise Refused(400, "not_json", "The request's body is not valid JSON.") from None
    return fitted(model, given)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def fitted(model: type[M], given: Any) -> M:
    """Some values as a model; Refused with the first fault where they do not fit."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, fault["loc"])) or "the body"
        where = where if len(where) <= _PLACE else f"{where[:_PLACE]} ..."
        told = str(fault["msg"]).removeprefix("Value error, ")
        raise Refused(400, "invalid_request", f"In the request, {where!r} does not fit: {told}.") from None


def problem(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error in the form of OpenAI's API."""
    return JSONResponse({"error": error_of(status, code, message)}, status, headers)


def error_of(status: int, code: str, message: str) -> dict[str, Any]:
    """An error as an object of OpenAI's API."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"message": _cut(message), "type": kind, "param": None, "code": code}


def told(error: BaseException) -> tuple[int, str, str]:
    """The status, code and sentence of an error; what nobody expected is logged and told without its details."""
    if isinstance(error, Refused):
        return error.status_code, error.code, error.detail
    for kind, status, code in _STATUS:
        if isinstance(error, kind):
            return status, code, _cut(str(error))
    LOG.error("A request failed unexpectedly.", exc_info=error)
    return 500, "internal_error", f"The service failed ({type(error).__name__}); its log has the details."


async def on_refused(request: Request, error: Exception) -> Response:
    """A refusal as a reply."""
    assert isinstance(error, HTTPException)
    sentence = error.detail if isinstance(error, Refused) else _plain(error, request)
    code = getattr(error, "code", _CODES.get(error.status_code, "invalid_request"))
    return problem(error.status_code, code, sentence, error.headers)


async def on_error(request: Request, error: Exception) -> Response:
    """Any other error as a reply."""
    status, code, sentence = told(error)
    headers = {"retry-after": "5"} if status in (429, 503) else None
    return problem(status, code, sentence, headers)


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]} ..."


def _plain(error: HTTPException, request: Request) -> str:
    if error.status_code == 405:
        return f"{request.method} is not possible at this address."
    return "There is nothing at this address." if error.status_code == 404 else error.detail
