"""Rules in .gitignore syntax: which paths of a folder are left out."""

# os.path answers False where Path raises (no permission, no path at all)
# ruff: noqa: PTH110

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hybrid.errors import SettingsError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

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
