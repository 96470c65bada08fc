"""`GET /openapi.json`: the service's addresses, made from its routes and the models of their bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute, Route

from hybrid import __version__
from hybrid.serve.chat import ChatRequest
from hybrid.serve.responses import ResponseRequest
from hybrid.serve.route import RouteRequest
from hybrid.serve.vector_stores import AttributesRequest, BatchRequest, FileRequest, SearchRequest, StoreRequest

_BODIES: dict[str, type[BaseModel]] = {
    "/v1/chat/completions": ChatRequest,
    "/v1/responses": ResponseRequest,
    "/v1/route": RouteRequest,
    "/v1/vector_stores": StoreRequest,
    "/v1/vector_stores/{store}": StoreRequest,
    "/v1/vector_stores/{store}/search": SearchRequest,
    "/v1/corpora/{store}/search": SearchRequest,
    "/v1/vector_stores/{store}/files": FileRequest,
    "/v1/vector_stores/{store}/files/{file}": AttributesRequest,
    "/v1/vector_stores/{store}/file_batches": BatchRequest,
}
_UPLOAD = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "format": "binary"}, "purpose": {"type": "string"}},
        }
    }
}
_REFERENCE = "#/components/schemas/{model}"


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI document of some routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if not isinstance(route, Route) or not route.path.startswith(("/v1/", "/healthz", "/metrics")):
            continue
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            paths.setdefault(path, {})[method.lower()] = _operation(route, path, method)
    _, schemas = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(_BODIES.values())], ref_template=_REFERENCE
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "hybrid", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }


def _operation(route: Route, path: str, method: str) -> dict[str, Any]:
    told = (route.endpoint.__doc__ or "").partition("\n")[0]
    names = re.findall(r"\{(\w+)\}", path)
    parameters = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]
    found: dict[str, Any] = {
        "summary": told,
        "parameters": [*parameters, *_queries(route.endpoint.__doc__ or "")],
        "responses": {"200": {"description": "as asked"}, "4XX": {"description": "a sentence that says what to mend"}},
    }
    if method == "POST" and path in _BODIES:
        schema = {"$ref": _REFERENCE.format(model=_BODIES[path].__name__)}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif method == "POST":
        found["requestBody"] = {"required": True, "content": _UPLOAD}
    return found


def _queries(told: str) -> list[dict[str, Any]]:
    """The parameters that stand under `Query:` in what an endpoint says of itself."""
    lines = re.findall(r"^ +([\w, ]+): (.+)$", told.partition("Query:\n")[2], re.MULTILINE)
    each = [(name, description) for names, description in lines for name in names.split(", ")]
    return [{"name": n, "in": "query", "description": d, "schema": {"type": "string"}} for n, d in each]
