"""Small files: written as a whole, so that a kill leaves the old one, and read as text or line by line; those that the
package carries beside its code."""

from __future__ import annotations

import gzip
import json
import os
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from hybrid.errors import InputError, SettingsError, UserError


def read_text(path: Path, what: str, error: type[UserError] = InputError) -> str:
    """The text of a file in UTF-8.

    Args:
        what: the file in words, for the message: "the settings file hybrid.toml".

    Raises:
        UserError: the file cannot be read, or is not UTF-8; of the kind `error`.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise error(f"Cannot read {what}: {_reason(fault)}.") from None


def _reason(fault: OSError | UnicodeDecodeError) -> str:
    return getattr(fault, "strerror", None) or "it is not UTF-8 text"


def write(path: Path, text: str) -> None:
    """Replace a file as a whole; what is no file, such as /dev/stdout or a pipe, is written to.

    Raises:
        SettingsError: it cannot be written; what was there is untouched.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if _special(path):
            path.write_text(text, encoding="utf-8")
            return
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise SettingsError(f"Cannot write {path}: {error.strerror}.") from None
    finally:
        with suppress(OSError):  # it was moved, or never made
            beside.unlink()


def _special(path: Path) -> bool:
    """Whether it is neither a file nor a folder; to be replaced by a file would break it for everybody."""
    try:
        return path.exists() and not path.is_file() and not path.is_dir()
    except OSError:  # no name of anything
        return False


def check_writable(path: Path) -> None:
    """Raise SettingsError if a file cannot be written; to be called before long work."""
    folder = path.absolute().parent
    if _special(path):
        return
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
                    except (ValueError, RecursionError):
                        raise InputError(f"Line {number} of {path} is not JSON.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Cannot read {path}: {_reason(error)}.") from None


def harmless(cell: Any) -> Any:
    """A cell of a CSV file that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and re.match(r"[=+\-@\t\r]", cell) else cell


def carried(module: str) -> Any:
    """What the TOML file says that the package carries beside a module, under the module's name."""
    package, _, name = module.rpartition(".")
    return tomllib.loads(files(package).joinpath(f"{name}.toml").read_text("utf-8"))


def joined(pattern: str, **parts: str) -> str:
    """A regular expression of several lines as one, without the blanks before them; a part stands for its {{name}}."""
    return re.sub(r"\{\{(\w+)\}\}", lambda named: parts[named[1]], re.sub(r"^\s+|\n", "", pattern, flags=re.MULTILINE))
