"""An engine that gets no more than it was measured to read well."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from hybrid.engines.base import Engine
from hybrid.model.profile import Profile, profile_for


class Effective:
    """An engine whose window is its effective context, where it has a profile; in all else it is the engine itself.

    Args:
        engine: its name is asked for when the window is first needed, which may contact a server.
        profile: the file of its profile; None takes the one in the working directory, if it is of this engine.
    """

    def __init__(self, engine: Engine, profile: str | None = None) -> None:
        self._engine, self._file = engine, profile

    @cached_property
    def profile(self) -> Profile | None:
        """What was measured on it; None where the model was measured with a smaller window than is served now.

        A native and an extended server of one model have the same name, and a profile of the native one tells nothing
        of longer prompts.

        Raises:
            SettingsError: the named file is of another engine, or is no profile.
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
