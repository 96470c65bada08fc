"""`/v1/files`, as OpenAI's API has it."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from hybrid.serve.replies import Refused
from hybrid.serve.service import Service
from hybrid.serve.uploads import File
from hybrid.serve.vector_stores import refresh


async def create(request: Request) -> Response:
    """`POST /v1/files`: a form with a file. It is kept, and read when a vector store takes it."""
    service: Service = request.app.state.service
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Refused(415, "not_a_form", "Send the file as a form, multipart/form-data, in the field 'file'.")
    owner: str = request.state.key.name
    service.uploads.quota.check(owner)  # before a body is read in vain
    async with request.form(max_files=1, max_fields=8, max_part_size=1 << 16) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise Refused(400, "invalid_request", "The form has no file in its field 'file'.")
        most = service.settings.upload_mb
        if (upload.size or 0) > most * (1 << 20):
            raise Refused(413, "too_large", f"The file has {upload.size:,} bytes; {most:g} MiB are taken at most.")
        name = upload.filename or "upload"
        purpose = form.get("purpose")
        purpose = purpose if isinstance(purpose, str) else "assistants"
        file = await to_thread.run_sync(service.uploads.add, name, upload.file, purpose, owner)
    return JSONResponse(_told(file))


async def listed(request: Request) -> Response:
    """`GET /v1/files`."""
    service: Service = request.app.state.service
    return JSONResponse(
        {"object": "list", "data": [_told(file) for file in service.uploads.files()], "has_more": False}
    )


async def one(request: Request) -> Response:
    """`GET /v1/files/ID`."""
    service: Service = request.app.state.service
    return JSONResponse(_told(service.uploads.file(request.path_params["file"])))


async def content(request: Request) -> Response:
    """`GET /v1/files/ID/content`: as it was uploaded, to be saved and never to be shown as a page."""
    service: Service = request.app.state.service
    file = service.uploads.file(request.path_params["file"])
    request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
    return FileResponse(service.uploads.path(file), media_type="application/octet-stream", filename=file.filename)


async def delete(request: Request) -> Response:
    """`DELETE /v1/files/ID`: out of all vector stores too."""
    service: Service = request.app.state.service
    file = request.path_params["file"]
    for store in await to_thread.run_sync(service.uploads.delete, file):
        await refresh(service, store)
    return JSONResponse({"id": file, "object": "file", "deleted": True})


def _told(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": file.created_at,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "expires_at": None,
        "status_details": None,
    }
