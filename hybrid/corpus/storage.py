"""Object storage, and whatever else fsspec opens by an address such as s3://bucket/folder."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from hybrid.errors import BrokenDependency, CorpusError, InputError, MissingDependency

Options = Mapping[str, Mapping[str, Any]]  # what fsspec is given, by protocol: {"s3": {"anon": True}}

_URL = re.compile(r"(?:texts:)?([a-z][a-z0-9+.-]+)://\S.*", re.IGNORECASE | re.DOTALL)
_TAGS = ("ETag", "etag", "md5Hash", "crc32c", "content_md5", "generation")  # change with the content, and only then
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")
_NEEDS = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs"}


class Object(NamedTuple):
    """A file in object storage, as a listing tells it."""

    path: str  # in its file system, without the protocol
    size: int  # bytes
    stamp: int  # another one where the content may have changed


def is_url(said: str) -> bool:
    """Whether this is an address with a protocol rather than a path or a question."""
    found = _URL.fullmatch(said)
    return found is not None and "\n" not in said


def opened(url: str, options: Options) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        InputError: nothing reads that protocol.
        MissingDependency: fsspec or the package for the protocol is not installed.
    """
    protocol = url.partition("://")[0].lower()
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise MissingDependency("fsspec", "remote", f"Reading {protocol}:// addresses") from None
    if protocol in ("http", "https"):
        raise InputError(f"{url} cannot be read: a web address is no corpus. Download it, and give the file.")
    try:
        system, path = url_to_fs(url, **options.get(protocol, {}))
    except ImportError as error:
        package = _NEEDS.get(protocol)
        if package is not None and f"install {package}" in str(error).lower():
            raise MissingDependency(package, "remote", f"Reading {protocol}:// addresses") from None
        raise BrokenDependency(package or "fsspec", "remote", f"Reading {protocol}:// addresses", error) from None
    except ValueError as error:
        known = str(error).startswith("Protocol not known")
        said = f"nothing known reads {protocol}:// addresses" if known else first_words(error)
        raise InputError(f"{url} cannot be read: {said}. Give a path, or an address at s3:// or gs://.") from None
    except TypeError as error:  # an option that the protocol does not have
        raise InputError(f"The setting corpus.storage does not fit {protocol}://: {first_words(error)}.") from None
    return system, str(path)


def objects_in(url: str, options: Options) -> tuple[Any, str, list[Object]]:
    """The file system, the path in it, and all files under it; the file itself, where it is one.

    Raises:
        InputError: there is nothing at the address.
        CorpusError: its server does not answer, or refuses.
    """
    system, path = opened(url, options)
    try:
        system.invalidate_cache()  # a service looks again and again
        found = system.find(path, detail=True)
        if not found and not system.exists(path):
            raise FileNotFoundError
    except FileNotFoundError:
        raise InputError(f"There is nothing at {url}: check the bucket's name and the path.") from None
    except Exception as error:  # noqa: BLE001 -- each protocol has errors of its own
        raise CorpusError(f"Cannot list {url}: {why(error)}.") from None
    return system, path, [_object(str(name), about) for name, about in sorted(found.items())]


def why(error: BaseException) -> str:
    """The reason of a failed request, with what to do about it."""
    kind, said = type(error).__name__, first_words(error)
    status = getattr(error, "code", None) or getattr(error, "status", None)
    if isinstance(error, PermissionError) or status in (401, 403) or "Forbidden" in said:
        return f"permission denied ({said}); check the credentials, and what they may read"
    if "Credentials" in kind or "credentials" in said:
        return (
            f"no credentials ({said}); set those of the provider, or for a public bucket storage.s3.anon = true under "
            "[corpus] in hybrid.toml"
        )
    if "Connect" in kind or isinstance(error, (ConnectionError, TimeoutError)):
        return f"nobody answers there ({said}); check the address and the network"
    return said


def first_words(error: BaseException) -> str:
    """An exception on one line, without a full stop."""
    words = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return words if len(words) <= 160 else words[:159] + "…"


def _object(path: str, about: Mapping[str, Any]) -> Object:
    return Object(path, int(about.get("size") or 0), _stamp(about))


def _stamp(about: Mapping[str, Any]) -> int:
    """A number that changes with the content: of the object's tag, else its time of change in nanoseconds.

    Where a listing tells neither, the object may have changed at any time, which the time now says.
    """
    tag = next((about[key] for key in _TAGS if about.get(key)), None)
    if tag is not None:
        return int.from_bytes(blake2b(str(tag).encode(), digest_size=7).digest())  # below every time of this century
    when = next((about[key] for key in _TIMES if about.get(key)), None)
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            when = None
    if isinstance(when, datetime):
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return int(when * 1e9) if isinstance(when, (int, float)) else time.time_ns()
