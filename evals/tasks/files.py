"""A careful reader of data files: its errors name file, line and field."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hybrid.evals.sample import Count, Sample

from hybrid.errors import InputError

_SEPARATE = 8  # tokens that may be added where texts meet in a prompt
_MISSPELT = 0.75  # how alike a field's name and a misspelt one are; 1: the same


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object and where it stands; a field that is missing or of another kind raises `fault`."""

    where: str  # such as "questions.jsonl, line 3"
    data: Mapping[str, Any]

    def fault(self, field: str, what: str) -> InputError:
        """The error to raise on a field."""
        return InputError(f"{self.where}: the field {field!r} {what}.")

    def text(self, field: str, default: str | None = None) -> str:
        """A text, or the default where it is missing."""
        return str(self._of(field, str, "text", default))

    def number(self, field: str) -> int:
        """A whole number."""
        return int(self._of(field, int, "a whole number"))

    def items(self, field: str) -> list[Any]:
        """A list of anything."""
        return list(self._of(field, list, "a list"))

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self._each(field, str, "texts"))

    def objects(self, field: str) -> list[Fields]:
        """A list of objects."""
        found = self._each(field, dict, "objects")
        return [Fields(f"{self.where}, {field} {number}", item) for number, item in enumerate(found, 1)]

    def check(self, known: Collection[str]) -> None:
        """Raise `fault` on a field that is a known one misspelt; other fields are the user's own."""
        for name in self.data.keys() - set(known):
            near = get_close_matches(name, [one for one in known if one not in self.data], 1, _MISSPELT)
            if near:
                raise self.fault(name, f"is not known; did you mean {near[0]!r}?")

    def _of(self, field: str, kind: type, said: str, default: Any = None) -> Any:
        found = self.data.get(field, default)
        if not isinstance(found, kind) or isinstance(found, bool):
            raise self.fault(field, self._missing(field) if found is None else f"has to be {said}, not {_shown(found)}")
        return found

    def _missing(self, field: str) -> str:
        near = get_close_matches(field, [name for name in self.data if name != field], 1, _MISSPELT)
        return f"is missing; there is {near[0]!r} instead" if near else "is missing"

    def _each(self, field: str, kind: type, said: str) -> list[Any]:
        found = self.items(field)
        for number, item in enumerate(found, 1):
            if not isinstance(item, kind):
                raise self.fault(field, f"has to hold {said}, and its item {number} is {_shown(item)}")
        return found


def content(path: Path) -> str:
    """The text of a file, of a gzip file too.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is damaged or not UTF-8 text: {error}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def lines(path: Path) -> Iterator[Fields]:
    """The objects of a JSON Lines file; blank lines are left out.

    Raises:
        InputError: the file cannot be read, or a line is no JSON object.
    """
    some = False
    for number, line in enumerate(content(path).split("\n"), 1):
        if not line.strip():
            continue
        where, some = f"{path}, line {number}", True
        data = _parsed(line, where, "; write one object on each line")
        if not isinstance(data, dict):
            raise InputError(f"{where}: this is {_shown(data)}; write one object on each line.")
        yield Fields(where, data)
    if not some:
        raise InputError(f"{path} is empty; write one object on each line.")


def _parsed(text: str, where: str, remedy: str = "") -> Any:
    """What JSON says; a field that stands twice and half a character, which nothing later could hold, are refused."""
    try:
        data = json.loads(text, object_pairs_hook=_once)
        if "\\u" in text:
            json.dumps(data, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise InputError(f"{where}: this is nested too deep{remedy}.") from None
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise InputError(
            f"{where}: {half} is half a character; write it with its other half, or leave it out."
        ) from None
    except ValueError as error:
        raise InputError(f"{where}: this is not JSON ({error}){remedy}.") from None
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {next(name for name in names if names.count(name) > 1)!r} stands twice")
    return found


def whole(path: Path) -> Fields:
    """The object or list of a JSON file; a list becomes an object with the field `items`.

    Raises:
        InputError: the file cannot be read, or is no JSON.
    """
    data = _parsed(content(path), str(path))
    return Fields(str(path), data if isinstance(data, dict) else {"items": data})


def named(folder: Path, pattern: str) -> list[Path]:
    """The files of a data set's folder that are named like this.

    Raises:
        InputError: there are none.
    """
    found = sorted(folder.glob(pattern))
    if not found:
        raise InputError(f"{folder} has no file {pattern}; name the folder of the data set.")
    return found


def fitting(samples: Sequence[Sample], count: Count, length: int | None) -> list[Sample]:
    """The samples that fit a length, documents, question and reply together; each text is counted once.

    Raises:
        InputError: none fits.
    """
    if length is None:
        return list(samples)
    sizes: dict[int, int] = {}
    for sample in samples:
        if id(sample.documents) not in sizes:
            texts = [f"{name}\n{text}" for name, text in sample.documents.items()]
            sizes[id(sample.documents)] = sum(count(texts)) + _SEPARATE * len(texts)
    asked = count([sample.prompt + sample.prefix if sample.prompt else sample.question for sample in samples])
    needed = [
        (tokens if sample.prompt else tokens + sizes[id(sample.documents)]) + sample.max_tokens
        for sample, tokens in zip(samples, asked, strict=True)
    ]
    kept = [sample for sample, tokens in zip(samples, needed, strict=True) if tokens <= length]
    if samples and not kept:
        raise InputError(
            f"None of {len(samples)} samples fits {length} tokens; the shortest takes {min(needed)} with its reply. "
            "Ask for a greater length, or for none."
        )
    return kept


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:40]}…"
