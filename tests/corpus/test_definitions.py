"""The definitions of source code are its headings."""

from __future__ import annotations

import pytest

from hybrid.corpus.readers.read import read
from tests.corpus.documents import outline


class TestCode:
    @pytest.mark.parametrize(
        ("name", "source", "expected"),
        [
            (
                "a.py",
                "# é\n@dec\nclass A:\n x = 1\n def m(self):\n  y = 2\n  def inner(): ...\ndef f(): ...\n",
                [(1, "A"), (2, "m"), (3, "inner"), (1, "f")],
            ),
            ("a.js", "class A { m() { let x = 1 } }\nconst f = () => 1\nconst v = 2", [(1, "A"), (2, "m"), (1, "f")]),
            ("a.rs", "struct S { f: u8 }\nimpl S { fn m() { let x = S { f: 1 }; } }", [(1, "S"), (1, "S"), (2, "m")]),
            ("a.go", "package p\ntype T struct{}\nfunc (t T) M() { x := 1 }\n", [(1, "T"), (1, "M")]),
            ("a.java", "class A { int f; A() {} void m() { foo.bar(); } }", [(1, "A"), (2, "A"), (2, "m")]),
            ("a.c", "struct S { int a; };\nint *f(struct S *s) { int x; return 0; }\n", [(1, "S"), (1, "f")]),
            (
                "a.cpp",
                "namespace N { class C { void m() {} }; }\nvoid N::q() {}",
                [(1, "N"), (2, "C"), (3, "m"), (1, "N::q")],
            ),
            ("a.rb", "module M\n class A\n  def m\n  end\n end\nend", [(1, "M"), (2, "A"), (3, "m")]),
            (
                "a.ex",
                "defmodule A.B do\n def f(x), do: x\n defp g(y) when y > 1 do\n  other(y)\n end\nend\n",
                [(1, "A.B"), (2, "f"), (2, "g")],
            ),
            (
                "a.sql",
                "CREATE TABLE IF NOT EXISTS s.t (x int);\nSELECT x FROM s.t;\nCREATE VIEW v AS SELECT 1;\n"
                "CREATE FUNCTION f(x int) RETURNS int AS $$ select 1 $$ LANGUAGE sql;\n",
                [(1, "s.t"), (1, "v"), (1, "f")],
            ),
            (
                "a.proto",
                "message M { string x = 1; enum E { Z = 0; } }\nservice S { rpc R (M) returns (M); }",
                [(1, "M"), (2, "E"), (1, "S"), (2, "R")],
            ),
            ("a.yaml", "a:\n  b: 1\n", []),
        ],
    )
    def test_definitions(self, name: str, source: str, expected: list[tuple[int, str]]) -> None:
        document = read(name, source.encode())
        assert document.kind == "code"
        assert document.text == source
        assert outline(document) == expected

    @pytest.mark.parametrize(
        ("name", "source", "begin"),
        [
            ("a.py", "é = 1\n\n# ééé\n# two\n@dec\ndef f(): ...\n", "# ééé"),
            ("a.py", "# apart\n\n@dec\ndef f(): ...\n", "@dec"),
            ("a.py", "x = 1  # of x\ndef f(): ...\n", "def"),
            ("a.py", "#!/usr/bin/env python\ndef f(): ...\n", "def"),
            ("a.rs", "use a;\n\n/// Doc.\n/// More.\n#[inline]\nfn f() {}\n", "/// Doc."),
            ("a.go", "package p\n\n// F does.\nfunc F() {}\n", "// F does."),
            ("A.java", "import a.B;\n\n/** Doc.\n * More. */\n@X\nclass A {}\n", "/** Doc."),
            ("a.ts", "let x = 1;\n\n/** Doc. */\nexport function f(): void {}\n", "/** Doc."),
        ],
    )
    def test_a_definition_begins_with_its_comments_and_decorators(self, name: str, source: str, begin: str) -> None:
        (heading,) = read(name, source.encode()).headings
        assert source[heading.start :].startswith(begin)

    def test_broken_code_and_deep_nesting(self) -> None:
        assert read("a.py", b"def f(:\n  class (((").kind == "code"
        assert read("a.py", b"x = " + b"(" * 20_000).headings == ()

    def test_very_long_code_has_no_headings(self) -> None:
        assert read("a.py", b"def f(): ...\n" * 100_000).headings == ()
