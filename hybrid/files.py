"""Small files: written as a whole, so that a kill leaves the old one; read line by line."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hybrid.errors import InputError, SettingsError


def write(path: Path, text: str) -> None:
    """Replace a file as a whole.

    Raises:
        SettingsError: it cannot be written; what was there is untouched.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise SettingsError(f"Cannot write {path}: {error.strerror}.") from None
    finally:
        beside.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise SettingsError where a file cannot be written: to be asked before long work."""
    folder = path.absolute().parent
    if path.is_dir():
        raise SettingsError(f"Cannot write {path}: it is a folder. Name a file.")
    if not folder.is_dir():
        raise SettingsError(f"Cannot write {path}: there is no folder {path.parent}. Make it first.")
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"Cannot write {path}: the folder {path.parent} takes no files. Name another.")


def read_lines(path: Path) -> Iterator[Any]:
    """The objects of a JSONL file, compressed or not, without its blank lines.

    Raises:
        InputError: it cannot be read, or a line is not JSON; the message gives the line.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        yield json.loads(line)
                    except ValueError:
                        raise InputError(f"Line {number} of {path} is not JSON.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"Cannot read {path}: {reason}.") from None
