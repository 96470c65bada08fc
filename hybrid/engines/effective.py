"""An engine that is given no more than it was measured to read well."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from hybrid.engines.base import Engine
from hybrid.model.profile import Profile, profile_for


class Effective:
    """An engine whose window is its effective context, where a profile of it is at hand; in all else itself.

    Args:
        engine: asked for its name, and so perhaps its server contacted, when the window is first needed.
        profile: the file of its profile; None: the one that lies here, if it is of this engine.
    """

    def __init__(self, engine: Engine, profile: str | None = None) -> None:
        self._engine, self._file = engine, profile

    @cached_property
    def profile(self) -> Profile | None:
        """What was measured on it; nothing where the model was measured with a smaller window than is served now.

        A native and an extended server of one model have the same name, and what holds of the one tells nothing of
        the longer prompts of the other.

        Raises:
            SettingsError: the named file is of another engine, or none.
        """
        found = profile_for(self._engine.name, self._file)
        return found if found is None or found.window >= self._engine.window else None

    @property
    def window(self) -> int:
        """Tokens of prompt and answer together that it reads well."""
        served = self._engine.window
        return served if self.profile is None else min(served, self.profile.effective)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about it."""
        own: tuple[str, ...] = tuple(getattr(self._engine, "notes", ()))
        if self.profile is None or self.profile.effective >= self._engine.window:
            return own
        limit = f"{self.profile.effective:,} of {self._engine.window:,} tokens"
        return (*own, f"{self._engine.name} is given at most {limit}: what it was measured to read well.")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)
