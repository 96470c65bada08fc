"""`-` stands for standard input: a question, a text to ask about, or a file of questions."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from hybrid.errors import InputError

_ELSEWHERE = (
    "'-' is standard input, which stands for a QUESTION, for a text among PATHS, or for the file of --questions: name "
    "{} here, or write ./- for a file of that name"
)


class Place(click.Path):
    """A path that cannot be `-`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, as `click.Path` gives it."""
        if os.fspath(value) == "-":
            self.fail(elsewhere("a path"), param, ctx)
        return super().convert(value, param, ctx)


def elsewhere(what: str) -> str:
    """The message about a `-` that cannot be standard input."""
    return f"{_ELSEWHERE.format(what)}."


def questions_alone(paths: Sequence[str]) -> None:
    """Raise InputError where `-` is a path and standard input is for what is asked."""
    if "-" in paths:
        raise InputError("What is asked comes from standard input here: name a file or a folder instead of '-'.")


def once(*words: str | None) -> None:
    """Raise InputError if `-` is given twice: standard input can be read once."""
    if words.count("-") > 1:
        raise InputError("Standard input can be read once, and '-' is given twice: name a file for one of them.")


def standard_input() -> str:
    """The text on standard input, empty if there is none.

    Raises:
        InputError: it is not text, or cannot be read.
    """
    from hybrid.corpus.readers.encoding import decode
    from hybrid.corpus.readers.extract import Unreadable

    try:
        data = b"" if sys.stdin is None else sys.stdin.buffer.read()
        return decode(data) if data.strip() else ""
    except Unreadable as reason:
        raise InputError(f"Standard input is no text ({reason}): name the file itself instead of '-'.") from None
    except (OSError, ValueError) as error:  # a folder, or closed
        raise InputError(f"Standard input cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def said(question: str) -> str:
    """A question; for `-`, the text on standard input.

    In a locale without umlauts Python hands bytes over as lone surrogates, which no tokenizer takes.
    """
    if question == "-":
        return standard_input().strip()
    return question.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def texts(paths: Sequence[str]) -> list[Any]:
    """Paths as a corpus; `-` is the text on standard input."""
    if "-" not in paths:
        return list(paths)
    text = standard_input()
    if not text.strip():
        raise InputError("Standard input holds no text: pipe some into it, or name a path instead of '-'.")
    return [*(path for path in paths if path != "-"), {"standard input": text}]
