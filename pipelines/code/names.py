"""Names in code: which definition a call or an import means, as far as the text alone can tell.

It follows scopes, imports (renamed, relative, re-exported and with a star), `self` and `super` through base classes,
and names of modules and classes before a dot. It does not know what a variable holds: a call through an object may mean
any method of that name, and counts as unsure.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterator
from functools import cached_property

from hybrid.pipelines.code.symbols import File, Row, SymbolIndex

from hybrid.corpus.readers.code.symbols import Definition, Import, Reference

_SELF = re.compile(r"^(?:self|cls|this|\$this|Self|@|static)$")
_SUPER = re.compile(r"^(?:super(?:\(.*\))?|parent|base)$")
_BARE_METHODS = frozenset({"java", "kotlin", "csharp", "cpp", "ruby", "scala", "swift", "dart", "groovy"})
_SCRIPTS = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".d.ts", "/index.ts", "/index.tsx", "/index.js")
_FAMILIES = (
    ("javascript", "typescript", "tsx"),
    ("c", "cpp", "cuda", "objc"),
    ("java", "kotlin", "scala", "groovy"),
)
_DEPTH = 8  # of imports and base classes followed
Meaning = tuple[Row, ...]  # definitions; empty: elsewhere, outside of the index


class Names:
    """Resolves the names of one index."""

    def __init__(self, index: SymbolIndex) -> None:
        self.index = index
        self._rows: dict[int, list[Row]] = {}
        self._bound: dict[int, dict[str, Import]] = {}

    # -- asked by people -----------------------------------------------------------------------------------------------

    def find(self, said: str) -> list[Row]:
        """The definitions somebody means by `name`, `Class.method` or `module.Class.method`."""
        parts = [part for part in re.split(r"::|[.#/\\]", re.sub(r"\(.*", "", said)) if part]
        if not parts:
            return []
        rows = [row for row in self.index.named(parts[-1]) if row.definition.kind != "implementation"]
        ending = [row for row in rows if row.full.split(".")[-len(parts) :] == parts]
        return ending or [row for row in rows if _in_order(parts, row.full.split("."))]

    def meaning(self, file: File, reference: Reference) -> Meaning | None:
        """The definitions that a reference means; empty: none of this index; None: the text does not say."""
        receiver = reference.receiver
        inner = self._around(file, reference.inside)
        if not receiver:
            return self._bare(file, reference.name, inner)
        above = bool(_SUPER.match(receiver))
        plain = reference.kind == "base" or re.fullmatch(r"[\w$.:\\]+", receiver)
        if above or (plain and _SELF.match(receiver)):
            return self._own(file, inner, reference.name, only_bases=above)
        if not plain or _SELF.match(re.split(r"[.:\\]+", receiver)[0]):
            return None
        return self._through(file, receiver, reference.name, inner)

    def targets(self, file: File, found: Import) -> list[File]:
        """The files of this index that an import names."""
        return self._import(file, found)[0]

    # -- names without a dot -------------------------------------------------------------------------------------------

    def _bare(self, file: File, name: str, around: Definition | None, depth: int = 0) -> Meaning | None:
        scopes = _scopes(around)
        own = [row for row in self.of(file) if row.definition.name == name and row.definition.kind != "implementation"]
        classes = {r.definition.path for r in self.of(file) if r.definition.kind in ("class", "implementation")}
        for scope in scopes:
            if scope in classes and file.language not in _BARE_METHODS and scope != (around.path if around else ""):
                continue  # methods do not see the names of their class
            at = [row for row in own if row.definition.path == (f"{scope}.{name}" if scope else name)]
            if at:
                return tuple(at)
            if scope in classes and file.language in _BARE_METHODS:
                inherited = self._method(file, scope, name, depth)
                if inherited:
                    return inherited
        bound = self._bindings(file).get(name)
        if bound is not None:
            return self._import(file, bound, depth)[1]
        for star in self.index.imports_of(file.id):
            if star.name == "*" and depth < _DEPTH:
                for target in self._import(file, star, depth)[0]:
                    if found := self._top(target, name, depth + 1):
                        return found
        if file.language == "python":
            return ()  # a builtin, or nothing
        return self._anywhere(file, name)

    def _anywhere(self, file: File, name: str) -> Meaning | None:
        """For languages whose files see each other: what the same folder defines, else the only definition."""
        rows = [
            row
            for row in self.index.named(name)
            if _related(row.file.language, file.language)
            and row.definition.kind not in ("implementation", "variable")
            and (row.definition.level == 1 or row.definition.kind in ("class", "function"))
        ]
        near = [row for row in rows if posixpath.dirname(row.file.name) == posixpath.dirname(file.name)]
        chosen = near or rows
        return tuple(chosen) if len(chosen) <= 1 or len({row.full for row in chosen}) == 1 else None

    # -- names behind a dot --------------------------------------------------------------------------------------------

    def _through(
        self, file: File, receiver: str, name: str, around: Definition | None, depth: int = 0
    ) -> Meaning | None:
        """`receiver.name` for a module or a class."""
        dotted = re.sub(r"::|\\|:", ".", receiver)
        files = self._module_before(file, dotted)
        if files is not None:
            return tuple(row for target in files for row in self._top(target, name, depth + 1))
        first, _, rest = dotted.partition(".")
        meant = self._bare(file, first, around, depth)
        if meant is None or (not meant and first not in self._bindings(file)):
            return None  # a variable
        if not meant:
            return ()  # imported from elsewhere
        for part in rest.split(".") if rest else ():
            meant = tuple(found for row in meant for found in self._method(row.file, row.definition.path, part, depth))
        if not all(row.definition.kind in ("class", "module", "implementation") for row in meant):
            return None
        found = tuple(r for row in meant for r in self._method(row.file, row.definition.path, name, depth))
        return found or None

    def _module_before(self, file: File, dotted: str) -> list[File] | None:
        """The files of a module named before a dot, empty if it is outside; None if no import binds it."""
        bindings = self._bindings(file)
        parts = dotted.split(".")
        bound = bindings.get(parts[0])
        if bound is None:
            whole = bindings.get(dotted)
            return self._import(file, whole)[0] if whole is not None else None
        files, rows = self._import(file, bound)
        if rows:
            return None
        if bound.name == "" and not bound.alias and "." in bound.module:  # import a.b binds a
            wanted = dotted
        elif len(parts) == 1:
            return files
        else:
            module = files[0].module if files else ".".join(p for p in (bound.module.strip("."), bound.name) if p)
            wanted = ".".join([module, *parts[1:]])
        return self._modules(wanted) or []

    def _own(self, file: File, around: Definition | None, name: str, only_bases: bool) -> Meaning | None:
        classes = {r.definition.path for r in self.of(file) if r.definition.kind in ("class", "implementation")}
        scope = next((scope for scope in _scopes(around) if scope in classes), None)
        if scope is None and around is not None and around.kind == "method":
            scope = around.path.rpartition(".")[0]  # Go, C++: the class is defined elsewhere
        if scope is None:
            return None
        return self._method(file, scope, name, 0, only_bases=only_bases) or None

    def _method(self, file: File, path: str, name: str, depth: int, *, only_bases: bool = False) -> Meaning:
        """What a class of this path has under a name, itself or from its base classes."""
        rows = self.of(file)
        if not only_bases:
            own = tuple(r for r in rows if r.definition.path == f"{path}.{name}")
            if own:
                return own
        if depth >= _DEPTH:
            return ()
        for row in rows:
            if row.definition.path != path or row.definition.kind not in ("class", "implementation"):
                continue
            for use in self.index.uses_in(file.id, [row.number]):
                if use.reference.kind != "base":
                    continue
                outer = self._around(file, row.number, outside=True)
                base = use.reference
                meant = (
                    self._through(file, base.receiver, base.name, outer, depth + 1)
                    if base.receiver
                    else self._bare(file, base.name, outer, depth + 1)
                )
                for parent in meant or ():
                    if parent.key != row.key:
                        found = self._method(parent.file, parent.definition.path, name, depth + 1)
                        if found:
                            return found
        return ()

    # -- imports -------------------------------------------------------------------------------------------------------

    def _import(self, file: File, found: Import, depth: int = 0) -> tuple[list[File], Meaning]:
        """The files that an import names, and the definitions if it takes a name out of them."""
        if file.language == "python":
            return self._python(file, found, depth)
        if file.language in ("javascript", "typescript", "tsx", "vue", "svelte"):
            files = self._relative(file, found.module, _SCRIPTS)
            wanted = found.alias if found.name == "default" else found.name
            rows = tuple(row for target in files for row in self._top(target, wanted, depth + 1)) if wanted else ()
            return files, rows
        if file.language == "go":
            files = [f for f in self._all if f.language == "go" and _ends(posixpath.dirname(f.name), found.module)]
            return files, ()
        if file.language in ("c", "cpp", "cuda", "objc"):
            return [f for f in self._all if _ends(f.name, found.module.removeprefix("./"))][:1], ()
        if file.language in ("ruby", "bash", "lua", "php") and found.name == "":
            return self._relative(file, found.module, ("", ".rb", ".sh", ".lua", ".php")), ()
        rows = tuple(
            r for r in self.index.named(found.name) if r.definition.level <= 2 and r.file.language == file.language
        )
        wanted = f"{found.module}.{found.name}".removeprefix("crate.").removeprefix("self.").removeprefix("super.")
        near = tuple(r for r in rows if _in_order(wanted.split("."), r.full.split(".")))
        chosen = near or (rows if len(rows) == 1 else ())
        return list(dict.fromkeys(row.file for row in chosen)), chosen

    def _python(self, file: File, found: Import, depth: int) -> tuple[list[File], Meaning]:
        module = found.module
        if module.startswith("."):
            up = len(module) - len(module.lstrip("."))
            package = file.module.split(".") if file.module else []
            is_package = posixpath.basename(file.name).startswith("__init__.")
            kept = package[: len(package) - up + is_package]
            module = ".".join([*kept, *([module.lstrip(".")] if module.lstrip(".") else [])])
        if found.name in ("", "*"):
            return self._modules(module), ()
        files = self._modules(module)
        if depth < _DEPTH:
            for target in files:
                rows = self._top(target, found.name, depth + 1)
                if rows:
                    return [target], rows
        return self._modules(f"{module}.{found.name}" if module else found.name) or files, ()

    def _top(self, file: File, name: str, depth: int) -> Meaning:
        """What a module has under a name: defined at its top, or imported into it."""
        own = tuple(row for row in self.of(file) if row.definition.path == name)
        if own or depth >= _DEPTH:
            return own
        bound = self._bindings(file).get(name)
        if bound is not None:
            return self._import(file, bound, depth + 1)[1]
        for star in self.index.imports_of(file.id):
            if star.name == "*":
                for target in self._import(file, star, depth + 1)[0]:
                    if target != file and (found := self._top(target, name, depth + 1)):
                        return found
        return ()

    def _modules(self, dotted: str) -> list[File]:
        """The files of a module; else the only one whose name ends so, as in a part of a repository."""
        if not dotted:
            return []
        exact = self._by_module.get(dotted)
        if exact:
            return exact
        if dotted.split(".")[0] in sys.stdlib_module_names:
            return []
        ends = [f for f in self._by_last.get(dotted.rpartition(".")[2], ()) if f.module.endswith(f".{dotted}")]
        ends = [f for f in ends if f.module.removesuffix(f".{dotted}") not in self._by_module]  # inside of a package
        return ends if len(ends) == 1 else []

    def _relative(self, file: File, module: str, endings: tuple[str, ...]) -> list[File]:
        if not module.startswith("."):
            found = [f for ending in endings for f in self._all if _ends(f.name, module + ending)]
            return found[:1] if len(found) == 1 else []
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file.name), module))
        stem = re.sub(r"\.(?:js|mjs|cjs|jsx)$", "", path)  # TypeScript imports what it will be compiled to
        for name in (path, *(f"{base}{ending}" for base in (path, stem) for ending in endings)):
            if name in self._by_name:
                return [self._by_name[name]]
        return []

    # -- kept lookups --------------------------------------------------------------------------------------------------

    def of(self, file: File) -> list[Row]:
        """The definitions in a file, in order."""
        if file.id not in self._rows:
            self._rows[file.id] = self.index.in_file(file.id)
        return self._rows[file.id]

    def _around(self, file: File, inside: int, *, outside: bool = False) -> Definition | None:
        """The definition of a number, or the one around it."""
        rows = self.of(file)
        if inside < 0 or inside >= len(rows):
            return None
        definition = rows[inside].definition
        if not outside:
            return definition
        path = definition.path.rpartition(".")[0]
        return next((row.definition for row in rows[:inside] if row.definition.path == path), None)

    def _bindings(self, file: File) -> dict[str, Import]:
        if file.id not in self._bound:
            bound: dict[str, Import] = {}
            for found in self.index.imports_of(file.id):
                if found.name == "*":
                    continue
                own = found.alias or found.name
                if not own:  # import a.b binds a in Python, b in Go
                    parts = re.split(r"[/.]", found.module)
                    own = found.module.split(".")[0] if file.language == "python" else parts[-1]
                    bound.setdefault(found.module, found)
                bound.setdefault(own, found)
            self._bound[file.id] = bound
        return self._bound[file.id]

    @cached_property
    def _all(self) -> list[File]:
        return list(self.index.files.values())

    @cached_property
    def _by_name(self) -> dict[str, File]:
        return {file.name: file for file in self._all}

    @cached_property
    def _by_module(self) -> dict[str, list[File]]:
        found: dict[str, list[File]] = {}
        for file in self._all:
            if file.language:
                found.setdefault(file.module, []).append(file)
        return found

    @cached_property
    def _by_last(self) -> dict[str, list[File]]:
        found: dict[str, list[File]] = {}
        for module, files in self._by_module.items():
            found.setdefault(module.rpartition(".")[2], []).extend(files)
        return found


def _scopes(around: Definition | None) -> Iterator[str]:
    """The paths of the scopes around a place, innermost first and the file's own last."""
    path = around.path if around is not None else ""
    while path:
        yield path
        path = path.rpartition(".")[0]
    yield ""


def _in_order(parts: list[str], full: list[str]) -> bool:
    """Whether the parts are in the full path in this order, the last one last."""
    rest = iter(full)
    return full[-1:] == parts[-1:] and all(part in rest for part in parts)


def _ends(path: str, wanted: str) -> bool:
    return path == wanted or path.endswith(f"/{wanted}") or (wanted.endswith(f"/{path}") and bool(path))


def _related(one: str, other: str) -> bool:
    return one == other or any(one in family and other in family for family in _FAMILIES)
