# Catalogue of the Tarn Valley dialect recordings (reel-to-reel tapes).
from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

SHELF_PATTERN = re.compile(r"^TV/\d{2}/[A-F]$")
BAKE_HOURS = 8
BAKE_BEFORE_YEAR = 1983
PREVIEW_SECONDS = 45
INDEX_NAME = "reels.json"


class ReelNotFound(KeyError):
    pass


class EmbargoError(PermissionError):
    """Raised when a reel is asked for before its speaker's embargo ends."""


@dataclass
class Reel:
    shelfmark: str
    speaker: str
    year: int
    minutes: float = 32.0
    speed_ips: float = 3.75
    embargo_until: int | None = None
    tags: list[str] = field(default_factory=list)

    def needs_baking(self) -> bool:
        """Sticky tapes: true for reels recorded before BAKE_BEFORE_YEAR and not tagged 'acetate'."""
        return self.year < BAKE_BEFORE_YEAR and "acetate" not in self.tags


class Archive:
    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._reels: dict[str, Reel] = {}

    def add(self, reel: Reel) -> None:
        """Register a reel. A malformed shelfmark gives a ValueError; a duplicate replaces the older entry."""
        if not SHELF_PATTERN.match(reel.shelfmark):
            raise ValueError(f"bad shelfmark: {reel.shelfmark}")
        self._reels[reel.shelfmark] = reel

    def fetch(self, shelfmark: str, this_year: int) -> Reel:
        try:
            reel = self._reels[shelfmark]
        except KeyError:
            raise ReelNotFound(shelfmark) from None
        if reel.embargo_until and this_year < reel.embargo_until:
            raise EmbargoError(f"closed until {reel.embargo_until}")
        return reel

    def by_speaker(self, name: str) -> list[Reel]:
        """All reels of one speaker, oldest first; the name is compared without regard to case."""
        hits = [r for r in self._reels.values() if r.speaker.casefold() == name.casefold()]
        return sorted(hits, key=lambda r: r.year)

    def total_hours(self) -> float:
        return sum(r.minutes for r in self._reels.values()) / 60

    def save(self) -> Path:
        """Write the index as JSON, sorted by shelfmark, with two spaces of indent."""
        target = self.folder / INDEX_NAME
        rows = [vars(self._reels[k]) for k in sorted(self._reels)]
        target.write_text(json.dumps(rows, indent=2), encoding="utf-8")
        return target
