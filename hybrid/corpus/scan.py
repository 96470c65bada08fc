"""A scan: the files under the roots, found by walking their folders; nothing is read."""

# os.path answers False where Path raises (no permission, no path at all), and os is faster on thousands of files
# ruff: noqa: PTH114, PTH116, PTH119

from __future__ import annotations

import os
import re
import stat
from math import ceil
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from hybrid.corpus.problems import Problem, first_names
from hybrid.corpus.root import Root, missing, regex_of
from hybrid.corpus.rules import Rules, compiled, ignored, rules_around, rules_in
from hybrid.corpus.source import Source, reason_of
from hybrid.corpus.tables import PARQUET, TableFile, is_table, names_texts
from hybrid.settings import CorpusSettings
from hybrid.text.kinds import WITHOUT_TEXT, kind_of, unsupported

JUNK = frozenset({"node_modules", "__pycache__", "site-packages", "bower_components"})


class _Folder(NamedTuple):
    """A folder to be walked, with the rules that hold in it."""

    path: str
    name: str  # relative to the walked root, "" or ending with a slash
    rules: Rules


class Scan:
    """Finds the files under the roots; each real file and folder counts once."""

    def __init__(self, base: Path, settings: CorpusSettings) -> None:
        self.base = base
        self.sources: dict[str, Source] = {}
        self.tables: list[TableFile] = []  # whose rows are the documents
        self.problems: list[Problem] = []
        self.left_out = 0
        self._unread: list[Problem] = []  # in folders, where not every file is expected to be readable
        self._without_text: list[str] = []  # pictures and the like
        self._limit = settings.max_file_mb
        self._exclude = compiled(settings.exclude, strict=True) if settings.exclude else None
        self._text_column = settings.text_column
        self._files: set[object] = set()
        self._root: Root | None = None

    def add(self, root: Root) -> None:
        """Find the files of a root. Raises InputError where a pattern names nothing."""
        self._root = root
        if root.file is not None:
            self._add_named(root.file)
            return
        try:
            matches = None if root.pattern is None else regex_of(root.pattern)
        except re.error:  # brackets that make no sense
            raise missing(root.said) from None
        before = self._known()
        self._walk(root.folder, matches)
        if matches is not None and self._known() == before and not self._seen_again(root.folder, matches):
            raise missing(root.said)

    def passed_over(self) -> list[Problem]:
        """The files in folders that are empty or of other formats; pictures and the like together."""
        names = self._without_text
        if not names:
            return self._unread
        reason = "pictures, sound, fonts or built files, without text"
        return [*self._unread, Problem(first_names(names), reason, len(names))]

    def _known(self) -> int:
        return len(self.sources) + len(self.tables) + len(self.problems) + self.left_out

    def _seen_again(self, folder: Path, matches: re.Pattern[str]) -> bool:
        """Whether the pattern names files that an earlier root had named already."""
        paths = (source.path for source in self.sources.values() if source.path is not None)
        return any(matches.fullmatch(p.relative_to(folder).as_posix()) for p in paths if p.is_relative_to(folder))

    def _add_named(self, path: Path) -> None:
        name = self._name(str(path))
        try:
            found = path.stat()
        except OSError as error:
            self.problems.append(Problem(name, "broken link" if os.path.islink(path) else reason_of(error)))
            return
        if not stat.S_ISREG(found.st_mode):
            self.problems.append(Problem(name, "not a regular file"))
        elif found.st_size and self._is_of_texts(path):
            self._add_table(str(path), found)
        elif kind_of(name)[0] == "unsupported":
            self.problems.append(Problem(name, unsupported(path.name)))
        elif found.st_size == 0:
            self.problems.append(Problem(name, "empty file"))
        else:
            self._add(str(path), found)

    def _is_of_texts(self, path: Path) -> bool:
        """Whether the rows of a file are documents: asked for, or nothing else that it could be."""
        if self._root is not None and self._root.texts:
            return is_table(path.name)
        return path.suffix.lower() in PARQUET or (is_table(path.name) and names_texts(path, self._text_column))

    def _add_table(self, path: str, found: os.stat_result) -> None:
        identity = _identity(path, found)
        if identity not in self._files:
            self._files.add(identity)
            self.tables.append(TableFile(self._name(path), path, found.st_size, _changed(found)))

    def _add(self, path: str, found: os.stat_result) -> None:
        identity = _identity(path, found)
        if identity not in self._files:
            self._files.add(identity)
            self.take(Source(self._name(path), Path(path), found.st_size, _changed(found)))

    def take(self, source: Source) -> None:
        """Take a source unless it is too large."""
        if source.size > self._limit * 1e6:
            size = ceil(source.size / 1e5) / 10
            reason = f"{size:g} MB is over the limit of {self._limit:g} MB; raise corpus.max_file_mb to read it"
            self.problems.append(Problem(source.name, reason))
        else:
            self.sources[source.name] = source

    def _name(self, path: str) -> str:
        relative = os.path.relpath(path, self.base)
        return os.fsencode(relative.replace(os.sep, "/")).decode("utf-8", "backslashreplace")  # it need not be Unicode

    def _walk(self, root: Path, matches: re.Pattern[str] | None) -> None:
        outer = rules_around(root)
        if self._exclude is not None:
            outer = (*outer, (f"{root}{os.sep}" if root.name else str(root), self._exclude))
        open_folders = [_Folder(str(root), "", outer)]
        links: list[tuple[os.DirEntry[str], _Folder]] = []  # last, so that a file goes by its real name
        folders: set[object] = set()
        while open_folders or links:
            if not open_folders:
                entry, folder = links.pop(0)
                self._visit(entry, folder, matches, open_folders)
                continue
            folder = open_folders.pop()
            entries = self._entries(folder, folders)
            if entries is None:
                continue
            if any(entry.name == ".gitignore" for entry in entries):
                at = len(folder.rules) - (self._exclude is not None)  # what the settings exclude holds last
                folder = folder._replace(rules=(*folder.rules[:at], *rules_in(folder.path), *folder.rules[at:]))
            below: list[_Folder] = []
            for entry in entries:
                if entry.is_symlink():
                    links.append((entry, folder))
                else:
                    self._visit(entry, folder, matches, below)
            open_folders.extend(reversed(below))

    def _entries(self, folder: _Folder, visited: set[object]) -> list[os.DirEntry[str]] | None:
        """The entries of a folder, sorted; None where it was seen, cannot be read or is an environment."""
        try:
            identity = _identity(folder.path, os.stat(folder.path))
            if identity in visited:
                return None
            visited.add(identity)
            with os.scandir(folder.path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            name = self._name(folder.path) if folder.name else os.path.basename(folder.path)
            self.problems.append(Problem(f"{name}/", reason_of(error)))
            return None
        if folder.name and any(entry.name == "pyvenv.cfg" for entry in entries):
            self.left_out += 1
            return None
        return entries

    def _visit(
        self, entry: os.DirEntry[str], folder: _Folder, matches: re.Pattern[str] | None, below: list[_Folder]
    ) -> None:
        name = folder.name + entry.name
        wanted = matches is None or matches.fullmatch(name) is not None
        try:
            if entry.is_dir():
                if entry.name[0] == "." or entry.name in JUNK or ignored(entry.path + "/", folder.rules):
                    self.left_out += wanted
                else:
                    below.append(_Folder(entry.path, name + "/", folder.rules))
            elif wanted:
                self._visit_file(entry, entry.stat(), folder)
        except OSError as error:
            if wanted:
                reason = "broken link" if entry.is_symlink() else reason_of(error)
                self.problems.append(Problem(self._name(entry.path), reason))

    def _visit_file(self, entry: os.DirEntry[str], found: os.stat_result, folder: _Folder) -> None:
        regular = stat.S_ISREG(found.st_mode)
        if entry.name[0] == "." or ignored(entry.path, folder.rules):
            self.left_out += 1
        elif self._means_tables(entry.name):
            if regular and found.st_size and self._is_of_texts(Path(entry.path)):
                self._add_table(entry.path, found)
            elif self._root is not None and self._root.texts:
                self.left_out += 1
            elif self.wanted(self._name(entry.path), found.st_size, regular=regular):
                self._add(entry.path, found)
        elif self.wanted(self._name(entry.path), found.st_size, regular=regular):
            self._add(entry.path, found)

    def _means_tables(self, name: str) -> bool:
        """Whether the root asks for tables, or is a pattern that names files of this suffix."""
        root, suffix = self._root, PurePosixPath(name).suffix.lower()
        asked = root is not None and root.pattern is not None and root.pattern.lower().endswith(suffix)
        return root is not None and (root.texts or (asked and is_table(name)))

    def wanted(self, name: str, size: int, *, regular: bool = True) -> bool:
        """Whether a file that nobody named itself is to be read; what is not is counted, or told."""
        base, kind = PurePosixPath(name).name, kind_of(name)[0]
        suffix = PurePosixPath(base).suffix.lower()
        if kind == "unsupported" and suffix in WITHOUT_TEXT:
            self.left_out += 1
            self._without_text += [] if self._told(name) else [name]
        elif kind == "unsupported":
            self._pass_over(name, unsupported(base))
        elif not regular:
            self._pass_over(name, "not a regular file")
        elif size == 0 and (base == "__init__.py" or suffix == ".typed"):  # they are as they should be
            self.left_out += 1
        elif size == 0:
            self._pass_over(name, "empty file")
        else:
            return True
        return False

    def _pass_over(self, name: str, reason: str) -> None:
        self.left_out += 1
        if not self._told(name):
            self._unread.append(Problem(name, reason))

    def _told(self, name: str) -> bool:
        """Whether somebody named the file itself, so that its problem is told already."""
        return any(problem.name == name for problem in self.problems)


def _changed(found: os.stat_result) -> int:
    """Tools that copy may keep the old modification time for new content; the change time is new all the same."""
    return max(found.st_mtime_ns, found.st_ctime_ns)


def _identity(path: str, found: os.stat_result) -> object:
    """The same for all names of a real file. Some file systems number nothing."""
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)
