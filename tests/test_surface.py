"""What other people's code may rely on stays as it is: the names of `hybrid`, their signatures and their fields.

The table is tests/surface.txt. To change the surface on purpose, renew it, and say so in the changelog:

    python -m tests.test_surface > tests/surface.txt
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import hybrid

TABLE = Path(__file__).with_name("surface.txt")


class Written(str):
    """An annotation as it stands in the source, which a signature would show in quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def signature(function: Callable[..., Any]) -> str:
    found = inspect.signature(function)
    parameters = [p.replace(annotation=_written(p.annotation)) for p in found.parameters.values()]
    return str(found.replace(parameters=parameters, return_annotation=_written(found.return_annotation)))


def _written(annotation: Any) -> Any:
    return Written(annotation) if isinstance(annotation, str) else annotation


def members(of: type) -> Iterator[str]:
    """The fields of a record, and the public methods and properties that a class of this project defines."""
    ours = [base for base in reversed(of.__mro__) if base.__module__.startswith("hybrid.")]
    if issubclass(of, BaseModel):
        types = {name: kind for base in ours for name, kind in inspect.get_annotations(base).items()}
        for name, field in of.model_fields.items():
            yield f"{name}: {types[name]}" + ("" if field.is_required() else f" = {_default(field)}")
    elif "__init__" in {name for base in ours for name in vars(base)}:
        yield f"{of.__name__}{signature(of)}"
    for name in dict.fromkeys(name for base in ours for name in vars(base) if not name.startswith(("_", "model_"))):
        member = getattr(of, name)
        if isinstance(member, property):
            yield f"{name} -> {inspect.get_annotations(member.fget)['return']}"  # type: ignore[arg-type]
        elif callable(member):
            yield ("async " if inspect.iscoroutinefunction(member) else "") + f"{name}{signature(member)}"
        elif not inspect.ismemberdescriptor(member):
            yield f"{name} = {member!r}"


def _default(field: Any) -> str:
    return f"{type(field.default).__name__}()" if isinstance(field.default, BaseModel) else repr(field.default)


def surface() -> Iterator[str]:
    for name in hybrid.__all__:
        found = getattr(hybrid, name)
        if not inspect.isclass(found):
            yield f"{name}{signature(found)}"
            continue
        shown = f"({found.__base__.__name__})" if issubclass(found, BaseModel | Exception) else ""
        yield f"class {name}{shown}"
        yield from (f"    {member}" for member in members(found))


def test_the_surface_is_what_it_was() -> None:
    assert [*surface()] == TABLE.read_text("utf-8").splitlines(), f"on purpose? {__doc__}"


if __name__ == "__main__":
    print(*surface(), sep="\n")
