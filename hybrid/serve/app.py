"""The service as an ASGI application: which address is answered by what."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources import files as carried

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from hybrid.errors import HybridError
from hybrid.serve import chat, documents, files, responses, vector_stores
from hybrid.serve.guard import Guard
from hybrid.serve.log import Logged
from hybrid.serve.mcp import Tools
from hybrid.serve.openapi import document
from hybrid.serve.replies import Refused, on_error, on_refused
from hybrid.serve.route import route
from hybrid.serve.service import Service


class _AnyName(PathConvertor):
    """A document's name in an address: all that is left of it, also a line break."""

    regex = r"[\s\S]*"


register_url_convertor("name", _AnyName())
Endpoint = Callable[[Request], Awaitable[Response]]
_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def addresses() -> list[BaseRoute]:
    """The addresses of the service, without MCP's."""
    return [
        Route("/", page),
        Route("/page/{name}", page),
        Route("/open/{path:name}", page),
        Route("/healthz", health),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
        Route("/v1/models", chat.models),
        Route("/v1/models/{model}", chat.model),
        Route("/v1/chat/completions", chat.completions, methods=["POST"]),
        Route("/v1/responses", responses.responses, methods=["POST"]),
        Route("/v1/route", route, methods=["POST"]),
        Route("/v1/saved", saved),
        Route("/v1/corpora", documents.corpora),
        Route("/v1/corpora/{corpus}/documents", documents.corpus),
        Route("/v1/corpora/{store}/search", vector_stores.search, methods=["POST"]),
        Route("/v1/corpora/{corpus}/documents/{document:name}", documents.document),
        Route("/v1/files", files.create, methods=["POST"]),
        Route("/v1/files", files.listed),
        Route("/v1/files/{file}", files.delete, methods=["DELETE"]),
        Route("/v1/files/{file}", files.one),
        Route("/v1/files/{file}/content", files.content),
        Route("/v1/vector_stores", vector_stores.create, methods=["POST"]),
        Route("/v1/vector_stores", vector_stores.listed),
        Route("/v1/vector_stores/{store}", vector_stores.one, methods=["GET", "POST", "DELETE"]),
        Route("/v1/vector_stores/{store}/search", vector_stores.search, methods=["POST"]),
        Route("/v1/vector_stores/{store}/files", vector_stores.files, methods=["GET", "POST"]),
        Route("/v1/vector_stores/{store}/files/{file}", vector_stores.file, methods=["GET", "POST", "DELETE"]),
        Route("/v1/vector_stores/{store}/file_batches", vector_stores.batch, methods=["POST"]),
        Route("/v1/vector_stores/{store}/file_batches/{batch}", vector_stores.batched),
    ]


def app(service: Service) -> Starlette:
    """The application of a service."""
    routes = addresses()
    tools = Tools(service.hybrid, service.shelf, service)
    routes.append(Mount("/mcp", tools.over_http()))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stop = threading.Event()
        if service.settings.watch:
            threading.Thread(target=service.shelf.watch, args=(stop,), daemon=True).start()
        async with tools.running():
            yield
        stop.set()
        service.close()

    guards = [Middleware(Guard, settings=service.settings, keys=service.keys)]
    if service.settings.origins:
        guards.insert(
            0,
            Middleware(
                CORSMiddleware,
                allow_origins=list(service.settings.origins),
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["authorization", "content-type"],
                expose_headers=["x-hybrid-route", "x-hybrid-rung", "x-hybrid-reason", "x-hybrid-dollars"],
            ),
        )
    guards.insert(0, Middleware(Logged))
    made = Starlette(
        routes=routes,
        middleware=guards,
        exception_handlers={HTTPException: on_refused, HybridError: on_error},
        lifespan=lifespan,
    )
    made.state.service, made.state.kept = service, responses.Kept()
    return made


async def page(request: Request) -> Response:
    """The page and its files, from the package; a link to a document opens the same page."""
    name = request.path_params.get("name", "index.html")
    suffix = name[name.rfind(".") :]
    file = {file.name: file for file in (carried("hybrid.serve") / "page").iterdir()}.get(name)
    if suffix not in _KINDS or file is None:
        raise Refused(404, "not_found", "There is nothing at this address.")
    return Response(
        file.read_bytes(), media_type=f"{_KINDS[suffix]}; charset=utf-8", headers={"cache-control": "no-cache"}
    )


async def health(request: Request) -> Response:
    """`GET /healthz`: that the service runs, and which corpora are ready."""
    service: Service = request.app.state.service
    ready = sum(service.shelf[name].store is not None for name in service.shelf)
    return JSONResponse({"status": "ok", "corpora": len(service.shelf), "ready": ready})


async def metrics(request: Request) -> Response:
    """`GET /metrics`, for Prometheus."""
    service: Service = request.app.state.service
    return Response(service.measured.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def openapi(request: Request) -> Response:
    """`GET /openapi.json`."""
    return JSONResponse(document(request.app.routes))


async def saved(request: Request) -> Response:
    """`GET /v1/saved`: running totals against always reading whole, as they were predicted."""
    service: Service = request.app.state.service
    return JSONResponse(service.measured.saved())
