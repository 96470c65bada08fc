"""`/v1/corpora`: the documents as the service read them, a range or a page of them, and pictures of PDF pages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from hybrid.document import Document
from hybrid.errors import MissingDependency
from hybrid.serve.filters import given_to, within
from hybrid.serve.replies import Refused
from hybrid.serve.service import Service

_AROUND = 6_000  # characters shown on both sides of a place
_MOST = 200_000  # characters of one reply
_SCALE, _LARGEST = 2.0, 3_000  # dots per point, and along a side


async def corpora(request: Request) -> Response:
    """`GET /v1/corpora`: the corpora, with what is known of their indexes."""
    service: Service = request.app.state.service
    return JSONResponse({"object": "list", "data": [_corpus(service, name) for name in service.shelf]})


async def corpus(request: Request) -> Response:
    """`GET /v1/corpora/NAME/documents`: the documents of a corpus with their fields, and what could not be read.

    Query:
        where: a filter; only documents that pass are listed.
    """
    service: Service = request.app.state.service
    name = _name(service, request)

    def listed() -> dict[str, Any]:
        where, attributes = request.query_params.get("where"), service.uploads.attributes(name)
        with service.shelf.reading(name) as store:
            entries = store.entries(within(store, None, () if where is None else (where,), attributes))
            fields = given_to(store, None, attributes)
            rows = [
                {
                    "name": e.name,
                    "kind": e.kind,
                    "tokens": e.tokens,
                    "passages": e.passages,
                    "fields": fields.get(e.name, {}),
                }
                for e in entries
            ]
            unread = [{"name": problem.name, "reason": problem.reason} for problem in store.unread()]
        return {"object": "list", "data": rows, "unread": unread}

    return JSONResponse(await to_thread.run_sync(listed))


async def document(request: Request) -> Response:
    """`GET /v1/corpora/NAME/documents/DOCUMENT`.

    Query:
        start, end: characters of its text; some text around them comes with them.
        page: a page, from 1.
        as: `json`; `text`; or `picture`, a PNG of a page of a PDF.
    """
    service: Service = request.app.state.service
    found = await to_thread.run_sync(_document, service, _name(service, request), request.path_params["document"])
    shape = request.query_params.get("as", "json")
    page = _number(request, "page", 1)
    if shape == "picture":
        return Response(await to_thread.run_sync(picture, found, page or 1), media_type="image/png")
    first, last = _range(found, request, page)
    if shape == "text":
        return PlainTextResponse(found.text[first:last])
    if shape != "json":
        raise Refused(400, "invalid_request", f"A document is given as json, text or picture, not as {shape!r}.")
    return JSONResponse(
        {
            "name": found.name,
            "kind": found.kind,
            "language": found.language,
            "characters": len(found.text),
            "pages": len(found.pages),
            "page": found.page_of(first),
            "start": first,
            "end": last,
            "line": found.text.count("\n", 0, first) + 1,
            "text": found.text[first:last],
            "remarks": list(found.remarks),
            "pictures": found.kind == "pdf" and bool(found.pages) and found.path is not None,
        }
    )


def picture(document: Document, page: int) -> bytes:
    """A page of a PDF, drawn, as PNG.

    Raises:
        Refused: it is no PDF, has no such page, or cannot be drawn.
        MissingDependency: what draws it is not installed.
    """
    if document.kind != "pdf" or document.path is None:
        raise Refused(400, "invalid_request", f"{document.name} is no PDF, and only pages of PDFs have pictures.")
    if not 1 <= page <= len(document.pages):
        raise Refused(404, "not_found", f"{document.name} has {len(document.pages)} pages, and no page {page}.")
    return _drawn(document.path, page)


@lru_cache(maxsize=64)
def _drawn(path: str, page: int) -> bytes:
    from io import BytesIO

    try:
        import pypdfium2
    except ImportError:
        raise MissingDependency("pypdfium2", "serve", "A picture of a page") from None
    from hybrid.corpus.readers.pdf.ocr import LOCK

    with LOCK:  # it serves one thread at a time
        try:
            opened = pypdfium2.PdfDocument(path)
        except (OSError, pypdfium2.PdfiumError) as error:
            raise Refused(409, "unreadable", f"The page cannot be drawn: {error}.") from None
        try:
            sheet = opened[page - 1]
            scale = min(_SCALE, _LARGEST / max(1.0, *sheet.get_size()))
            kept = BytesIO()
            sheet.render(scale=scale).to_pil().save(kept, "PNG")
        finally:
            opened.close()
    return kept.getvalue()


def _corpus(service: Service, name: str) -> dict[str, Any]:
    shelved = service.shelf[name]
    entries = [] if shelved.store is None else shelved.store.entries()
    return {
        "id": name,
        "name": service.title(name),
        "uploads": service.uploads.has(name),
        "ready": shelved.store is not None,
        "documents": len(entries),
        "tokens": sum(entry.tokens for entry in entries),
        "fault": shelved.fault,
    }


def _name(service: Service, request: Request) -> str:
    name: str = request.path_params["corpus"]
    if name not in service.shelf:
        raise Refused(404, "not_found", f"There is no corpus {name!r}; /v1/corpora lists those there are.")
    return name


def _document(service: Service, corpus: str, name: str) -> Document:
    """A document by its name in the index: a name is never made a path, so nothing else can be read by it."""
    try:
        with service.shelf.reading(corpus) as store:
            return store.document(name)
    except KeyError:
        raise Refused(404, "not_found", f"There is no document {name!r} in {corpus!r}.") from None


def _range(found: Document, request: Request, page: int | None) -> tuple[int, int]:
    """The characters that are asked for."""
    length = len(found.text)
    start, end = _number(request, "start", 0), _number(request, "end", 0)
    if page is not None and start is None:
        if not 1 <= page <= len(found.pages):
            raise Refused(404, "not_found", f"{found.name} has {len(found.pages)} pages, and no page {page}.")
        return found.pages[page - 1], (*found.pages, length)[page]
    if start is None and end is None:
        return 0, min(length, _MOST)
    first = min(start or 0, length)
    last = min(length, max(first, end if end is not None else first))
    if request.query_params.get("around") != "0":
        first = max(0, found.text.rfind("\n", 0, max(0, first - _AROUND)) + 1)
        last = min(length, last + _AROUND)
    return first, min(last, first + _MOST)


def _number(request: Request, key: str, least: int) -> int | None:
    given = request.query_params.get(key)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 12 and int(given) >= least):
        raise Refused(
            400, "invalid_request", f"{key!r} has to be a whole number from {least} on, and is {given[:40]!r}."
        )
    return int(given)
