"""A corpus: the files and texts that questions are asked about, found and named but not yet read.

LlamaIndex's documents and nodes become named texts; the pages of one file become one text.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from hybrid.corpus.problems import Problem, nothing_readable
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read_text
from hybrid.corpus.scan import Root, Scan, common_folder, key_of, label_of, root_of
from hybrid.corpus.source import Source
from hybrid.errors import CorpusError, InputError
from hybrid.settings import CorpusSettings


class Text(NamedTuple):
    """A text with its name."""

    name: str
    text: str
    pages: tuple[int, ...] = ()  # offsets in characters at which its pages begin


def is_node(thing: object) -> bool:
    """Whether this is a LlamaIndex document or node, judged by its attributes."""
    has_text = callable(getattr(thing, "get_content", None)) or isinstance(getattr(thing, "text", None), str)
    return has_text and isinstance(getattr(thing, "metadata", None), Mapping)


def texts_of(nodes: Sequence[Any]) -> Iterator[Text]:
    """Named texts of LlamaIndex documents; LlamaIndex's readers make a document of each page, which are put together.

    Raises:
        InputError: a document has neither a file name nor an id.
    """
    origins: dict[str, list[Any]] = {}
    for node in nodes:
        origins.setdefault(_origin(node), []).append(node)
    short = Counter(_short(group[0], origin) for origin, group in origins.items())
    for origin, group in origins.items():
        name = _short(group[0], origin)
        name = name if short[name] == 1 else origin.replace("\\", "/")
        labels = [str(node.metadata.get("page_label", "")) for node in group]
        numbers = _page_numbers(labels, group[0])
        if numbers is not None:
            yield _paged(name, [_content(node) for node in group], numbers)
            continue
        paged = all(labels) and len(set(labels)) == len(labels)
        for i, node in enumerate(group):
            mark = "" if len(group) == 1 else f"#page={labels[i]}" if paged else f"#{i + 1}"
            yield Text(name + mark, _content(node))


def _page_numbers(labels: list[str], node: Any) -> list[int] | None:
    """The pages of the file that texts with these labels are, 1 being the first; None where nothing tells.

    LlamaIndex gives the label printed on a page (ii, 1, A-3) where the file has some, and else its number. The file
    itself tells which, if it can be opened. Otherwise labels that are no plain numbers, or begin anew, are printed,
    and the texts are taken for all pages in their order.
    """
    if not all(labels):
        return None
    printed = _printed(str(node.metadata.get("file_path", "")))
    if printed is not None and set(labels) <= set(printed) and len(set(printed)) == len(printed):
        return _ascending([printed.index(label) + 1 for label in labels])
    plain = [int(label) for label in labels if label.isdecimal()]
    if len(plain) == len(labels):
        return _ascending(plain)
    if plain[:1] == [1] and not labels[0].isdecimal() and len(set(labels)) == len(labels) and _ascending(plain):
        return list(range(1, len(labels) + 1))  # i, ii, iii, 1, 2: nobody leaves out pages there
    return None


def _ascending(numbers: list[int]) -> list[int] | None:
    ordered = all(a < b for a, b in pairwise(numbers))
    return numbers if numbers and ordered and numbers[0] > 0 else None


def _printed(path: str) -> list[str] | None:
    """The labels printed on the pages of a PDF; None where it cannot be opened."""
    if not path.lower().endswith(".pdf") or not Path(path).is_file():
        return None
    from hybrid.corpus.readers.pdf.pdf import page_labels

    return page_labels(Path(path))


def _paged(name: str, texts: list[str], numbers: list[int]) -> Text:
    """One text of several pages; a missing page begins where the next one does, and holds nothing."""
    starts: list[int] = []
    length = 0
    for text, number in zip(texts, numbers, strict=True):
        starts += [length] * (number - len(starts))
        length += len(text) + 1
    return Text(name, "\n".join(texts), tuple(starts))


def _content(node: Any) -> str:
    content = getattr(node, "get_content", None)
    return str(content() if callable(content) else node.text)


def _origin(node: Any) -> str:
    named = [node.metadata.get("file_path"), node.metadata.get("file_name")]
    named += [getattr(node, attribute, None) for attribute in ("doc_id", "node_id", "id_")]
    origin = next(filter(None, named), None)
    if origin is None:
        raise InputError("A document needs a name: set metadata['file_name'] or an id.")
    return str(origin)


def _short(node: Any, origin: str) -> str:
    return str(node.metadata.get("file_name") or origin.replace("\\", "/").rpartition("/")[2] or origin)


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
    def of(what: CorpusLike, settings: CorpusSettings | None = None) -> Corpus:
        """The corpus somebody means.

        Args:
            what: a corpus; a file, folder or glob pattern; a mapping of names to texts; LlamaIndex documents or nodes;
                or a sequence of any of these. In folders, hidden names, what .gitignore files or `settings.exclude`
                leave out, environments, caches and media are passed over; a file that is named itself never is.
            settings: what to leave out and how large a file may be.

        Raises:
            InputError: a path that does not exist, a thing that is no corpus, or a name that two texts share.
            CorpusError: nothing readable was found.
        """
        if isinstance(what, Corpus):
            return what
        gathered = _Gathered()
        gathered.add(what)
        return gathered.corpus(settings or CorpusSettings())


@dataclass
class _Gathered:
    """The paths, texts and nodes that somebody named so far."""

    roots: list[Root] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    nodes: list[Any] = field(default_factory=list)

    def add(self, what: Any) -> None:
        if isinstance(what, (str, os.PathLike)):
            self.roots.append(root_of(os.fspath(what)))
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
        base = common_folder(self.roots)
        scan = Scan(base or Path(), settings)
        for root in sorted(self.roots, key=lambda r: r.file is None):  # files first: named ones are never left out
            scan.add(root)
        files = list(scan.sources.values())
        given, empty = _given([*self.texts, *texts_of(self.nodes)], {source.name for source in files})
        if not files and not given:
            raise _nothing(self.roots, sorted([*scan.problems, *empty], key=lambda p: p.name), scan.left_out)
        return Corpus(
            key="" if given else key_of(self.roots),
            base=base,
            sources=tuple(sorted([*files, *given], key=lambda s: s.name)),
            problems=tuple(sorted([*scan.problems, *scan.passed_over(), *empty], key=lambda p: p.name)),
            label=label_of(self.roots, len(files), len(given)),
        )


def _given(texts: Iterable[Text], taken: set[str]) -> tuple[list[Source], list[Problem]]:
    sources: list[Source] = []
    problems: list[Problem] = []
    for name, text, pages in texts:
        if name in taken:
            raise InputError(f"Two documents are named {name!r}; give each its own name.")
        taken.add(name)
        try:
            document = read_text(name, text, pages)
        except Unreadable as error:
            problems.append(Problem(name, str(error)))
        else:
            sources.append(Source(name, None, len(document.text.encode("utf-8")), 0, document))
    return sources, problems


def _nothing(roots: Sequence[Root], problems: Sequence[Problem], left_out: int) -> CorpusError:
    said = ", ".join(repr(root.said) for root in roots[:3]) + (", …" if len(roots) > 3 else "")
    if problems:
        return nothing_readable(said or "what was given", problems)
    if left_out:
        return CorpusError(
            f"There is nothing to read in {said}: all {left_out} entries are hidden, empty, ignored or of formats "
            "without text. A file that is named itself is read all the same."
        )
    return CorpusError(f"There is nothing to read in {said}: it is empty." if said else "No documents were given.")
