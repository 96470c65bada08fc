"""Packages as an installer lays them out, for tests that ask about an installed package without needing another's."""

from __future__ import annotations

from pathlib import Path

import pytest

FILES = {
    "turnstile/__init__.py": "from turnstile._api import BaseLock\nfrom turnstile._error import Timeout\n",
    "turnstile/_api.py": '''"""Locks that processes share."""

from turnstile._error import Timeout


class BaseLock:
    """A lock on a file."""

    def acquire(self, timeout: float = -1) -> None:
        """Wait until the lock is free, and take it.

        Raises:
            Timeout: it was not free in time.
        """
        if timeout == 0 and not self.free():
            raise Timeout(self)

    def free(self) -> bool:
        """Whether nobody holds the lock."""
        return True
''',
    "turnstile/_error.py": '''"""What can go wrong with a lock."""


class Timeout(TimeoutError):
    """Raised when the lock could not be acquired in the seconds that were allowed."""
''',
    "turnstile/old/__init__.py": "'''How it was before.'''\n",
    "facade/__init__.py": "from _facade.fixtures import fixture\n",
    "_facade/__init__.py": "",
    "_facade/fixtures.py": "def fixture():\n    '''What a test is given.'''\n",
    "_facade/mark/__init__.py": "def mark():\n    '''A label of a test.'''\n",
    "single_module.py": "def only():\n    '''All there is.'''\n",
}
DISTRIBUTIONS = {"turnstile-locks": "turnstile/", "facade": ("facade/", "_facade/"), "single_module": "single_module"}


def describe(folder: Path, name: str = "other", version: str = "1.0", entry_points: str = "") -> Path:
    """Write what an installer records of a package; returns the folder of the record."""
    about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(entry_points)
    return about


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay the packages out in a folder, with what an installer records of them, and put it on the path of modules."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for name, begins in DISTRIBUTIONS.items():
        about = describe(folder, name, "3.1.0")
        own = [file for file in FILES if file.startswith(begins)]
        (about / "RECORD").write_text("".join(f"{file},,\n" for file in [*own, f"{about.name}/METADATA"]))
    monkeypatch.syspath_prepend(str(folder))
