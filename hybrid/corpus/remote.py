"""The files under an address in object storage: found by a listing, which fetches none of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from hybrid.corpus.problems import Problem
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read
from hybrid.corpus.root import Address, regex_of
from hybrid.corpus.rules import compiled
from hybrid.corpus.scan import JUNK, Scan
from hybrid.corpus.source import Source
from hybrid.corpus.storage import Object, objects_in, opened, why
from hybrid.corpus.tables import PARQUET, TableFile, is_table
from hybrid.document import Document
from hybrid.errors import InputError
from hybrid.settings import CorpusSettings
from hybrid.text.kinds import kind_of, unsupported


@dataclass(frozen=True, slots=True)
class Stored:
    """An object in storage, as the origin of a source. Whoever loads it connects by itself."""

    url: str
    options: str = field(repr=False)  # for fsspec, as JSON; they may hold a key

    def load(self) -> bytes:
        """All its bytes. Raises Unreadable."""
        try:
            system, path = opened(self.url, {self.url.partition("://")[0]: json.loads(self.options)})
            return bytes(system.cat_file(path))
        except FileNotFoundError:
            raise Unreadable("it is gone") from None
        except Exception as error:  # noqa: BLE001 -- each protocol has errors of its own
            raise Unreadable(why(error)) from None

    def parse(self, name: str, data: bytes) -> Document:
        """The document in its bytes. Raises Unreadable."""
        return read(name, data, self.url)


class Listing:
    """Adds what lies at addresses to a scan.

    Args:
        alone: whether there is one place only; names are then relative to it, and else whole addresses.
    """

    def __init__(self, scan: Scan, settings: CorpusSettings, *, alone: bool) -> None:
        self._scan = scan
        self._storage = settings.storage
        self._exclude = compiled(settings.exclude, strict=True) if settings.exclude else None
        self._alone = alone

    def add(self, address: Address) -> None:
        """Find the files of an address.

        Raises:
            InputError: there is nothing, or nothing that the pattern names.
            CorpusError: its server does not answer, or refuses.
        """
        try:
            matches = None if address.pattern is None else regex_of(address.pattern)
        except re.error:
            raise InputError(f"{address.said} has a pattern that makes no sense: mend its brackets.") from None
        protocol = address.url.partition("://")[0]
        options = json.dumps(dict(self._storage.get(protocol, {})), sort_keys=True)
        _, root, objects = objects_in(address.url, self._storage)
        any_named = False
        for found in objects:
            inner = found.path[len(root) :].strip("/")
            if found.path.endswith("/") or (matches is not None and not matches.fullmatch(inner)):
                continue  # a mark that stands for a folder, or not meant
            any_named = True
            url = f"{protocol}://{found.path.lstrip('/')}"
            name = (inner or PurePosixPath(found.path).name) if self._alone else url
            self._add(address, found, name, inner, Stored(url, options))
        if not any_named:
            raise InputError(f"There is nothing at {address.said}: check the bucket's name and the path.")

    def _add(self, address: Address, found: Object, name: str, inner: str, stored: Stored) -> None:
        scan = self._scan
        if inner and (
            any(part.startswith(".") or part in JUNK for part in inner.split("/"))
            or (self._exclude is not None and self._exclude.match_file(inner))
        ):
            scan.left_out += 1
        elif self._is_of_texts(address, inner or name) and found.size:
            scan.tables.append(TableFile(name, stored.url, found.size, found.stamp, stored.options))
        elif address.texts:
            scan.left_out += 1
        elif not inner and kind_of(name)[0] == "unsupported":
            scan.problems.append(Problem(name, unsupported(name)))
        elif not inner and not found.size:
            scan.problems.append(Problem(name, "empty file"))
        elif not inner or scan.wanted(name, found.size):
            scan.take(Source(name, None, found.size, found.stamp, None, stored))

    def _is_of_texts(self, address: Address, name: str) -> bool:
        """Whether the rows of an object are documents: asked for, or Parquet that was named.

        JSON lines are not looked into for it, as that would fetch them.
        """
        if address.texts:
            return is_table(name)
        suffix = PurePosixPath(name).suffix.lower()
        named = "/" not in name and name == PurePosixPath(address.url).name
        return suffix in PARQUET and (named or (address.pattern or "").lower().endswith(suffix))
