"""The words of a command: which are questions, and which are places to look for answers in."""

# os.path answers False where Path raises: a question may be longer than any file's name, and a pattern absolute
# ruff: noqa: PTH110, PTH111, PTH207

from __future__ import annotations

import glob
import os
import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from hybrid.cli.dash import elsewhere, texts
from hybrid.corpus.root import TEXTS
from hybrid.corpus.storage import is_url
from hybrid.errors import InputError
from hybrid.settings import Settings


def in_order(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Questions and places among the words of a command: QUESTION first, then paths.

    The order of older versions, a path first, works where it is clear: the first word is a place, the last one is not.

    Raises:
        InputError: the first word is a file or a folder, and so are the others.
    """
    first, *rest = words
    if rest and is_path(first) and not is_path(rest[-1]):
        return rest, [first]
    if first.strip("- ") and os.path.exists(first):  # also where the question is `-`, which may be a text as well
        raise InputError(f'Give a question and then the path: hybrid ask "..." {shlex.quote(first)}')
    return [first], rest


def questions_and_places(
    words: Sequence[str], configured: Sequence[str], *, is_place: Callable[[str], bool] | None = None
) -> tuple[list[str], list[str]]:
    """Questions and the place, which is the last word, for a command that takes several questions.

    If no word names a place, `corpus.paths` is asked; a misspelt path is not taken for a question.
    """
    known: Callable[[str], bool] = is_place or is_path
    asks = re.compile(r"[\s?]")  # a question has these, a misspelt path seldom
    nowhere = not any(known(word) for word in (*words[:1], *words[-1:]) if word != "-" or len(words) > 1)
    if nowhere and all(asks.search(word) or word == "-" for word in words[-1:]):
        if configured:
            return list(words), list(configured)
        if len(words) < 2:
            raise InputError("No files are named: give their path too, or set corpus.paths in hybrid.toml.")
    first, last = words[0], words[-1]
    if len(words) > 1 and not known(last) and (known(first) or (asks.search(last) and not asks.search(first))):
        return list(words[1:]), [first]
    return list(words[:-1]), [last]


def is_path(word: str) -> bool:
    """Whether a word names an existing file or folder, or a pattern that matches one; `-` is standard input.

    An address such as s3://bucket/folder counts without a look; `texts:` may stand before all of these.
    """
    if word == "-" or not word.strip():
        return word == "-"
    if is_url(word):
        return True
    if word.startswith(TEXTS) and is_path(word[len(TEXTS) :]):
        return True
    return os.path.exists(os.path.expanduser(word)) or any(glob.iglob(word))


def places_of(paths: Sequence[str], settings: Settings) -> list[str]:
    """The paths to index: these, else those of `corpus.paths`.

    Raises:
        InputError: neither names any.
    """
    if "-" in paths:
        raise InputError(elsewhere("a file or a folder"))
    found = list(paths or settings.corpus.paths)
    if not found:
        raise InputError("No files are named: give PATHS, or set corpus.paths in hybrid.toml.")
    return found


def corpus_of(paths: Sequence[str], settings: Settings) -> list[Any]:
    """The corpus to ask: these paths, else those of `corpus.paths`, else the current folder.

    `-` as a path is the text on standard input.
    """
    return texts(paths) if paths else list(settings.corpus.paths) or ["."]
