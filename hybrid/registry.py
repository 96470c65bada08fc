"""Named things of one kind: the carried ones, and those that other packages bring by entry points.

    POLICIES = Registry[type[Policy]]("policy", {"rag": Rag, "mine": "package.module:Mine"})
    POLICIES["mine"]

An entry that is text, `module:attribute`, is imported when it is asked for. Another package adds to the kind "policy"
with an entry point of the group `hybrid.policy`; the carried names stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, cast

from pydantic_core import PydanticCustomError

from hybrid.errors import InputError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """The known things of a kind, by name. Entry points are looked up when a name is not among the carried ones.

    Args:
        kind: what the things are, as an error calls them; `hybrid.KIND` is the group of entry points.
        own: the carried ones.
    """

    def __init__(self, kind: str, own: Mapping[str, T | str]) -> None:
        self.kind = kind
        self._own = own

    @cached_property
    def _brought(self) -> dict[str, EntryPoint]:
        found = {entry.name: entry for entry in entry_points(group=f"hybrid.{self.kind}")}
        return {name: found[name] for name in sorted(found) if name not in self._own}

    def __getitem__(self, name: str) -> T:
        """The thing of that name.

        Raises:
            InputError: there is none; the message names the nearest.
        """
        if name in self._own:
            return _imported(self._own[name])
        if name in self._brought:
            return cast(T, self._brought[name].load())
        near = hint(name, self, "there are", n=3, cutoff=0.5)
        raise InputError(f"There is no {self.kind} {name!r}; {near}")

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._brought

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from self._brought

    def __len__(self) -> int:
        return len(self._own) + len(self._brought)

    def named(self, name: Any, beside: tuple[str, ...] = ()) -> str:
        """The name of one of them, or one of those `beside`, as a validator of settings.

        Raises:
            PydanticCustomError: there is none of that name; the message is that of a `Literal` of all names.
        """
        if not isinstance(name, str) or (name not in beside and name not in self):
            *most, last = map(repr, (*beside, *self))
            expected = f"{', '.join(most)} or {last}"
            raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
        return name


def hint(said: str, known: Iterable[str], lead: str = "known:", *, n: int = 1, cutoff: float = 0.6) -> str:
    """The end of a message about an unknown name: the known names that are near, else all after `lead`."""
    names = list(known)
    near = get_close_matches(said, names, n=n, cutoff=cutoff)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"{lead} {', '.join(names)}."


def _imported(found: T | str) -> T:
    if not isinstance(found, str):
        return found
    module, _, attribute = found.partition(":")
    return cast(T, getattr(import_module(module), attribute))
