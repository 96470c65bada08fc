"""A corpus: the files and texts that questions are asked about, found and named but not yet read."""

# os.path answers False where Path raises (no permission, no path at all), and os is faster on thousands of files
# ruff: noqa: PTH100, PTH110, PTH111, PTH112, PTH114, PTH116, PTH118, PTH119

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.readers.read import read, read_text
from hybrid.document import Document
from hybrid.errors import CorpusError, InputError, SettingsError
from hybrid.settings import CorpusSettings
from hybrid.text.kinds import WITHOUT_TEXT, kind_of, unsupported

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

JUNK = frozenset({"node_modules", "__pycache__", "site-packages", "bower_components"})
_REASONS, _NAMED = 6, 5  # told of what was not read: reasons, and names for each
ATTEMPTS = 3  # at reading a file that changes meanwhile

CorpusLike: TypeAlias = "Corpus | str | os.PathLike[str] | Mapping[str, str] | Sequence[Any] | Any"


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that was expected to be readable and is not."""

    name: str
    reason: str
    files: int = 1  # more where the name stands for the first few of several


@dataclass(frozen=True, slots=True)
class Source:
    """One file or given text of a corpus."""

    name: str  # unique in the corpus; for files a POSIX path relative to its base
    path: Path | None  # None for given texts
    size: int  # bytes when it was found
    mtime_ns: int  # 0 for given texts
    document: Document | None = None  # the given text

    def fingerprint(self, data: bytes) -> str:
        """The identity of the content: a hex BLAKE2b-128 of the bytes."""
        return hashlib.blake2b(data, digest_size=16).hexdigest()

    def load(self) -> bytes:
        """All bytes, of one state of the file; a given text as UTF-8.

        Raises:
            Unreadable: with the operating system's reason, or because the file keeps changing.
        """
        if self.path is None:
            return self.document.text.encode("utf-8") if self.document is not None else b""
        try:
            for _ in range(ATTEMPTS):
                before = self.path.stat()
                if not stat.S_ISREG(before.st_mode):  # opening a pipe would wait for ever
                    raise Unreadable("is a directory" if stat.S_ISDIR(before.st_mode) else "not a regular file")
                data = self.path.read_bytes()
                after = self.path.stat()
                if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                    return data
        except OSError as error:
            raise Unreadable(_reason(error)) from None
        raise Unreadable("changed while it was read")

    def parse(self, data: bytes) -> Document:
        """The document in the bytes that `load` gave. Raises Unreadable."""
        if self.document is not None:
            return self.document
        return read(self.name, data, str(self.path))


@dataclass(frozen=True)
class Corpus:
    """What questions are asked about. Finding the files reads none of them."""

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
        gathered = _Gathered(settings or CorpusSettings())
        _gather(what, gathered)
        return gathered.corpus()


_EXPECTED = re.compile(r"unsupported|empty|pictures")  # nobody tried to read these


def not_read(problems: Sequence[Problem]) -> str:
    """What was not read, as one sentence: by reason, what was tried first, the first few by name; empty where all was
    read."""
    if not problems:
        return ""
    reasons: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for problem in sorted(problems, key=lambda problem: _EXPECTED.match(problem.reason) is not None):
        reason = re.sub(r"(?<=^unsupported format) \.\w+", "", problem.reason)
        reasons.setdefault(reason, []).append(problem.name)  # the names tell the formats
        counts[reason] += problem.files
    told = []
    for reason, names in list(reasons.items())[:_REASONS]:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        told.append(f"{', '.join(names[:_NAMED])}{more} ({reason})")
    others = sum(counts[reason] for reason in list(reasons)[_REASONS:])
    total = sum(counts.values())
    counted = f"{total} files: " if total > _NAMED else ""
    return f"Not read: {counted}{'; '.join(told)}{f'; and {others} more, see hybrid index show' if others else ''}."


def nothing_readable(label: str, problems: Sequence[Problem]) -> CorpusError:
    """The error for a corpus of which no document could be read."""
    listed = "; ".join(f"{p.name}: {p.reason}" for p in problems[:3])
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return CorpusError(f"Nothing in {label} can be read ({listed}{more}).")


class _Root(NamedTuple):
    """A path somebody named."""

    folder: Path  # what is walked, or the parent of the file
    file: Path | None
    pattern: str | None  # a glob relative to the folder
    said: str  # as it was named


@dataclass
class _Gathered:
    """What has been named so far."""

    settings: CorpusSettings
    roots: list[_Root] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    nodes: list[Any] = field(default_factory=list)

    def corpus(self) -> Corpus:
        base = _common([root.folder for root in self.roots])
        scan = _Scan(base or Path(), self.settings)
        for root in sorted(self.roots, key=lambda r: r.file is None):  # files first: named ones are never left out
            scan.add(root)
        files = list(scan.sources.values())
        given, empty = _given([*self.texts, *_node_texts(self.nodes)], {source.name for source in files})
        problems = tuple(sorted([*scan.problems, *scan.without_text(), *empty], key=lambda p: p.name))
        label = _label(self.roots, len(files), len(given))
        if not files and not given:
            named = [problem for problem in problems if problem not in scan.without_text()]
            raise _nothing(self.roots, named, scan.left_out)
        return Corpus(
            key="" if given else _key(self.roots),
            base=base,
            sources=tuple(sorted([*files, *given], key=lambda s: s.name)),
            problems=problems,
            label=label,
        )


def _gather(what: Any, gathered: _Gathered) -> None:
    if isinstance(what, (str, os.PathLike)):
        gathered.roots.append(_root(os.fspath(what)))
    elif isinstance(what, Mapping):
        for name, text in what.items():
            if not isinstance(name, str) or not isinstance(text, str):
                raise InputError(f"Texts are given as {{name: text}}, both strings; {name!r} has a {_type(text)}.")
            if not name.strip():
                raise InputError("A text needs a name; give {'name': text}.")
            gathered.texts.append((name, text))
    elif _is_node(what):
        gathered.nodes.append(what)
    elif isinstance(what, Corpus):
        raise InputError("A corpus cannot be part of another one; name the paths and texts themselves.")
    elif isinstance(what, Iterable) and not isinstance(what, (bytes, bytearray)):
        for part in what:
            _gather(part, gathered)
    else:
        raise InputError(f"A {_type(what)} is no corpus; give a path, a pattern, {{'name': text}} or a list of these.")


def _type(thing: object) -> str:
    return type(thing).__name__


# --- files --------------------------------------------------------------------------------------------------------


def _root(said: str | bytes) -> _Root:
    """The file, folder or pattern meant by a path. Raises InputError where there is none."""
    text = os.fsdecode(said)
    path = Path(os.path.abspath(os.path.expanduser(text)))  # resolve() would follow links
    try:
        mode = path.stat().st_mode if text.strip() else 0
    except PermissionError:
        mode = stat.S_IFREG  # found out again, and reported, when it is scanned
    except (OSError, ValueError):  # ValueError: a NUL in it, so rather a text than a path
        mode = 0
    if mode:
        return _Root(path, None, None, text) if stat.S_ISDIR(mode) else _Root(path.parent, path, None, text)
    if os.path.islink(path):
        return _Root(path.parent, path, None, text)  # a broken link: reported when it is scanned
    parts = path.parts
    magic = next((i for i, part in enumerate(parts) if re.search(r"[*?\[]", part)), None)
    if magic is not None and "\n" not in text:
        folder = Path(*parts[:magic])
        if os.path.isdir(folder):
            return _Root(folder, None, "/".join(parts[magic:]), text)
    raise _missing(text)


def _missing(said: str) -> InputError:
    short = said if len(said) <= 60 else said[:59] + "…"
    return InputError(
        f"There is no file or folder {short!r} in {Path.cwd()}. To ask about a text itself, give {{'name': text}}, or "
        "- for standard input on the command line."
    )


def _common(folders: list[Path]) -> Path | None:
    """The deepest folder that holds all of these."""
    if not folders:
        return None
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # Windows: on several drives
        return Path(folders[0].anchor)


def _key(roots: list[_Root]) -> str:
    named = sorted({str(root.file or root.folder / (root.pattern or "")) for root in roots})
    return hashlib.blake2b("\0".join(named).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _label(roots: list[_Root], files: int, texts: int) -> str:
    counted = [f"{n} {kind}{'s' if n != 1 else ''}" for n, kind in ((files, "file"), (texts, "text")) if n]
    if texts or len(roots) != 1:
        return " and ".join(counted) or "nothing"
    root = roots[0]
    if root.file is not None:
        return root.file.name
    name = root.said if root.pattern else f"{root.folder.name or root.folder}/"
    return f"{name} ({counted[0] if counted else 'no files'})"


def _nothing(roots: list[_Root], problems: Sequence[Problem], left_out: int) -> CorpusError:
    said = ", ".join(repr(root.said) for root in roots[:3]) + (", …" if len(roots) > 3 else "")
    if problems:
        return nothing_readable(said or "what was given", problems)
    if left_out:
        return CorpusError(
            f"There is nothing to read in {said}: all {left_out} entries are hidden, empty, ignored or of formats "
            "without text. A file that is named itself is read all the same."
        )
    return CorpusError(f"There is nothing to read in {said}: it is empty." if said else "No documents were given.")


class _Folder(NamedTuple):
    """A folder to be walked, with the rules that hold in it."""

    path: str
    name: str  # relative to the walked root, "" or ending with a slash
    rules: tuple[tuple[str, GitIgnoreSpec], ...]  # (folder they are relative to, with a slash at its end; rules)


class _Scan:
    """Finds the files under the roots; each real file and folder counts once."""

    def __init__(self, base: Path, settings: CorpusSettings) -> None:
        self.base = base
        self.sources: dict[str, Source] = {}
        self.problems: list[Problem] = []
        self.unread: list[Problem] = []  # passed over in folders, where not every file is expected to be readable
        self.left_out = 0
        self._without_text: list[str] = []  # pictures and the like
        self._limit = settings.max_file_mb
        self._exclude = _spec(settings.exclude, strict=True) if settings.exclude else None
        self._files: set[object] = set()

    def add(self, root: _Root) -> None:
        if root.file is not None:
            self._add_named(root.file)
            return
        try:
            matches = None if root.pattern is None else re.compile(_glob(root.pattern))
        except re.error:  # brackets that make no sense
            raise _missing(root.said) from None
        before = len(self.sources) + len(self.problems) + self.left_out
        self._walk(root.folder, matches)
        known = len(self.sources) + len(self.problems) + self.left_out > before
        if matches is not None and not known and not self._seen_again(root.folder, matches):
            raise _missing(root.said)

    def _seen_again(self, folder: Path, matches: re.Pattern[str]) -> bool:
        """Whether the pattern names files that an earlier root had named already."""
        paths = (source.path for source in self.sources.values() if source.path is not None)
        return any(matches.fullmatch(p.relative_to(folder).as_posix()) for p in paths if p.is_relative_to(folder))

    def _add_named(self, path: Path) -> None:
        name = self._name(str(path))
        try:
            found = path.stat()
        except OSError as error:
            self.problems.append(Problem(name, "broken link" if os.path.islink(path) else _reason(error)))
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
            # another content under the time of the one before, as tools that copy write it, has a later time of its own
            changed = max(found.st_mtime_ns, found.st_ctime_ns)
            self.sources[name] = Source(name, Path(path), found.st_size, changed)

    def _name(self, path: str) -> str:
        relative = os.path.relpath(path, self.base)
        return relative.replace(os.sep, "/").encode("utf-8", "replace").decode("utf-8")  # names need not be Unicode

    def _walk(self, root: Path, matches: re.Pattern[str] | None) -> None:
        outer = _outer_rules(root)
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
                rules = _read_rules(os.path.join(folder.path, ".gitignore"))
                if rules is not None:
                    own = (folder.path.rstrip(os.sep) + os.sep, rules)
                    at = len(folder.rules) - (self._exclude is not None)
                    folder = folder._replace(rules=(*folder.rules[:at], own, *folder.rules[at:]))
            below: list[_Folder] = []
            for entry in entries:
                if entry.is_symlink():
                    links.append((entry, folder))
                else:
                    self._visit(entry, folder, matches, below)
            open_folders.extend(reversed(below))

    def _entries(self, folder: _Folder, visited: set[object]) -> list[os.DirEntry[str]] | None:
        """What is in a folder, sorted; None where it was seen, cannot be read or is an environment."""
        try:
            identity = _identity(folder.path, os.stat(folder.path))
            if identity in visited:
                return None
            visited.add(identity)
            with os.scandir(folder.path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            name = self._name(folder.path) if folder.name else os.path.basename(folder.path)
            self.problems.append(Problem(f"{name}/", _reason(error)))
            return None
        if folder.name and any(entry.name == "pyvenv.cfg" for entry in entries):
            self.left_out += 1
            return None
        return entries

    def _visit(
        self, entry: os.DirEntry[str], folder: _Folder, matches: re.Pattern[str] | None, below: list[_Folder]
    ) -> None:
        name = folder.name + entry.name
        try:
            is_folder = entry.is_dir()
            if is_folder:
                if entry.name[0] == "." or entry.name in JUNK or _ignored(entry.path + "/", folder):
                    self.left_out += matches is None or matches.fullmatch(name) is not None
                else:
                    below.append(_Folder(entry.path, name + "/", folder.rules))
                return
            if matches is not None and not matches.fullmatch(name):
                return
            found = entry.stat()
        except OSError as error:
            if matches is None or matches.fullmatch(name):
                self.problems.append(
                    Problem(self._name(entry.path), "broken link" if entry.is_symlink() else _reason(error))
                )
            return
        kind, suffix = kind_of(entry.name)[0], PurePosixPath(entry.name).suffix.lower()
        regular = stat.S_ISREG(found.st_mode)
        if entry.name[0] == "." or _ignored(entry.path, folder):
            self.left_out += 1
        elif kind == "unsupported" and suffix in WITHOUT_TEXT:
            self.left_out += 1
            self._without_text += [] if self._told(entry.path) else [self._name(entry.path)]
        elif kind == "unsupported":
            self._pass_over(entry.path, unsupported(entry.name))
        elif not regular:
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
            self.unread.append(Problem(self._name(path), reason))

    def _told(self, path: str) -> bool:
        """Whether a file was named by itself, and its problem is told already."""
        name = self._name(path)
        return any(problem.name == name for problem in self.problems)

    def without_text(self) -> list[Problem]:
        """What was passed over for its format or for being empty; pictures and the like together."""
        names = self._without_text
        if not names:
            return self.unread
        told = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
        return [*self.unread, Problem(told, "pictures, sound, fonts or built files, without text", len(names))]


def _identity(path: str, found: os.stat_result) -> object:
    """What a real file has only once. Some file systems number nothing."""
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def _ignored(path: str, folder: _Folder) -> bool:
    """Whether the rules leave a path out; of several that say something, the last of the nearest file holds."""
    for prefix, rules in reversed(folder.rules):
        relative = path[len(prefix) :] if path.startswith(prefix) else None
        if relative is not None:
            include = rules.check_file(relative.replace(os.sep, "/")).include
            if include is not None:
                return include
    return False


def _outer_rules(root: Path) -> tuple[tuple[str, GitIgnoreSpec], ...]:
    """The rules of the folders around a root, up to the enclosing git repository."""
    around = [root, *root.parents]
    top = next((i for i, folder in enumerate(around) if os.path.exists(folder / ".git")), 0)
    found = ((folder, _read_rules(str(folder / ".gitignore"))) for folder in reversed(around[1 : top + 1]))
    outer = tuple((str(folder).rstrip(os.sep) + os.sep, rules) for folder, rules in found if rules is not None)
    # a folder that is itself ignored was named on purpose
    return () if _ignored(f"{root}/", _Folder("", "", outer)) else outer


def _read_rules(path: str) -> GitIgnoreSpec | None:
    try:
        text = Path(path).read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    return _spec(text.splitlines(), strict=False)


def _spec(lines: Iterable[str], strict: bool) -> GitIgnoreSpec:
    """Compiled rules in .gitignore syntax. Like git, passes over wrong ones, unless `strict`."""
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


def _glob(pattern: str) -> str:
    """A regular expression for the paths a glob names, and for all that is in a folder it names."""
    parts = pattern.split("/")
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
    return f"(?s:{regex})(?:/.*)?"


def _reason(error: OSError) -> str:
    """The operating system's reason in words."""
    words = error.strerror or _type(error)
    return words[0].lower() + words[1:]


# --- given texts --------------------------------------------------------------------------------------------------


class _Text(NamedTuple):
    """A text with its name, and the places where its pages begin."""

    name: str
    text: str
    pages: tuple[int, ...] = ()


def _given(texts: Iterable[tuple[Any, ...]], taken: set[str]) -> tuple[list[Source], list[Problem]]:
    sources: list[Source] = []
    problems: list[Problem] = []
    for name, text, pages in (_Text(*text) for text in texts):
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


def _is_node(thing: object) -> bool:
    """Whether this is a LlamaIndex document or node, told by what it can do."""
    has_text = callable(getattr(thing, "get_content", None)) or isinstance(getattr(thing, "text", None), str)
    return has_text and isinstance(getattr(thing, "metadata", None), Mapping)


def _node_texts(nodes: list[Any]) -> Iterator[_Text]:
    """Named texts of LlamaIndex documents; the pages of one file, which its readers give singly, are put together."""
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
            yield _Text(name + mark, _content(node))


def _page_numbers(labels: list[str], node: Any) -> list[int] | None:
    """The pages of the file that texts with these labels are, 1 being the first; None where nothing tells.

    LlamaIndex gives the label that is printed on a page (ii, 1, A-3) where the file has some, and else its number.
    Which it is, the file itself tells where it can be opened; without it, labels that are no plain numbers, or begin
    anew, are printed ones, and the texts are taken to be all pages in their order.
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


def _paged(name: str, texts: list[str], numbers: list[int]) -> _Text:
    """One text of several pages; a page that is not among them begins where the next one does, and holds nothing."""
    starts: list[int] = []
    length = 0
    for text, number in zip(texts, numbers, strict=True):
        starts += [length] * (number - len(starts))
        length += len(text) + 1
    return _Text(name, "\n".join(texts), tuple(starts))


def _content(node: Any) -> str:
    content = getattr(node, "get_content", None)
    return str(content() if callable(content) else node.text)


def _origin(node: Any) -> str:
    """What tells the file or text a node is of."""
    metadata = node.metadata
    for value in (metadata.get("file_path"), metadata.get("file_name")):
        if value:
            return str(value)
    for attribute in ("doc_id", "node_id", "id_"):
        value = getattr(node, attribute, None)
        if value:
            return str(value)
    raise InputError("A document needs a name: set metadata['file_name'] or an id.")


def _short(node: Any, origin: str) -> str:
    return str(node.metadata.get("file_name") or origin.replace("\\", "/").rpartition("/")[2] or origin)
