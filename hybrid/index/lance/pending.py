"""Fragments that are written and not committed yet, remembered beside the table: what was embedded outlives a kill."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from hybrid.index.lance.seam import arrow, translated
from hybrid.index.lance.table import ENDPOINTS, NAME
from hybrid.index.lance.writing import Token
from hybrid.index.protocol import Place


class Pending:
    """The tokens of an index in a folder or at an address.

    Args:
        place: as for `write_fragment`.
        made_by: what the fragments are made by; those of another embedder are not given back.
    """

    def __init__(self, place: Place, made_by: Mapping[str, Any]) -> None:
        self._place = place
        self._made_by = made_by
        self._seen: list[str] = []  # files of the tokens that were noted or given back

    def note(self, token: Token) -> None:
        """Remember a token. Raises IndexStoreError where that cannot be written."""
        with translated(self._place, "write"):
            files, folder = self._files()
            files.create_dir(folder, recursive=True)
            name = f"{folder}/{uuid.uuid4().hex}"
            with files.open_output_stream(f"{name}.part") as out:
                out.write(token.to_json().encode("utf-8"))
            files.move(f"{name}.part", f"{name}.json")  # a token is there as a whole or not at all
            self._seen.append(f"{name}.json")

    def tokens(self) -> list[Token]:
        """What was noted and not forgotten yet."""
        with translated(self._place, "read"):
            files, folder = self._files()
            found = []
            for file in self._named(files, folder):
                try:
                    with files.open_input_stream(file) as stream:
                        text = stream.read().decode("utf-8")
                except FileNotFoundError:  # another update has committed it in this moment
                    continue
                self._seen.append(file)
                token = self._token(text)
                if token is not None and all(files.get_file_info(path).is_file for path in self._data(token)):
                    found.append(token)
        return found

    def _token(self, text: str) -> Token | None:
        """A token of ours; None for one of another embedder, and for what is none: its documents are embedded again."""
        try:
            token = Token.from_json(text)
        except (ValueError, TypeError, LookupError):
            return None
        return token if token.made_by == self._made_by else None

    def _data(self, token: Token) -> Iterator[str]:
        """The data files of a token, one of which may be gone where a folder was copied or deleted in part."""
        _, folder = files_of(self._place)
        for fragment in token.fragments:
            for file in json.loads(fragment)["files"]:
                yield f"{folder}/{NAME}/data/{file['path']}"

    def clear(self) -> None:
        """Forget the tokens that were noted or given back, after they were committed; others keep theirs."""
        with translated(self._place, "write"):
            files, _ = self._files()
            for file in self._seen:
                with contextlib.suppress(FileNotFoundError):
                    files.delete_file(file)
            self._seen.clear()

    def _files(self) -> tuple[Any, str]:
        files, folder = files_of(self._place)
        return files, f"{folder}/pending"

    @staticmethod
    def _named(files: Any, folder: str) -> list[str]:
        from pyarrow import fs

        there = files.get_file_info(fs.FileSelector(folder, allow_not_found=True))
        return sorted(info.path for info in there if info.path.endswith(".json"))


def files_of(place: Place) -> tuple[Any, str]:
    """The file system of a folder or address, and the path in it."""
    arrow()
    from pyarrow import fs

    if str(place).startswith("s3://"):
        files, path = _s3(fs), str(place).removeprefix("s3://")
    else:
        files, path = fs.FileSystem.from_uri(str(place)) if "://" in str(place) else (fs.LocalFileSystem(), str(place))
    return files, path.rstrip("/")


def _s3(fs: Any) -> Any:
    """S3, or a service like it, where Lance finds it: by the names in the environment that Lance reads."""

    def told(*names: str) -> str | None:
        return next((os.environ[name] for name in names if os.environ.get(name)), None)

    endpoint = urlsplit(told(*ENDPOINTS) or "")
    where = {"endpoint_override": endpoint.netloc, "scheme": endpoint.scheme} if endpoint.netloc else {}
    return fs.S3FileSystem(region=told("AWS_REGION", "AWS_DEFAULT_REGION"), **where)
