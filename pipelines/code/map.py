"""The map of a repository: its files in the order of their imports, with the symbols that matter most.

A symbol matters by the number of files that call it, inherit from it or import it. The text of the map names no lines
and no counts: it changes only when names do, so that what is read after it stays in the prefix cache.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from hybrid.pipelines.code.names import Names
from hybrid.pipelines.code.symbols import File, Row, SymbolIndex

NAME = "(map).md"  # as a document of the corpus: before all file names that begin with a letter
LONGEST = 60_000  # characters of the text
_STEPS = (12, 6, 3, 1, 0)  # symbols of a file, fewer if the text would be too long
_MEMBERS = 12  # names of methods listed with a class


@dataclass(frozen=True, slots=True)
class MappedFile:
    """A file on the map."""

    file: File
    needs: tuple[str, ...]  # names of the files it imports
    symbols: tuple[Row, ...]  # at its top, those used in most files first
    members: Mapping[str, tuple[str, ...]]  # names of the methods of each class
    used_by: int  # files that import it


@dataclass(frozen=True, slots=True)
class RepositoryMap:
    """All files, each after those it needs; of files that need each other, the one with fewest needs first."""

    title: str
    files: tuple[MappedFile, ...]

    @property
    def lines(self) -> int:
        return sum(mapped.file.lines for mapped in self.files)

    def languages(self) -> list[tuple[str, int, int]]:
        """Languages with their files and lines, most lines first; files without symbols are `other`."""
        files: Counter[str] = Counter()
        lines: Counter[str] = Counter()
        for mapped in self.files:
            language = mapped.file.language or "other"
            files[language] += 1
            lines[language] += mapped.file.lines
        return [(name, files[name], count) for name, count in lines.most_common()]


def repository_map(index: SymbolIndex, names: Names, title: str) -> RepositoryMap:
    """The map of everything in an index."""
    used = index.files_using()
    needs: dict[str, set[str]] = {file.name: set() for file in index.files.values()}
    for file, found in index.all_imports():
        needs[file.name] |= {target.name for target in names.targets(file, found)} - {file.name}
    importers = Counter(name for wanted in needs.values() for name in wanted)
    tops: dict[str, list[Row]] = {}
    members: dict[str, dict[str, list[str]]] = {}
    for row in index.all_definitions():
        definition = row.definition
        above = definition.path.rpartition(".")[0]
        if definition.kind == "implementation":
            continue
        if not above or (definition.level == 1 and definition.kind == "method"):
            tops.setdefault(row.file.name, []).append(row)
        elif definition.kind == "method":
            members.setdefault(row.file.name, {}).setdefault(above, []).append(definition.name)
    by_name = {file.name: file for file in index.files.values()}
    return RepositoryMap(
        title=title,
        files=tuple(
            MappedFile(
                file=by_name[name],
                needs=tuple(sorted(needs[name])),
                symbols=tuple(_ranked(tops.get(name, ()), used)),
                members={path: tuple(dict.fromkeys(found)) for path, found in members.get(name, {}).items()},
                used_by=importers[name],
            )
            for name in dependency_order(needs)
        ),
    )


def dependency_order(needs: Mapping[str, set[str]]) -> list[str]:
    """Names, each after those it needs; of names that need each other, the one with fewest needs open first."""
    open_ = {name: len(wanted & needs.keys()) for name, wanted in needs.items()}
    needed_by: dict[str, list[str]] = {}
    for name, wanted in needs.items():
        for other in wanted:
            needed_by.setdefault(other, []).append(name)
    waiting = [(count, name) for name, count in open_.items()]
    heapq.heapify(waiting)
    found: list[str] = []
    while waiting:
        count, name = heapq.heappop(waiting)
        if open_.get(name) != count:
            continue  # the heap has it again with fewer
        del open_[name]
        found.append(name)
        for other in needed_by.get(name, ()):
            if other in open_:
                open_[other] -= 1
                heapq.heappush(waiting, (open_[other], other))
    return found


def as_text(mapped: RepositoryMap, longest: int = LONGEST) -> str:
    """The map in Markdown, with as many symbols of each file as its length allows; last, folders only."""
    about = "The files of this codebase, each after those it imports, with what they define."
    head = [f"# Map of {mapped.title}", "", about]
    for most in _STEPS:
        text = "\n".join([*head, *(line for one in mapped.files for line in _lines(one, most))]) + "\n"
        if len(text) <= longest:
            return text
    folders = sorted({str(PurePosixPath(one.file.name).parent) for one in mapped.files})
    text = "\n".join([*head, *(f"- {folder}/" for folder in folders)])
    return text[:longest] + "\n"


def _lines(one: MappedFile, most: int) -> list[str]:
    lines = ["", f"## {one.file.name}"] if most else [f"- {one.file.name}"]
    if one.needs and most > 1:
        lines.append(f"imports {', '.join(one.needs[:_MEMBERS])}{', …' if len(one.needs) > _MEMBERS else ''}")
    shown = [row for row in one.symbols if row.definition.kind != "variable"][:most]
    for row in sorted(shown, key=lambda row: row.number):  # in the order of the file: ranks change with every use
        members = one.members.get(row.definition.path, ())
        names = f": {', '.join(members[:_MEMBERS])}{', …' if len(members) > _MEMBERS else ''}" if members else ""
        lines.append(f"- {row.definition.signature.rstrip(':')}{names}")
    return lines


def _ranked(rows: Sequence[Row], used: Mapping[str, int]) -> list[Row]:
    """Public names first, then those used in most files, then by place."""
    return sorted(
        rows,
        key=lambda row: (
            row.definition.kind == "variable",
            row.definition.name.startswith("_"),
            -used.get(row.definition.name, 0),
            row.number,
        ),
    )
