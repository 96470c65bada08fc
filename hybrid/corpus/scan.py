"""A scan: the files under the roots that somebody named, walked by the rules of .gitignore; nothing is read."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Sequence
from math import ceil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hybrid.corpus.problems import Problem, first_names
from hybrid.corpus.source import Source, reason_of
from hybrid.errors import InputError, SettingsError
from hybrid.settings import CorpusSettings
from hybrid.text.kinds import WITHOUT_TEXT, kind_of, unsupported

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

# os.path answers False where Path raises (no permission, no path at all)
# ruff: noqa: PTH100, PTH111, PTH112, PTH114


class Root(NamedTuple):
    """A path somebody named."""

    folder: Path  # to be walked, or the parent of the file
    file: Path | None
    pattern: str | None  # a glob relative to the folder
    said: str  # as it was named


def root_of(said: str | bytes) -> Root:
    """The file, folder or pattern meant by a path. Raises InputError where there is none."""
    text = os.fsdecode(said)
    path = Path(os.path.abspath(os.path.expanduser(text)))  # resolve() would follow links
    try:
        mode = path.stat().st_mode if text.strip() else 0
    except PermissionError:
        mode = stat.S_IFREG  # the scan finds it out again and reports it
    except (OSError, ValueError):  # ValueError: a NUL in it, so rather a text than a path
        mode = 0
    if stat.S_ISDIR(mode):
        return Root(path, None, None, text)
    if mode or os.path.islink(path):  # the scan reports a broken link
        return Root(path.parent, path, None, text)
    parts = path.parts
    magic = next((i for i, part in enumerate(parts) if re.search(r"[*?\[]", part)), None)
    if magic is not None and "\n" not in text:
        folder = Path(*parts[:magic])
        if os.path.isdir(folder):
            return Root(folder, None, "/".join(parts[magic:]), text)
    raise missing(text)


def missing(said: str) -> InputError:
    short = said if len(said) <= 60 else said[:59] + "…"
    return InputError(
        f"There is no file or folder {short!r} in {Path.cwd()}. To ask about a text itself, give {{'name': text}}, or "
        "- for standard input on the command line."
    )


def common_folder(roots: Sequence[Root]) -> Path | None:
    """The deepest folder that holds all of these."""
    if not roots:
        return None
    try:
        return Path(os.path.commonpath([root.folder for root in roots]))
    except ValueError:  # Windows: on several drives
        return Path(roots[0].folder.anchor)


def key_of(roots: Sequence[Root]) -> str:
    """The same for the same files and folders, whatever they hold."""
    named = sorted({str(root.file or root.folder / (root.pattern or "")) for root in roots})
    return hashlib.blake2b("\0".join(named).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def label_of(roots: Sequence[Root], files: int, texts: int) -> str:
    """The roots for people: "contracts/ (12 files)"."""
    counted = [f"{n} {kind}{'s' if n != 1 else ''}" for n, kind in ((files, "file"), (texts, "text")) if n]
    if texts or len(roots) != 1:
        return " and ".join(counted) or "nothing"
    root = roots[0]
    if root.file is not None:
        return root.file.name
    name = root.said if root.pattern else f"{root.folder.name or root.folder}/"
    return f"{name} ({counted[0] if counted else 'no files'})"


def regex_of(glob: str) -> re.Pattern[str]:
    """A pattern for the paths that a glob names, and for all in a folder that it names. Raises re.error."""
    parts = glob.split("/")
    regex = ""
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part == "**":
            regex += ".*" if last else "(?:[^/]+/)*"
            continue
        for token in re.findall(r"\[!?\]?[^\]/]*\]|.", part, re.DOTALL):
            if len(token) > 1:
                inner = re.sub(r"([\\\[&~|])", r"\\\1", token[1:-1])
                regex += "[" + ("^" + inner[1:] if inner[0] == "!" else inner.replace("^", "\\^")) + "]"
            else:
                regex += {"*": "[^/]*", "?": "[^/]"}.get(token, re.escape(token))
        regex += "" if last else "/"
    return re.compile(f"(?s:{regex})(?:/.*)?")


# os.path answers False where Path raises (no permission, no path at all)
# ruff: noqa: PTH110


# the folder that rules are relative to, with a slash at its end, and the rules; the innermost folder last
Rules: TypeAlias = "tuple[tuple[str, GitIgnoreSpec], ...]"


def ignored(path: str, rules: Rules) -> bool:
    """Whether rules leave out a path; the nearest rules that say something hold."""
    for folder, spec in reversed(rules):
        if path.startswith(folder):
            include = spec.check_file(path[len(folder) :].replace(os.sep, "/")).include
            if include is not None:
                return include
    return False


def rules_in(folder: str | Path) -> Rules:
    """The rules of the .gitignore file in a folder; none without one."""
    try:
        text = Path(folder, ".gitignore").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ()
    return ((str(folder).rstrip(os.sep) + os.sep, compiled(text.splitlines(), strict=False)),)


def rules_around(root: Path) -> Rules:
    """The rules of the folders around a root, up to the enclosing git repository."""
    around = [root, *root.parents]
    top = next((i for i, folder in enumerate(around) if os.path.exists(folder / ".git")), 0)
    outer = tuple(rule for folder in reversed(around[1 : top + 1]) for rule in rules_in(folder))
    return () if ignored(f"{root}/", outer) else outer  # somebody named an ignored folder on purpose


def compiled(lines: Iterable[str], strict: bool) -> GitIgnoreSpec:
    """Compiled rules. Wrong ones are passed over, as git does, unless `strict`.

    Raises:
        SettingsError: a wrong rule, where `strict`.
    """
    from pathspec import GitIgnoreSpec

    right = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
            right.append(line)
        except (ValueError, re.error) as error:
            if strict:
                raise SettingsError(f"The setting 'corpus.exclude' has a wrong pattern {line!r}: {error}.") from None
    return GitIgnoreSpec.from_lines(right)


# os.path answers False where Path raises (no permission, no path at all), and os is faster on thousands of files
# ruff: noqa: PTH114, PTH116, PTH119


JUNK = frozenset({"node_modules", "__pycache__", "site-packages", "bower_components"})


class _Folder(NamedTuple):
    path: str
    name: str  # relative to the walked root, "" or ending with a slash
    rules: Rules


class Scan:
    """Finds the files under the roots; each real file and folder counts once."""

    def __init__(self, base: Path, settings: CorpusSettings) -> None:
        self.base = base
        self.sources: dict[str, Source] = {}
        self.problems: list[Problem] = []
        self.left_out = 0
        self._unread: list[Problem] = []  # in folders, where not every file is expected to be readable
        self._without_text: list[str] = []  # pictures and the like
        self._limit = settings.max_file_mb
        self._exclude = compiled(settings.exclude, strict=True) if settings.exclude else None
        self._files: set[object] = set()

    def add(self, root: Root) -> None:
        """Find the files of a root. Raises InputError where a pattern names nothing."""
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
        return len(self.sources) + len(self.problems) + self.left_out

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
        elif kind_of(name)[0] == "unsupported":
            self.problems.append(Problem(name, unsupported(path.name)))
        elif found.st_size == 0:
            self.problems.append(Problem(name, "empty file"))
        else:
            self._add(str(path), found)

    def _add(self, path: str, found: os.stat_result) -> None:
        identity = _identity(path, found)
        if identity in self._files:
            return
        self._files.add(identity)
        name = self._name(path)
        if found.st_size > self._limit * 1e6:
            size = ceil(found.st_size / 1e5) / 10
            reason = f"{size:g} MB is over the limit of {self._limit:g} MB; raise corpus.max_file_mb to read it"
            self.problems.append(Problem(name, reason))
        else:
            # tools that copy may keep the old modification time for new content; the change time is new all the same
            changed = max(found.st_mtime_ns, found.st_ctime_ns)
            self.sources[name] = Source(name, Path(path), found.st_size, changed)

    def _name(self, path: str) -> str:
        relative = os.path.relpath(path, self.base)
        return relative.replace(os.sep, "/").encode("utf-8", "replace").decode("utf-8")  # names need not be Unicode

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
        kind, suffix = kind_of(entry.name)[0], PurePosixPath(entry.name).suffix.lower()
        if entry.name[0] == "." or ignored(entry.path, folder.rules):
            self.left_out += 1
        elif kind == "unsupported" and suffix in WITHOUT_TEXT:
            self.left_out += 1
            self._without_text += [] if self._told(entry.path) else [self._name(entry.path)]
        elif kind == "unsupported":
            self._pass_over(entry.path, unsupported(entry.name))
        elif not stat.S_ISREG(found.st_mode):
            self._pass_over(entry.path, "not a regular file")
        elif found.st_size == 0 and (entry.name == "__init__.py" or suffix == ".typed"):  # they are as they should be
            self.left_out += 1
        elif found.st_size == 0:
            self._pass_over(entry.path, "empty file")
        else:
            self._add(entry.path, found)

    def _pass_over(self, path: str, reason: str) -> None:
        self.left_out += 1
        if not self._told(path):
            self._unread.append(Problem(self._name(path), reason))

    def _told(self, path: str) -> bool:
        """Whether somebody named the file itself, so that its problem is told already."""
        name = self._name(path)
        return any(problem.name == name for problem in self.problems)


def _identity(path: str, found: os.stat_result) -> object:
    """The same for all names of a real file. Some file systems number nothing."""
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)
