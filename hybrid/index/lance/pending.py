"""Fragments that are written and not committed yet, remembered beside the table: what was embedded outlives a kill."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from hybrid.index.lance.seam import arrow, translated
from hybrid.index.lance.writing import Token


class Pending:
    """The tokens of an index in a folder or at an address.

    Args:
        place: as for `write_fragment`.
        made_by: what the fragments are made by; those of another embedder are not given back.
    """

    def __init__(self, place: Path | str, made_by: object) -> None:
        self._place = place
        self._made_by = json.dumps(made_by, sort_keys=True)

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

    def tokens(self) -> list[Token]:
        """What was noted and not forgotten yet."""
        with translated(self._place, "read"):
            files, folder = self._files()
            found = []
            for file in self._named(files, folder):
                with files.open_input_stream(file) as stream:
                    made = json.loads(stream.read())
                if made["made_by"] == self._made_by:
                    found.append(Token.from_json(made["token"]))
        return found

    def clear(self) -> None:
        """Forget all tokens, after they were committed."""
        with translated(self._place, "write"):
            files, folder = self._files()
            for file in self._named(files, folder):
                files.delete_file(file)

    def _files(self) -> tuple[Any, str]:
        arrow()
        from pyarrow import fs

        place = str(self._place).rstrip("/")
        if "://" in place:
            files, path = fs.FileSystem.from_uri(place)
        else:
            files, path = fs.LocalFileSystem(), place
        return files, f"{path}/pending"

    @staticmethod
    def _named(files: Any, folder: str) -> list[str]:
        from pyarrow import fs

        there = files.get_file_info(fs.FileSelector(folder, allow_not_found=True))
        return sorted(info.path for info in there if info.path.endswith(".json"))
