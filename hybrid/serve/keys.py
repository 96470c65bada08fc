"""Who may ask: keys compared in constant time, each with its budget a day and its turns."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

from hybrid.errors import SettingsError
from hybrid.files import write
from hybrid.serve.replies import LOG, Refused
from hybrid.settings import KeySettings, ServeSettings

_SAVED_EVERY = 1.0  # seconds
KEY: ContextVar[Key] = ContextVar("KEY")  # of the request under way


class Key:
    """One who asks, and what was spent today."""

    def __init__(self, name: str, settings: KeySettings | None, keys: Keys) -> None:
        self.name, self._settings, self._keys = name, settings, keys
        self.under_way = 0
        self.day, self.spent = _today(), 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A question of this key. Refused as `check` says."""
        self.check()
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    def check(self) -> None:
        """Look whether this key may ask now.

        Raises:
            Refused: too many of its questions are under way, or today's money is spent.
        """
        self._renew()
        if self._settings is not None:
            if self.under_way >= self._settings.at_once:
                sentence = f"{self.under_way} questions of this key are under way, and no more are answered at once."
                raise Refused(429, "too_many_questions", sentence, {"retry-after": "1"})
            budget = self._settings.dollars_per_day
            if budget is not None and self.spent >= budget:
                wait = _until_midnight()
                sentence = (
                    f"This key has spent ${self.spent:.4f} of its ${budget:.4f} for today; it may ask again in "
                    f"{wait} seconds."
                )
                raise Refused(429, "insufficient_quota", sentence, {"retry-after": str(wait)})

    def charge(self, dollars: float | None) -> None:
        """Charge what an answer cost, where that is known."""
        if dollars:
            self._renew()
            self.spent += dollars
            self._keys.save(soon=True)

    def _renew(self) -> None:
        if self.day != _today():
            self.day, self.spent = _today(), 0.0


class Keys:
    """The keys of a service. Without any, everybody on this machine may ask.

    Args:
        settings: the section `serve`.
        folder: keeps what was spent today, so that starting anew does not give the money back.
    """

    def __init__(self, settings: ServeSettings, folder: Path) -> None:
        tables = dict(settings.keys)
        if settings.key is not None:
            tables.setdefault("key", KeySettings(key=settings.key, at_once=settings.at_once + settings.waiting))
        self._secrets = {name: table.key.strip().encode() for name, table in tables.items()}
        self._keys = {name: Key(name, table, self) for name, table in tables.items()}
        self._anybody = Key("anybody", None, self)
        self._file, self._saved, self._lock = folder / "spent.json", 0.0, Lock()
        self._recall()

    def __len__(self) -> int:
        return len(self._keys)

    def of(self, header: str | None) -> Key:
        """The key of a header `Authorization: Bearer SECRET`.

        Raises:
            Refused: a key is needed and this is none.
        """
        if not self._keys:
            return self._anybody
        scheme, _, secret = (header or "").partition(" ")
        given = secret.strip().encode("latin-1") if scheme.lower() == "bearer" else b""  # as its bytes came
        found = None
        for name, known in self._secrets.items():  # all of them, so that the time tells nothing
            if hmac.compare_digest(known, given):
                found = self._keys[name]
        if found is None:
            sentence = "This service needs a key: send the header Authorization: Bearer KEY."
            raise Refused(401, "invalid_api_key", sentence, {"www-authenticate": "Bearer"})
        return found

    def save(self, *, soon: bool = False) -> None:
        """Write what was spent; with `soon`, at most once a second."""
        with self._lock:
            if not self._keys or (soon and time.monotonic() - self._saved < _SAVED_EVERY):
                return
            self._saved = time.monotonic()
            spent = {name: {"day": key.day, "dollars": key.spent} for name, key in self._keys.items()}
            try:
                write(self._file, json.dumps(spent))
            except SettingsError as error:  # an answer that was paid for is given all the same
                LOG.error("What keys have spent today is not on the disk, and would be forgotten: %s", error)

    def _recall(self) -> None:
        try:
            known = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return
        for name, key in self._keys.items():
            told = known.get(name) if isinstance(known, dict) else None
            if isinstance(told, dict) and told.get("day") == key.day and isinstance(told.get("dollars"), float):
                key.spent = told["dollars"]


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _until_midnight() -> int:
    now = datetime.now(UTC)
    return int((now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now).total_seconds()) + 1
