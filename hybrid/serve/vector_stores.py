"""`/v1/vector_stores`, as OpenAI's API has it: corpora of uploaded files, searched and asked about by their id."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from pydantic import Field, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hybrid.serve.filters import Filter, Where, filters_of, given_to, within
from hybrid.serve.reading import fault_of
from hybrid.serve.replies import LOG, Body, Refused, parsed
from hybrid.serve.responses import score_of
from hybrid.serve.service import Service
from hybrid.serve.uploads import Member, VectorStore

Attributes = dict[str, str | int | float | bool]
_MOST = 16  # attributes of a file, as OpenAI's API limits them


class StoreRequest(Body):
    """A new vector store, or changes of one."""

    name: str | None = Field(None, max_length=200)
    file_ids: list[str] = Field([], max_length=500)
    metadata: dict[str, str] | None = None


class FileRequest(Body):
    """A file for a vector store."""

    file_id: str
    attributes: Attributes = Field({})

    @field_validator("attributes")
    @classmethod
    def _few(cls, attributes: Attributes) -> Attributes:
        if len(attributes) > _MOST:
            raise ValueError(f"a file has up to {_MOST} attributes, and these are {len(attributes)}")
        return attributes


class SearchRequest(Body):
    """A search."""

    query: str | list[str]
    max_num_results: int = Field(10, ge=1, le=50)
    filters: Filter | None = None
    where: Where = None


async def create(request: Request) -> Response:
    """`POST /v1/vector_stores`."""
    service: Service = request.app.state.service
    given = await parsed(request, StoreRequest)
    for file in given.file_ids:
        service.uploads.file(file)
    store = await to_thread.run_sync(service.uploads.create, given.name or "", given.metadata, request.state.key.name)
    for file in given.file_ids:
        await _attach(service, store.id, FileRequest(file_id=file))
    await refresh(service, store.id)
    return JSONResponse(_store(service.uploads.store(store.id)))


async def listed(request: Request) -> Response:
    """`GET /v1/vector_stores`."""
    service: Service = request.app.state.service
    return _list([_store(store) for store in service.uploads.stores()])


async def one(request: Request) -> Response:
    """`GET`, `POST` and `DELETE /v1/vector_stores/ID`."""
    service: Service = request.app.state.service
    store_id = request.path_params["store"]
    if request.method == "DELETE":
        await to_thread.run_sync(service.uploads.drop, store_id)
        service.shelf.remove(store_id)
        return JSONResponse({"id": store_id, "object": "vector_store.deleted", "deleted": True})
    if request.method == "POST":
        given = await parsed(request, StoreRequest)
        service.uploads.describe(store_id, given.name, given.metadata)
    return JSONResponse(_store(service.uploads.store(store_id)))


async def files(request: Request) -> Response:
    """`GET` and `POST /v1/vector_stores/ID/files`."""
    service: Service = request.app.state.service
    store_id = request.path_params["store"]
    if request.method == "GET":
        store = service.uploads.store(store_id)
        return _list([_member(store, file, member) for file, member in store.files.items()])
    given = await parsed(request, FileRequest)
    store = await _attach(service, store_id, given)
    await refresh(service, store_id)
    return JSONResponse(_member(store, given.file_id, store.files[given.file_id]))


async def file(request: Request) -> Response:
    """`GET`, `POST` (its attributes) and `DELETE /v1/vector_stores/ID/files/FILE`."""
    service: Service = request.app.state.service
    store_id, file_id = request.path_params["store"], request.path_params["file"]
    if request.method == "DELETE":
        await to_thread.run_sync(service.uploads.detach, store_id, file_id)
        await refresh(service, store_id)
        return JSONResponse({"id": file_id, "object": "vector_store.file.deleted", "deleted": True})
    store = service.uploads.store(store_id)
    member = store.files.get(file_id)
    if member is None:
        raise Refused(404, "not_found", f"There is no file {file_id!r} in this vector store.")
    if request.method == "POST":
        given = await parsed(request, AttributesRequest)
        store = service.uploads.attach(store_id, file_id, given.attributes, member.fault)
    return JSONResponse(_member(store, file_id, store.files[file_id]))


class AttributesRequest(FileRequest):
    """A file's attributes."""

    file_id: str = ""


class BatchRequest(FileRequest):
    """Several files for a vector store, with the same attributes."""

    file_id: str = ""
    file_ids: list[str] = Field(min_length=1, max_length=500)


async def batch(request: Request) -> Response:
    """`POST /v1/vector_stores/ID/file_batches`. All files have been read when the reply comes."""
    service: Service = request.app.state.service
    store_id = request.path_params["store"]
    given = await parsed(request, BatchRequest)
    for file_id in given.file_ids:
        service.uploads.file(file_id)
    for file_id in given.file_ids:
        await _attach(service, store_id, FileRequest(file_id=file_id, attributes=given.attributes))
    await refresh(service, store_id)
    return JSONResponse(_batch(service.uploads.store(store_id), f"vsfb_{given.file_ids[0][-24:]}"))


async def batched(request: Request) -> Response:
    """`GET /v1/vector_stores/ID/file_batches/BATCH`: it was done when it was made."""
    service: Service = request.app.state.service
    return JSONResponse(_batch(service.uploads.store(request.path_params["store"]), request.path_params["batch"]))


async def search(request: Request) -> Response:
    """`POST /v1/vector_stores/ID/search`, `POST /v1/corpora/NAME/search`: passages, best first, of any corpus."""
    service: Service = request.app.state.service
    given = await parsed(request, SearchRequest)
    corpus = request.path_params["store"]
    if corpus not in service.shelf:
        service.uploads.store(corpus)
        raise Refused(409, "nothing_to_read", "This vector store has no files yet that can be read.")
    query = given.query if isinstance(given.query, str) else " ".join(given.query)
    with request.state.key.turn():
        found = await service.turns.run(lambda _: _found(service, corpus, query, given))
    return JSONResponse(
        {
            "object": "vector_store.search_results.page",
            "search_query": [query],
            "data": found,
            "has_more": False,
            "next_page": None,
        }
    )


def _found(service: Service, corpus: str, query: str, given: SearchRequest) -> list[dict[str, Any]]:
    attributes = service.uploads.attributes(corpus)
    with service.shelf.reading(corpus) as store:
        documents = within(store, None, filters_of(given.where, given.filters), attributes)
        candidates = service.hybrid.retrieve(query, store, given.max_num_results, documents)
        attributes = given_to(store, [candidate.passage.document for candidate in candidates], attributes)
    return [
        {
            "file_id": service.file_id(corpus, candidate.passage.document),
            "filename": candidate.passage.document,
            "score": score_of(candidate),
            "attributes": attributes.get(candidate.passage.document, {}),
            "content": [{"type": "text", "text": candidate.passage.text}],
        }
        for candidate in candidates
    ]


async def refresh(service: Service, store_id: str) -> None:
    """Have the corpus of a vector store hold what its files are now; what cannot be read is told with the file."""
    store = service.uploads.store(store_id)
    if not any(not member.fault for member in store.files.values()):
        service.shelf.remove(store_id)
        return
    if store_id not in service.shelf:
        service.shelf.put(store_id, (str(service.uploads.documents_of(store_id)),))
    try:
        await to_thread.run_sync(service.shelf.update, store_id)
    except Exception as error:  # noqa: BLE001 - the files are kept, and the next change tries again
        LOG.warning("The index of %s could not be updated: %s", store_id, error)
    if not service.uploads.documents_of(store_id).is_dir():  # it was deleted meanwhile
        service.shelf.remove(store_id)


async def _attach(service: Service, store_id: str, given: FileRequest) -> VectorStore:
    """Put a file into a store, after it was read in a process of its own."""
    service.uploads.store(store_id)
    path = service.uploads.path(service.uploads.file(given.file_id))
    fault = await to_thread.run_sync(fault_of, path, service.settings)
    return await to_thread.run_sync(service.uploads.attach, store_id, given.file_id, given.attributes, fault)


def _list(data: list[dict[str, Any]]) -> JSONResponse:
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return JSONResponse({"object": "list", "data": data, **ends, "has_more": False})


def _store(store: VectorStore) -> dict[str, Any]:
    failed = sum(bool(member.fault) for member in store.files.values())
    counts = {"in_progress": 0, "completed": len(store.files) - failed, "failed": failed, "cancelled": 0}
    return {
        "id": store.id,
        "object": "vector_store",
        "created_at": store.created_at,
        "name": store.name,
        "usage_bytes": sum(member.bytes for member in store.files.values()),
        "file_counts": {**counts, "total": len(store.files)},
        "status": "completed",
        "expires_after": None,
        "expires_at": None,
        "last_active_at": store.created_at,
        "metadata": store.metadata,
    }


def _batch(store: VectorStore, batch: str) -> dict[str, Any]:
    known = _store(store)
    return {
        "id": batch,
        "object": "vector_store.file_batch",
        "created_at": store.created_at,
        "vector_store_id": store.id,
        "status": "completed",
        "file_counts": known["file_counts"],
    }


def _member(store: VectorStore, file_id: str, member: Member) -> dict[str, Any]:
    fault = {"code": "invalid_file", "message": member.fault} if member.fault else None
    return {
        "id": file_id,
        "object": "vector_store.file",
        "usage_bytes": member.bytes,
        "created_at": member.added_at,
        "vector_store_id": store.id,
        "status": "failed" if member.fault else "completed",
        "last_error": fault,
        "attributes": member.attributes,
        "filename": member.document,
    }
