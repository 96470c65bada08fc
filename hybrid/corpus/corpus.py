"""A corpus: the files and texts that questions are asked about, found and named but not yet read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from hybrid.corpus.fields import Metadata, given, of_file
from hybrid.corpus.nodes import Text, is_node, texts_of
from hybrid.corpus.problems import Problem, nothing_readable
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read_text
from hybrid.corpus.remote import Listing
from hybrid.corpus.root import Address, Root, common_folder, key_of, label_of, place_of
from hybrid.corpus.scan import Scan
from hybrid.corpus.source import Source, storable
from hybrid.corpus.tables import rows_of
from hybrid.errors import CorpusError, InputError
from hybrid.settings import CorpusSettings

CorpusLike: TypeAlias = "Corpus | str | os.PathLike[str] | Mapping[str, str] | Sequence[Any] | Any"


@dataclass(frozen=True)
class Corpus:
    """The documents that questions are asked about. Finding the files reads none of them."""

    key: str  # the same for the same files and folders, whatever they hold; empty with given texts
    base: Path | None  # the folder that names are relative to
    sources: tuple[Source, ...]  # sorted by name
    problems: tuple[Problem, ...] = ()  # files found but left out
    label: str = ""  # for people: "contracts/ (12 files)"

    @staticmethod
    def of(what: CorpusLike, settings: CorpusSettings | None = None, metadata: Metadata | None = None) -> Corpus:
        """The corpus somebody means.

        Args:
            what: a corpus; a file, folder or glob pattern; an address in object storage (s3://bucket/folder); a
                mapping of names to texts; LlamaIndex documents or nodes; or a sequence of any of these. In folders,
                hidden names, what .gitignore files or `settings.exclude` leave out, environments, caches and media are
                passed over; a file that is named itself never is. Of a Parquet file that is named each row is a
                document, also of JSON lines whose rows have a text and a name; `texts:` before a path, pattern or
                address asks for the rows of all tables there.
            settings: what to leave out and how large a file may be.
            metadata: fields of documents by their names, or a function that gives them, for filters such as
                `year >= 2024`; None: those in the file `settings.metadata`, if it names one.

        Raises:
            InputError: a path that does not exist, a thing that is no corpus, or a name that two texts share.
            CorpusError: nothing readable was found, or object storage does not answer.
            MissingDependency: an optional package that reads an address or a table is not installed.
        """
        if isinstance(what, Corpus):
            return what
        gathered = _Gathered()
        gathered.add(what)
        settings = settings or CorpusSettings()
        if metadata is None and settings.metadata is not None:
            metadata = of_file(Path(settings.metadata))
        found = gathered.corpus(settings)
        return found if metadata is None else replace(found, sources=tuple(_with(s, metadata) for s in found.sources))


@dataclass
class _Gathered:
    """The paths, texts and nodes that somebody named so far."""

    roots: list[Root | Address] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    nodes: list[Any] = field(default_factory=list)

    def add(self, what: Any) -> None:
        if isinstance(what, (str, os.PathLike)):
            self.roots.append(place_of(os.fspath(what)))
        elif isinstance(what, Mapping):
            for name, text in what.items():
                if not isinstance(name, str) or not isinstance(text, str):
                    kind = type(text).__name__
                    raise InputError(f"Texts are given as {{name: text}}, both strings; {name!r} has a {kind}.")
                if not name.strip():
                    raise InputError("A text needs a name; give {'name': text}.")
                self.texts.append(Text(name, text))
        elif is_node(what):
            self.nodes.append(what)
        elif isinstance(what, Corpus):
            raise InputError("A corpus cannot be part of another one; name the paths and texts themselves.")
        elif isinstance(what, Iterable) and not isinstance(what, (bytes, bytearray)):
            for part in what:
                self.add(part)
        else:
            kind = type(what).__name__
            raise InputError(f"A {kind} is no corpus; give a path, a pattern, {{'name': text}} or a list of these.")

    def corpus(self, settings: CorpusSettings) -> Corpus:
        folders = [root for root in self.roots if isinstance(root, Root)]
        base = common_folder(folders)
        scan = Scan(base or Path(), settings)
        for root in sorted(folders, key=lambda r: r.file is None):  # files first: named ones are never left out
            scan.add(root)
        listing = Listing(scan, settings, alone=len(self.roots) == 1)
        for address in self.roots:
            if isinstance(address, Address):
                listing.add(address)
        files = list(scan.sources.values())
        taken = {source.name for source in files}
        rows, broken = rows_of(scan.tables, taken, settings.text_column, settings.name_column)
        given, empty = _given([*self.texts, *texts_of(self.nodes)], taken)
        problems = [*scan.problems, *broken, *empty]
        if not files and not rows and not given:
            raise _nothing(self.roots, sorted(problems, key=lambda p: p.name), scan.left_out)
        return Corpus(
            key="" if given else key_of(self.roots),
            base=base,
            sources=tuple(sorted([*files, *rows, *given], key=lambda s: s.name)),
            problems=tuple(sorted([*problems, *scan.passed_over()], key=lambda p: p.name)),
            label=label_of(self.roots, len(files), len(rows), len(given)),
        )


def _with(source: Source, metadata: Metadata) -> Source:
    """The source with its fields; other fields count as another time of change, so that indexes take them in."""
    fields = given(metadata, source.name)
    if not fields:
        return source
    shift = int(hashlib.blake2b(repr(sorted(fields.items())).encode(), digest_size=4).hexdigest(), 16) % 10**9
    return replace(source, metadata=fields, mtime_ns=source.mtime_ns + (shift if source.document is None else 0))


def _given(texts: Iterable[Text], taken: set[str]) -> tuple[list[Source], list[Problem]]:
    """The sources of given texts, and those that are empty."""
    sources: list[Source] = []
    problems: list[Problem] = []
    for name, text, pages, fields in texts:
        if storable(name) in taken:
            raise InputError(f"Two documents are named {name!r}; give each its own name.")
        taken.add(storable(name))
        try:
            document = replace(read_text(name, text, pages), metadata=fields)
        except Unreadable as error:
            problems.append(Problem(name, str(error)))
        else:
            sources.append(Source(name, None, len(document.text.encode("utf-8")), 0, document))
    return sources, problems


def _nothing(roots: Sequence[Root | Address], problems: Sequence[Problem], left_out: int) -> CorpusError:
    said = ", ".join(repr(root.said) for root in roots[:3]) + (", …" if len(roots) > 3 else "")
    if problems:
        return nothing_readable(said or "what was given", problems)
    if left_out:
        return CorpusError(
            f"There is nothing to read in {said}: all {left_out} entries are hidden, empty, ignored or of formats "
            "without text. A file that is named itself is read all the same."
        )
    return CorpusError(f"There is nothing to read in {said}: it is empty." if said else "No documents were given.")
