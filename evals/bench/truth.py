"""Definitions and calls of a Python package, by `ast` alone: answers about names are measured by them."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import click

Line = tuple[str, int]  # file relative to the package, line


class Scope(NamedTuple):
    """A function or class in a module."""

    path: str  # Class.method
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Site(NamedTuple):
    """A call, or a decorator without one, which is called with what it decorates."""

    module: str
    line: int
    inside: tuple[str, ...]  # paths of the scopes around it, outermost first
    function: ast.expr
    mark: bool = False


class Truth:
    """Definitions and calls of a Python package, by `ast` alone.

    Args:
        root: the package's folder.
        package: its dotted name.
    """

    def __init__(self, root: Path, package: str) -> None:
        self.files: dict[str, str] = {}  # module -> file
        self.scopes: dict[str, list[Scope]] = {}
        self.values: dict[str, list[tuple[str, int]]] = {}  # variables outside of functions: path, line
        self.bound: dict[str, dict[str, tuple[str, str]]] = {}  # module -> name -> module, name in it
        self.stars: dict[str, list[str]] = {}
        self.sites: list[Site] = []
        for file in sorted(root.rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            module = ".".join([package, *(parts[:-1] if parts[-1] == "__init__" else parts)])
            try:
                tree = ast.parse(file.read_bytes())
            except (SyntaxError, ValueError):
                continue
            self.files[module] = file.relative_to(root).as_posix()
            self.scopes[module], self.values[module] = [], []
            self.bound[module], self.stars[module] = {}, []
            self._visit(module, tree, (), in_function=False)
            self._imports(module, tree, is_package=parts[-1] == "__init__")
        self.classes = {m: {s.path for s in own if isinstance(s.node, ast.ClassDef)} for m, own in self.scopes.items()}
        self.paths = {m: {s.path for s in own} | {path for path, _ in self.values[m]} for m, own in self.scopes.items()}
        self.meant = [(site, self._meaning(site)) for site in self.sites]

    def _visit(self, module: str, node: ast.AST, inside: tuple[str, ...], *, in_function: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                path = f"{inside[-1]}.{child.name}" if inside else child.name
                self.scopes[module].append(Scope(path, child))
                for decorator in child.decorator_list:  # they stand outside of what they decorate
                    if not isinstance(decorator, ast.Call):
                        self.sites.append(Site(module, decorator.lineno, inside, decorator, mark=True))
                    self._visit(module, ast.Expression(decorator), inside, in_function=in_function)
                body = [part for part in ast.iter_child_nodes(child) if part not in child.decorator_list]
                is_function = not isinstance(child, ast.ClassDef)
                inner = ast.Module([part for part in body if isinstance(part, ast.stmt)], [])
                for part in body:
                    if not isinstance(part, ast.stmt):
                        self._visit(module, ast.Expression(part), (*inside, path), in_function=is_function)  # type: ignore[arg-type]
                self._visit(module, inner, (*inside, path), in_function=is_function)
                continue
            if isinstance(child, ast.Call):
                end = child.func.end_lineno or child.lineno
                self.sites.append(Site(module, end, inside, child.func))
            targets = (
                child.targets
                if isinstance(child, ast.Assign)
                else [child.target]
                if isinstance(child, ast.AnnAssign)
                else []
            )
            for target in [] if in_function or isinstance(node, ast.Lambda) else targets:
                for name in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                    if isinstance(name, ast.Name):
                        path = f"{inside[-1]}.{name.id}" if inside else name.id
                        self.values[module].append((path, child.lineno))  # type: ignore[attr-defined]
            self._visit(module, child, inside, in_function=in_function)

    def _imports(self, module: str, tree: ast.AST, *, is_package: bool) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.split(".")[0]
                    self.bound[module].setdefault(alias.asname or name, (name, ""))
            elif isinstance(node, ast.ImportFrom):
                base = module.split(".")
                base = base[: len(base) - node.level + is_package] if node.level else []
                source = ".".join([*base, *([node.module] if node.module else [])])
                for alias in node.names:
                    if alias.name == "*":
                        self.stars[module].append(source)
                    else:
                        self.bound[module].setdefault(alias.asname or alias.name, (source, alias.name))

    # -- what names mean: sets of (module, path); empty: elsewhere; None: not told -------------------------------------

    def _meaning(self, site: Site) -> set[tuple[str, str]] | None:
        function, module = site.function, site.module
        if isinstance(function, ast.Name):
            return self._name(module, function.id, site.inside)
        if not isinstance(function, ast.Attribute):
            return set()
        value = function.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "super":
            owner = self._class(module, site.inside)
            return self._inherited(module, owner, function.attr) or None if owner else None
        parts: list[str] = []
        while isinstance(value, ast.Attribute):
            parts.insert(0, value.attr)
            value = value.value
        if not isinstance(value, ast.Name):
            return None
        if value.id in ("self", "cls") and not parts:
            owner = self._class(module, site.inside)
            return self._member(module, owner, function.attr) or None if owner else None
        if self._local(module, value.id, site.inside):
            return None
        at = self._resolved(module, value.id)
        if at is None:
            if not any(scope.path == value.id for scope in self.scopes[module]) or parts:
                return None
            return self._member(module, value.id, function.attr) or None
        for part in [*parts, ""]:
            if at[1] and at[0] in self.files:  # a class, or a variable
                if at[1] not in self.classes[at[0]]:
                    return None
                return (self._member(at[0], at[1], function.attr) or None) if not part else None
            if part:
                at = self._exported(at[0], part) if at[0] in self.files else (f"{at[0]}.{part}", "")
        return self._defined_as(*(self._exported(at[0], function.attr))) if at[0] in self.files else set()

    def _name(self, module: str, name: str, inside: tuple[str, ...]) -> set[tuple[str, str]] | None:
        classes, paths = self.classes[module], self.paths[module]
        for i, around in enumerate(reversed(inside)):
            if (around not in classes or i == 0) and f"{around}.{name}" in paths:
                return {(module, f"{around}.{name}")}
        if self._local(module, name, inside):
            return None
        if name in paths:
            return {(module, name)}
        at = self._resolved(module, name)
        return self._defined_as(*at) if at is not None else set()

    def _local(self, module: str, name: str, inside: tuple[str, ...]) -> bool:
        """Whether a function around has a parameter or variable of this name."""
        for scope in self.scopes[module]:
            if scope.path in inside and not isinstance(scope.node, ast.ClassDef):
                a = scope.node.args
                named = [*a.posonlyargs, *a.args, *a.kwonlyargs, *(x for x in (a.vararg, a.kwarg) if x)]
                if any(arg.arg == name for arg in named):
                    return True
                if any(
                    isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
                    for n in ast.walk(scope.node)
                ):
                    return True
        return False

    def _resolved(self, module: str, name: str) -> tuple[str, str] | None:
        """Where an imported name comes from: a module and what of it, "" the module itself."""
        bound = self.bound[module].get(name)
        if bound is not None:
            return self._exported(*bound) if bound[1] else bound
        for star in self.stars[module]:
            if star in self.files and (found := self._exported(star, name))[1] and self._defined_as(*found):
                return found
        return None

    def _exported(self, module: str, name: str, depth: int = 0) -> tuple[str, str]:
        """The module and name that a name of a module is defined under, through the modules that pass it on."""
        if module in self.files and depth < 8:
            if name in self.paths[module]:
                return module, name
            if name in self.bound[module]:
                source, inner = self.bound[module][name]
                return self._exported(source, inner, depth + 1) if inner else (source, "")
            for star in self.stars[module]:
                found = self._exported(star, name, depth + 1)
                if self._defined_as(*found):
                    return found
        return (f"{module}.{name}", "") if f"{module}.{name}" in self.files else (module, name)

    def _defined_as(self, module: str, path: str) -> set[tuple[str, str]]:
        return {(module, path)} if path in self.paths.get(module, ()) else set()

    def _class(self, module: str, inside: tuple[str, ...]) -> str | None:
        return next((path for path in reversed(inside) if path in self.classes[module]), None)

    def _member(self, module: str, owner: str, name: str, depth: int = 0) -> set[tuple[str, str]]:
        return self._defined_as(module, f"{owner}.{name}") or self._inherited(module, owner, name, depth)

    def _inherited(self, module: str, owner: str, name: str, depth: int = 0) -> set[tuple[str, str]]:
        for scope in self.scopes[module] if depth < 8 else ():
            for base in scope.node.bases if scope.path == owner and isinstance(scope.node, ast.ClassDef) else ():
                base = base.value if isinstance(base, ast.Subscript) else base
                around = tuple(owner.split(".")[:-1])
                site = Site(module, 0, tuple(".".join(around[: i + 1]) for i in range(len(around))), base)
                for at, path in self._meaning(site) or ():
                    if (at, path) != (module, owner) and (found := self._member(at, path, name, depth + 1)):
                        return found
        return set()

    # -- questions and what is right -----------------------------------------------------------------------------------

    def asked(self) -> set[str]:
        """The paths of all functions, classes and methods outside of functions, without their module."""
        return {
            scope.path
            for scopes in self.scopes.values()
            for scope in scopes
            if not any(
                o.path != scope.path and scope.path.startswith(f"{o.path}.") and not isinstance(o.node, ast.ClassDef)
                for o in scopes
            )
        }

    def _named(self, path: str) -> set[tuple[str, str]]:
        """All definitions whose path ends with this one."""
        return {
            (module, found)
            for module, paths in self.paths.items()
            for found in paths
            if f".{found}".endswith(f".{path}")
        }

    def defined(self, path: str) -> set[Line]:
        """The lines of all definitions that end with a path."""
        return {line for found in self._named(path) for line in self._lines(*found)}

    def _lines(self, module: str, path: str) -> set[Line]:
        lines = {scope.node.lineno for scope in self.scopes[module] if scope.path == path}
        return {(self.files[module], line) for line in lines | {n for p, n in self.values[module] if p == path}}

    def callers(self, path: str) -> set[Line]:
        """The lines of the calls that are sure to mean one of the definitions; an instance calls `__init__`."""
        wanted = self._named(path)
        wanted |= {(m, p.rpartition(".")[0]) for m, p in wanted if p.rpartition(".")[2] in ("__init__", "__new__")}
        return {(self.files[s.module], s.line) for s, meant in self.meant if meant and meant & wanted}

    def possible(self, path: str) -> set[Line]:
        """The lines of the calls by this name whose target the text does not tell, where a method may be meant."""
        last = path.rpartition(".")[2]
        method = any("." in found for _, found in self._named(path))
        return {
            (self.files[site.module], site.line)
            for site, meant in self.meant
            if meant is None and _last(site.function) == last and (method or isinstance(site.function, ast.Name))
        }

    def callees(self, path: str) -> set[Line]:
        """The lines of the definitions that are called inside, for one target of each call the first."""
        found: set[Line] = set()
        for module, named in self._named(path):
            for site, meant in self.meant:
                if site.module == module and named in site.inside and meant and not site.mark:
                    found |= {min(line for target in meant for line in self._lines(*target))}
        return found


def _last(function: ast.expr) -> str:
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def root_of(package: str) -> Path:
    """The folder of an installed package, or the one that is named."""
    if Path(package).is_dir():
        return Path(package).resolve()
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise click.UsageError(f"The package {package!r} is not installed, and no folder.")
    return Path(next(iter(spec.submodule_search_locations)))
