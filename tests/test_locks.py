"""The locked versions are those of today's dependencies: whoever changes the ones runs `make lock` for the others."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
BY_NAME = {"torch"}  # its build is chosen by whoever installs


def locked(file: str) -> dict[str, list[Requirement]]:
    """The pinned requirements by name; one package may be pinned for several platforms."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "locks" / file).read_text("utf-8").splitlines():
        if line and not line[0].isspace():
            pinned = Requirement(line.rstrip("\\ "))
            found.setdefault(canonicalize_name(pinned.name), []).append(pinned)
    return found


def wanted(extras: set[str]) -> list[Requirement]:
    """What the package asks for with these extras, those that they name in turn included."""
    found, open_ = [Requirement(one) for one in PROJECT["dependencies"]], set(extras)
    seen: set[str] = set()
    while open_:
        extra = open_.pop()
        seen.add(extra)
        for text in PROJECT["optional-dependencies"][extra]:
            one = Requirement(text)
            if one.name == PROJECT["name"]:
                open_ |= one.extras - seen
            else:
                found.append(one)
    return found


@pytest.mark.parametrize(
    ("file", "extras"),
    [("base.txt", ()), ("cpu.txt", ("cpu",)), ("dev.txt", ("cpu", "dev")), ("serve.txt", ("light", "office", "serve"))],
)
def test_every_dependency_is_locked_within_its_bounds(file: str, extras: tuple[str, ...]) -> None:
    pins = locked(file)
    for one in wanted(set(extras)):
        if canonicalize_name(one.name) in BY_NAME or (one.marker and "win32" in str(one.marker)):
            continue
        versions = [next(iter(pin.specifier)).version for pin in pins.get(canonicalize_name(one.name), [])]
        assert versions, f"{one} is not in locks/{file}: run `make lock`"
        assert all(one.specifier.contains(version) for version in versions), (
            f"{one}, locked {versions}: run `make lock`"
        )


@pytest.mark.parametrize("file", ["base.txt", "cpu.txt", "dev.txt", "serve.txt"])
def test_every_locked_package_has_hashes_and_no_address(file: str) -> None:
    text = (ROOT / "locks" / file).read_text("utf-8")
    assert "://" not in text
    names = [line for line in text.splitlines() if line and not line[0].isspace()]
    assert all(line.endswith("\\") for line in names)  # its hashes follow
    assert text.count("--hash=sha256:") >= len(names)
