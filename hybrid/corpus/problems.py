"""Problems: the files of a corpus that are not read, and the sentences that say so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.errors import CorpusError

NAMED = 5  # files that a sentence names for one reason
_REASONS = 6  # that a sentence gives
_EXPECTED = re.compile(r"unsupported|empty|pictures")  # nobody tried to read these


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that was expected to be readable and is not."""

    name: str
    reason: str
    files: int = 1  # more where the name stands for the first few of several


def not_read(problems: Sequence[Problem]) -> str:
    """One sentence on the files that were not read, grouped by reason, failures first; empty where all were read."""
    if not problems:
        return ""
    reasons: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for problem in sorted(problems, key=lambda problem: _EXPECTED.match(problem.reason) is not None):
        reason = re.sub(r"(?<=^unsupported format) \.\w+", "", problem.reason)
        reasons.setdefault(reason, []).append(problem.name)  # the names tell the formats
        counts[reason] += problem.files
    told = [f"{first_names(names)} ({reason})" for reason, names in list(reasons.items())[:_REASONS]]
    others = sum(counts[reason] for reason in list(reasons)[_REASONS:])
    total = counts.total()
    counted = f"{total} files: " if total > NAMED else ""
    return f"Not read: {counted}{'; '.join(told)}{f'; and {others} more, see hybrid index show' if others else ''}."


def first_names(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def nothing_readable(label: str, problems: Sequence[Problem]) -> CorpusError:
    """The error for a corpus without a single readable document."""
    listed = "; ".join(f"{p.name}: {p.reason}" for p in problems[:3])
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return CorpusError(f"Nothing in {label} can be read ({listed}{more}).")
