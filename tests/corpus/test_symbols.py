"""Definitions, references and imports of source code."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.code.symbols import symbols


class TestSymbols:
    def test_python(self) -> None:
        source = (
            "from .x import (y as z,\n  w)\nimport a.b as c, d\nfrom q import *\nX, Y = 1, 2\n"
            "@c.mark\nclass K(Base, m.Other, metaclass=M):\n    attr: int = 3\n\n    # Doc.\n    @property\n"
            "    def m(self, v=f(1)):\n        n = 1\n        self.n(1).o()\n        g(h)(2)\n"
            "        def inner():\n            return super().m()\n"
        )
        found = symbols(source, "python")
        assert [(d.path, d.kind, d.line, d.end_line) for d in found.definitions] == [
            ("X", "variable", 5, 5),
            ("Y", "variable", 5, 5),
            ("K", "class", 7, 17),
            ("K.attr", "variable", 8, 8),
            ("K.m", "method", 12, 17),
            ("K.m.inner", "function", 16, 17),
        ]
        assert source[found.definitions[4].start :].startswith("# Doc.")
        assert found.definitions[4].signature == "def m(self, v=f(1)):"
        assert [(r.kind, r.receiver, r.name, r.line, r.inside) for r in found.references] == [
            ("mark", "c", "mark", 6, -1),
            ("base", "", "Base", 7, 2),
            ("base", "m", "Other", 7, 2),
            ("mark", "", "property", 11, 2),
            ("call", "", "f", 12, 4),
            ("call", "self.n(1)", "o", 14, 4),
            ("call", "self", "n", 14, 4),
            ("call", "", "g", 15, 4),
            ("call", "super()", "m", 17, 5),
            ("call", "", "super", 17, 5),
        ]
        assert [tuple(i) for i in found.imports] == [
            (".x", "y", "z", 1),
            (".x", "w", "", 2),
            ("a.b", "", "c", 3),
            ("d", "", "", 3),
            ("q", "*", "", 4),
        ]

    @pytest.mark.parametrize(
        ("language", "source", "definitions", "calls", "imports"),
        [
            (
                "typescript",
                'import d, {b as c} from "./x";\n'
                "class A<T> extends B<T> implements I { m(): void { a.b.c(2); new F() } }\n",
                ["A", "A.m"],
                ["a.b.c", "F"],
                [("./x", "default", "d"), ("./x", "b", "c")],
            ),
            (
                "go",
                'package p\nimport (\n f "fmt"\n "a/b"\n)\nconst X = 1\n'
                "func (t *T) M() { f.Println(y()) }\ntype T struct{}\n",
                ["X", "T.M", "T"],
                ["f.Println", "y"],
                [("fmt", "", "f"), ("a/b", "", "")],
            ),
            (
                "rust",
                "use a::b::{c, d as e};\nstruct S;\nimpl Tr for S { fn m() { x.y(); a::b(); S::<T>::new(); p!(1) } }\n",
                ["S", "S", "S.m"],
                ["x.y", "a.b", "S.new", "p"],
                [("a.b", "c", ""), ("a.b", "d", "e")],
            ),
            (
                "java",
                "import a.b.C;\n@X\nclass A extends B<C> { int f = 1; void m() { x.y(); new D<E>(); super.q(); } }\n",
                ["A", "A.f", "A.m"],
                ["x.y", "D", "super.q"],
                [("a.b", "C", "")],
            ),
            (
                "cpp",
                '#include "a/b.h"\nclass A : public B { void m(); };\n'
                "void A::m() { a->b(); N::e(); f<int>(); new G(); }\n",
                ["A", "A.m"],
                ["a.b", "N.e", "f", "G"],
                [("a/b.h", "", "")],
            ),
            (
                "csharp",
                "using A.B;\nclass C : D { void M() { x.Y(); new Z(); } }\n",
                ["C", "C.M"],
                ["x.Y", "Z"],
                [("A", "B", "")],
            ),
            (
                "ruby",
                "require_relative 'a/b'\nclass A < B\n def m\n  c.d(1)\n  f(2)\n end\nend\n",
                ["A", "A.m"],
                ["require_relative", "c.d", "f"],
                [("./a/b", "", "")],
            ),
            (
                "php",
                "<?php\nuse A\\B as C;\nclass D extends E { function m() { $this->n(); G::h(); i(); new J(); } }\n",
                ["D", "D.m"],
                ["$this.n", "G.h", "i", "J"],
                [("A", "B", "C")],
            ),
            (
                "kotlin",
                "import a.b.C\nclass A : B() { fun m() { x.y(); z() } }\n",
                ["A", "A.m"],
                ["B", "x.y", "z"],
                [("a.b", "C", "")],
            ),
            ("bash", "source a.sh\nf() { g a; }\n", ["f"], ["source", "g"], [("./a.sh", "", "")]),
            (
                "sql",
                "CREATE FUNCTION f(x int) RETURNS int AS $$ select g(1) $$ LANGUAGE sql;\n",
                ["f"],
                ["g"],
                [],
            ),
        ],
    )
    def test_languages(
        self, language: str, source: str, definitions: list[str], calls: list[str], imports: list[tuple[str, str, str]]
    ) -> None:
        found = symbols(source, language)
        assert [d.path for d in found.definitions] == definitions
        assert [
            f"{r.receiver}.{r.name}" if r.receiver else r.name for r in found.references if r.kind == "call"
        ] == calls
        assert [tuple(i)[:3] for i in found.imports] == imports

    def test_what_has_no_grammar(self) -> None:
        assert symbols("def f(): ...", "no such language") == ((), (), ())
        assert symbols("x = " + "(" * 20_000, "python").references == ()
