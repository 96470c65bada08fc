"""Uploaded files and the vector stores they are put into, on disk.

files/ID/NAME              what was uploaded; the folder is renamed into place when all of it is written
files/ID/about.json
stores/ID/about.json       a vector store: its name and its files with their attributes
stores/ID/documents/NAME   its files, as hard links, so that they are one corpus

Everything is acknowledged after it is on the disk, and replaced as a whole: a kill leaves the old state or the new one.
What an interrupted upload left is deleted at the next start.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import IO, Any, TypeVar

from hybrid.errors import SettingsError
from hybrid.files import write
from hybrid.serve.quota import Quota
from hybrid.serve.replies import Refused
from hybrid.settings import ServeSettings

_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")
_ID = re.compile(r"(file|vs)-?_?[0-9a-f]{24}")
_ABOUT = "about.json"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file."""

    id: str
    filename: str
    bytes: int
    created_at: int
    purpose: str = "assistants"
    owner: str = "anybody"  # the name of the key that brought it


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a vector store."""

    document: str  # its name in the store's corpus
    added_at: int
    bytes: int
    attributes: dict[str, Any] = field(default_factory=dict)
    fault: str = ""  # why it cannot be read


@dataclass(frozen=True, slots=True)
class VectorStore:
    """A corpus of uploaded files."""

    id: str
    name: str
    created_at: int
    metadata: dict[str, str] = field(default_factory=dict)
    files: dict[str, Member] = field(default_factory=dict)
    owner: str = "anybody"


class Uploads:
    """Files and vector stores in a folder. Safe to use from several threads.

    Raises:
        SettingsError: the folder cannot be made.
    """

    def __init__(self, settings: ServeSettings) -> None:
        if settings.uploads is not None:
            self.folder = Path(settings.uploads)
        else:
            from platformdirs import user_data_path

            self.folder = user_data_path("hybrid-context") / "serve"
        self._files, self._stores = self.folder / "files", self.folder / "stores"
        try:
            for folder in (self._files, self._stores):
                folder.mkdir(parents=True, exist_ok=True)
                for left in folder.glob(".*"):
                    shutil.rmtree(left, ignore_errors=True)
        except OSError as error:
            raise SettingsError(
                f"Cannot keep uploads in {self.folder}: {error.strerror}. Name another folder in serve.uploads."
            ) from None
        self._lock = RLock()
        self.quota = Quota(settings)
        for file in self.files():
            self.quota.count_file(file.owner, file.bytes)
        for store in self.stores():
            self.quota.count_store(store.owner)
            self._drop_strays(store)

    # -- files ---------------------------------------------------------------------------------------------------

    def add(self, name: str, content: IO[bytes], purpose: str = "assistants", owner: str = "anybody") -> File:
        """Keep an uploaded file. It is on the disk when this returns; refused where its owner keeps too much."""
        size = content.seek(0, os.SEEK_END)
        content.seek(0)
        with self.quota.file(owner, size):
            return self._kept(safe_name(name), content, purpose, owner)

    def _kept(self, name: str, content: IO[bytes], purpose: str, owner: str) -> File:
        file_id = f"file-{secrets.token_hex(12)}"
        beside = self._files / f".{file_id}"
        with _room_for("file", beside):
            beside.mkdir()
            with (beside / name).open("xb") as kept:
                shutil.copyfileobj(content, kept)
                size = kept.tell()
                kept.flush()
                os.fsync(kept.fileno())
            file = File(file_id, name, size, int(time.time()), purpose, owner)
            write(beside / _ABOUT, json.dumps(asdict(file)))
            beside.rename(self._files / file_id)
            _sync(self._files)
        return file

    def files(self) -> list[File]:
        """All uploaded files, the newest first."""
        found = _present(self.file, self._files)
        return sorted(found, key=lambda file: (-file.created_at, file.id))

    def file(self, file_id: str) -> File:
        """An uploaded file. Refused with 404 where there is none of that id."""
        return File(**_about(self._files, file_id, "file"))

    def path(self, file: File) -> Path:
        """Where its content lies."""
        return self._files / file.id / file.filename

    def delete(self, file_id: str) -> list[str]:
        """Delete a file, and take it out of all vector stores; returns the ids of these."""
        with self._lock:
            file = self.file(file_id)
            changed = [store.id for store in self.stores() if file_id in store.files]
            for store in changed:
                self.detach(store, file_id)
            gone = self._files / f".{file_id}"
            (self._files / file_id).rename(gone)
            self.quota.count_file(file.owner, file.bytes, by=-1)
            shutil.rmtree(gone, ignore_errors=True)
            return changed

    # -- vector stores -------------------------------------------------------------------------------------------

    def create(self, name: str = "", metadata: dict[str, str] | None = None, owner: str = "anybody") -> VectorStore:
        """A new, empty vector store; refused where its owner keeps too many."""
        made = int(time.time())
        store = VectorStore(f"vs_{secrets.token_hex(12)}", name, made, metadata or {}, owner=owner)
        beside = self._stores / f".{store.id}"
        with self.quota.store(owner), _room_for("vector store", beside):
            (beside / "documents").mkdir(parents=True)
            write(beside / _ABOUT, json.dumps(asdict(store)))
            beside.rename(self._stores / store.id)
            _sync(self._stores)
        return store

    def stores(self) -> list[VectorStore]:
        """All vector stores, the newest first."""
        found = _present(self.store, self._stores)
        return sorted(found, key=lambda store: (-store.created_at, store.id))

    def store(self, store_id: str) -> VectorStore:
        """A vector store. Refused with 404 where there is none of that id."""
        about = _about(self._stores, store_id, "vector store")
        files = {name: Member(**member) for name, member in about.pop("files").items()}
        return VectorStore(**about, files=files)

    def documents_of(self, store_id: str) -> Path:
        """The folder that is its corpus."""
        return self._stores / store_id / "documents"

    def attach(self, store_id: str, file_id: str, attributes: dict[str, Any], fault: str = "") -> VectorStore:
        """Put a file into a vector store; one that cannot be read is noted and does not become a document."""
        with self._changed(store_id) as store:
            file = self.file(file_id)
            taken = {member.document for other, member in store.files.items() if other != file_id}
            document = store.files[file_id].document if file_id in store.files else _free(file.filename, taken)
            place = self.documents_of(store_id) / document
            if not fault and not place.exists():
                try:
                    os.link(self.path(file), place)
                except OSError:  # a file system without hard links
                    beside = self._stores / store_id / f".{file.id}"
                    shutil.copyfile(self.path(file), beside)
                    beside.replace(place)
                _sync(place.parent)
            store.files[file_id] = Member(document, int(time.time()), file.bytes, attributes, fault)
        return store

    def detach(self, store_id: str, file_id: str) -> VectorStore:
        """Take a file out of a vector store; the file stays. Refused with 404 where it is not in it."""
        with self._changed(store_id) as store:
            member = store.files.pop(file_id, None)
            if member is None:
                raise Refused(404, "not_found", f"There is no file {file_id!r} in this vector store.")
            (self.documents_of(store_id) / member.document).unlink(missing_ok=True)
        return store

    def describe(self, store_id: str, name: str | None, metadata: dict[str, str] | None) -> VectorStore:
        """Rename a vector store, or give it other metadata."""
        with self._lock, _room_for("vector store"):
            store = self.store(store_id)
            named = store.name if name is None else name
            changed = replace(store, name=named, metadata=store.metadata if metadata is None else metadata)
            write(self._stores / store_id / _ABOUT, json.dumps(asdict(changed)))
        return changed

    def drop(self, store_id: str) -> None:
        """Delete a vector store; its files stay."""
        with self._lock:
            store = self.store(store_id)
            gone = self._stores / f".{store_id}"
            (self._stores / store_id).rename(gone)
            self.quota.count_store(store.owner, by=-1)
            shutil.rmtree(gone, ignore_errors=True)

    def has(self, store_id: str) -> bool:
        """Whether there is a vector store of that id."""
        return _ID.fullmatch(store_id) is not None and (self._stores / store_id).is_dir()

    def file_of(self, store_id: str, document: str) -> str | None:
        """The id of the upload that is a document of a vector store; None where it is none."""
        files = self.store(store_id).files if self.has(store_id) else {}
        return next((file_id for file_id, member in files.items() if member.document == document), None)

    def attributes(self, store_id: str) -> dict[str, dict[str, Any]]:
        """The attributes of a vector store's documents by their names; none where there is no such vector store."""
        files = self.store(store_id).files if self.has(store_id) else {}
        return {member.document: member.attributes for member in files.values()}

    def _drop_strays(self, store: VectorStore) -> None:
        """Take documents away that a kill left without the entry of their file."""
        known = {member.document for member in store.files.values()}
        for place in self.documents_of(store.id).iterdir():
            if place.name not in known:
                place.unlink()

    @contextmanager
    def _changed(self, store_id: str) -> Iterator[VectorStore]:
        """A vector store to change; it is written afterwards."""
        with self._lock, _room_for("vector store"):
            store = self.store(store_id)
            yield store
            write(self._stores / store_id / _ABOUT, json.dumps(asdict(store)))


@contextmanager
def _room_for(what: str, begun: Path | None = None) -> Iterator[None]:
    """Refuse with 507 what the disk does not take; a folder that was begun for it goes."""
    try:
        yield
    except (OSError, SettingsError) as error:
        if begun is not None:
            shutil.rmtree(begun, ignore_errors=True)
        reason = getattr(error, "strerror", None) or getattr(error.__context__, "strerror", None) or "no room"
        raise Refused(507, "no_room", f"The {what} could not be kept: {reason}.") from None


def safe_name(name: str) -> str:
    """A file's name without folders and without what a file system or a page could misread."""
    last = re.split(r"[/\\]", name)[-1]
    cleaned = _UNSAFE.sub("_", last).strip(" .")
    stem, dot, suffix = cleaned.rpartition(".")
    if len(cleaned.encode()) > 200:
        short = (stem or cleaned).encode()[: 190 - len(suffix.encode()[:16])].decode(errors="ignore")
        cleaned = f"{short}{dot}{suffix[:16]}" if stem else short
    if not cleaned or cleaned == _ABOUT:
        cleaned = f"upload-{cleaned}" if cleaned else "upload"
    return cleaned


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number where another document has it."""
    stem, dot, suffix = name.rpartition(".")
    if not stem:
        stem, dot, suffix = name, "", ""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{stem} ({number}){dot}{suffix}"
    return found


def _about(folder: Path, about: str, what: str) -> dict[str, Any]:
    missing = Refused(404, "not_found", f"There is no {what} {about!r}.")
    if not _ID.fullmatch(about):  # before it becomes a path
        raise missing
    try:
        found: dict[str, Any] = json.loads((folder / about / _ABOUT).read_text("utf-8"))
    except (OSError, ValueError):
        raise missing from None
    return found


def _present(read: Callable[[str], T], folder: Path) -> list[T]:
    """What is in a folder, without what is deleted while it is read."""
    found = []
    for path in folder.iterdir():
        if _ID.fullmatch(path.name):
            with suppress(Refused):
                found.append(read(path.name))
    return found


def _sync(folder: Path) -> None:
    """Have the entries of a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
