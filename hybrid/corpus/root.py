"""A root: a file, folder, glob pattern or address in object storage that somebody named."""

# os.path answers False where Path raises (no permission, no path at all)
# ruff: noqa: PTH100, PTH111, PTH112, PTH114

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hybrid.corpus.storage import is_url
from hybrid.errors import InputError

TEXTS = "texts:"  # before a place: each row of its tables is a document


class Root(NamedTuple):
    """A path somebody named."""

    folder: Path  # to be walked, or the parent of the file
    file: Path | None
    pattern: str | None  # a glob relative to the folder
    said: str  # as it was named
    texts: bool = False  # whether its tables are meant, and nothing else

    @property
    def key(self) -> str:
        """The same for the same place."""
        return TEXTS * self.texts + str(self.file or self.folder / (self.pattern or ""))

    @property
    def title(self) -> str:
        """The place for people."""
        return self.said if self.pattern else f"{self.folder.name or self.folder}/"


class Address(NamedTuple):
    """An address somebody named, such as s3://bucket/folder."""

    url: str  # without the pattern
    pattern: str | None  # a glob relative to it
    said: str
    texts: bool = False

    @property
    def file(self) -> None:
        """Only a listing tells whether it is one."""
        return

    @property
    def key(self) -> str:
        """The same for the same place."""
        return TEXTS * self.texts + "/".join(filter(None, (self.url, self.pattern)))

    @property
    def title(self) -> str:
        """The place for people."""
        return self.said.removeprefix(TEXTS)


def place_of(said: str | bytes) -> Root | Address:
    """The place meant by a path or an address; `texts:` before it asks for the rows of its tables.

    Raises:
        InputError: a path that does not exist.
    """
    text = os.fsdecode(said)
    texts = text.startswith(TEXTS) and not os.path.lexists(text)
    if texts:
        text = text[len(TEXTS) :]
    if not is_url(text):
        return root_of(text)._replace(texts=texts)
    if text.lower().startswith("file://"):
        return root_of(text[len("file://") :])._replace(texts=texts)
    protocol, _, path = text.partition("://")
    parts = path.strip("/").split("/")
    magic = next((i for i, part in enumerate(parts) if i and re.search(r"[*?\[]", part)), len(parts))
    url = f"{protocol.lower()}://{'/'.join(parts[:magic])}"
    return Address(url, "/".join(parts[magic:]) or None, TEXTS * texts + text, texts)


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


def key_of(roots: Sequence[Root | Address]) -> str:
    """The same for the same files and folders, whatever they hold."""
    named = sorted({root.key for root in roots})
    return hashlib.blake2b("\0".join(named).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def label_of(roots: Sequence[Root | Address], files: int, rows: int, texts: int) -> str:
    """The roots for people: "contracts/ (12 files)"."""
    kinds = ((files, "file"), (rows, "row"), (texts, "text"))
    counted = [f"{n} {kind}{'s' if n != 1 else ''}" for n, kind in kinds if n]
    if texts or len(roots) != 1:
        return " and ".join(counted) or "nothing"
    root = roots[0]
    if root.file is not None:
        return root.file.name + (f" ({counted[-1]})" if rows else "")
    return f"{root.title} ({' and '.join(counted) or 'no files'})"


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
