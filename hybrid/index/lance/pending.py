"""Fragments that are written and not committed yet, remembered beside the table: what was embedded outlives a kill."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import Any

from hybrid.index.lance.seam import arrow, translated
from hybrid.index.lance.writing import Token
from hybrid.index.protocol import Place


class Pending:
    """The tokens of an index in a folder or at an address.

    Args:
        place: as for `write_fragment`.
        made_by: what the fragments are made by; those of another embedder are not given back.
    """

    def __init__(self, place: Place, made_by: object) -> None:
        self._place = place
        self._made_by = json.dumps(made_by, sort_keys=True)
        self._seen: list[str] = []  # files of the tokens that were noted or given back

    def note(self, token: Token) -> None:
        """Remember a token. Raises IndexStoreError where that cannot be written."""
        with translated(self._place, "write"):
            files, folder = self._files()
            files.create_dir(folder, recursive=True)
            made = json.dumps({"made_by": self._made_by, "token": token.to_json()})
            name = f"{folder}/{uuid.uuid4().hex}"
            with files.open_output_stream(f"{name}.part") as out:
                out.write(made.encode("utf-8"))
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
                        made = json.loads(stream.read())
                except FileNotFoundError:  # another update has committed it in this moment
                    continue
                self._seen.append(file)
                if made["made_by"] == self._made_by:
                    found.append(Token.from_json(made["token"]))
        return found

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

    files, path = fs.FileSystem.from_uri(str(place)) if "://" in str(place) else (fs.LocalFileSystem(), str(place))
    return files, path.rstrip("/")
