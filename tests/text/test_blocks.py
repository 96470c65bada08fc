"""Source code is read and quoted in whole definitions, docstrings, statements and settings."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hybrid import Hybrid
from hybrid.text.blocks import around, as_shown, blocks, headline, source_language, spelled, spelled_at
from tests.text.sources import AT_THE_MARGIN, LANGUAGES

PYTHON = '''\
"""A client.

Answers are kept for ten minutes.
"""
import json

LIMIT = 8.5  # seconds
# How often it is tried.
TRIES = 4


class Cache:
    """Keeps answers."""

    def __init__(self, ttl: float = 600.0) -> None:
        self.ttl = ttl

    @property
    def size(self) -> int:
        """How many answers there are."""
        return len(self._items)

    def put(
        self,
        key: str,
    ) -> None:
        self._items[key] = """
one text
on lines of its own
"""


async def fetch(path: str) -> dict:
    # The wait doubles.
    for _ in range(TRIES):
        try:
            return await load(path)
        except OSError:
            pass
        else:
            break

    raise ValueError
'''


def cut(text: str, language: str) -> list[str]:
    """The blocks as people read them."""
    found = blocks(text, language)
    for one, other in pairwise(found):
        assert one.end <= other.start
    outside = text
    for block in reversed(found):
        outside = outside[: block.start] + outside[block.end :]
    assert not re.search(r"\w", re.sub(r"\bend\b", "", outside))
    return [as_shown(f"x.{language}", text[block.start : block.end]) for block in found]


def test_python_in_definitions_and_statements() -> None:
    text = PYTHON
    found = blocks(text, "python")
    heads = [headline(text[block.start : block.end]) for block in found]
    assert heads == [
        "Answers are kept for ten minutes.",
        "import json",
        "LIMIT = 8.5  # seconds",
        "TRIES = 4",
        "class Cache",
        "def __init__(self, ttl: float = 600.0) -> None",
        "def size(self) -> int",
        "def put",
        "async def fetch(path: str) -> dict",
    ]
    whole = {head: text[block.start : block.end] for head, block in zip(heads, found, strict=True)}
    assert whole["class Cache"] == 'class Cache:\n    """Keeps answers."""'
    assert whole["TRIES = 4"].startswith("# How often it is tried.\n")
    assert whole["def size(self) -> int"].lstrip().startswith("@property\n")
    assert whole["def put"].endswith('on lines of its own\n"""')
    assert whole["async def fetch(path: str) -> dict"].endswith("raise ValueError")
    number = heads.index("class Cache")
    assert [block.above for block in found[number : number + 4]] == [-1, number, number, number]


@pytest.mark.parametrize(("language", "marked"), [*LANGUAGES.items(), *AT_THE_MARGIN.items()])
def test_other_languages(language: str, marked: str) -> None:
    parts = [part.strip("\n") for part in marked.split("%%\n")]
    text = marked.replace("%%\n", "")
    closing = {"}", "};", "end"}
    found = [text[block.start : block.end] for block in blocks(text, language)]
    assert found == [part for part in parts if part not in closing]


def test_settings_stand_under_their_keys() -> None:
    text = "server:\n  port: 9000\n  tls:\n    cert: a.pem\nname: shop\n"
    found = blocks(text, "yaml")
    assert [(text[b.start : b.end].strip(), b.above) for b in found] == [
        ("server:", -1),
        ("port: 9000", 0),
        ("tls:", 0),
        ("cert: a.pem", 2),
        ("name: shop", -1),
    ]
    text = "---\njobs:\n- name: a\n  run: |\n    one\n\n    two\n- b\n"
    found = blocks(text, "yaml")
    assert [(text[b.start : b.end], b.above) for b in found] == [
        ("jobs:", -1),
        ("- name: a", 0),
        ("  run: |\n    one\n\n    two", 1),
        ("- b", 0),
    ]
    text = "[a]\nx = 1\n[[b]]\nx = 2\n"
    assert [block.above for block in blocks(text, "toml")] == [-1, 0, -1]  # an entry of a list is one
    text = "[mail]\nport = 587\n\n[web]\nport = 443\n"
    found = blocks(text, "ini")
    assert [(text[b.start : b.end].strip(), b.above) for b in found] == [
        ("[mail]", -1),
        ("port = 587", 0),
        ("[web]", -1),
        ("port = 443", 2),
    ]


def test_a_long_definition_is_its_head_and_parts_of_whole_statements() -> None:
    body = "".join(f"    if step == {i}:\n        value += {i}\n" for i in range(60))
    text = f'def many(step: int) -> int:\n    """Counts."""\n{body}    return value\n'
    found = blocks(text, "python")
    assert text[found[0].start : found[0].end] == 'def many(step: int) -> int:\n    """Counts."""'
    assert len(found) > 3
    for block in found[1:]:
        part = text[block.start : block.end]
        assert part.lstrip().startswith(("if step", "return"))
        assert part.endswith("return value") or part.splitlines()[-1].lstrip().startswith("value")
        assert block.above == 0


@pytest.mark.parametrize("language", ["python", "go", "yaml", "sql", "bash", "csharp", "haskell", "asm"])
def test_any_text_is_cut(language: str) -> None:
    for text in ("", "\n\n", "}", "  }\n}", '"""', "/*", "#", "a\n" * 200, "x" * 9000, "\t\n  \n if:\n"):
        cut(text, language)


def test_a_piece_from_the_middle_is_completed_from_the_document() -> None:
    start = PYTHON.index("return len")
    begin, end = around(PYTHON, "python", start, start + 6)
    assert PYTHON[begin:end].strip().startswith("@property")
    assert PYTHON[begin:end].endswith("len(self._items)")


def test_a_passage_from_the_middle_keeps_its_indentation(tmp_path: Path) -> None:
    methods = "".join(f"  def part_{i}(x)\n    keep(x, {i})\n    {'note(x)' * 20}\n  end\n\n" for i in range(20))
    wanted = "  # Gives the discount.\n  def discount(x)\n    x * 2\n  end\n\n"
    text = f"class Parts\n{methods}{wanted}  def other\n    1\n  end\nend\n"
    (tmp_path / "parts.rb").write_text(text)
    with Hybrid() as hybrid:
        answer = hybrid.answer("How is the discount given?", tmp_path, rung="passages")
    assert answer.text.startswith("# Gives the discount.\ndef discount(x)\n  x * 2\nend [1]")


def test_words_of_names_stand_apart() -> None:
    assert spelled("maxUpload HTTPServer get_id x2Y") == "max Upload HTTP Server get_id x2 Y"
    text, at = spelled_at("aB\ncD eF", np.array([0, 3, 6]))
    assert (text, [text[i] for i in at]) == ("a B\nc D e F", ["a", "c", "e"])


SHOWS = """\
[site]
name = "Dome"

[[shows]]
title = "Comets"
start = "11:00"

[[shows]]
title = "Pulsars"
start = "20:40"

[alerts]
email = "a@b.c"
"""


def test_an_entry_of_a_list_of_settings_is_one_block() -> None:
    toml = [SHOWS[block.start : block.end] for block in blocks(SHOWS, "toml")]
    assert [text for text in toml if "shows" in text] == [
        '[[shows]]\ntitle = "Comets"\nstart = "11:00"',
        '[[shows]]\ntitle = "Pulsars"\nstart = "20:40"',
    ]
    assert 'name = "Dome"' in toml
    text = "shows:\n  - title: Comets\n    start: 11:00\n  - title: Pulsars\n    start: 20:40\nother: 5\n"
    yaml = [text[block.start : block.end].strip() for block in blocks(text, "yaml")]
    assert yaml == ["shows:", "- title: Comets\n    start: 11:00", "- title: Pulsars\n    start: 20:40", "other: 5"]


def test_a_constant_is_quoted_with_the_block_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "desk.py").write_text(
        "HOOKS_PER_RAIL = 48\nKEEP_DAYS = 21\n\n\ndef unclaimed(items):\n"
        '    """Items older than KEEP_DAYS, to be given to charity."""\n    return items.older(KEEP_DAYS)\n'
    )
    with Hybrid() as hybrid:
        answer = hybrid.answer("After how many days are unclaimed items given to charity?", tmp_path)
    assert "KEEP_DAYS = 21" in answer.text
    assert "HOOKS_PER_RAIL" not in answer.text


def test_prose_is_no_source() -> None:
    assert source_language("a.md") is None
    assert source_language("a.tex") is None
    assert source_language("a.py") == "python"
    assert as_shown("a.md", "one\n  two") == "one two"


ASKED = {
    "What does put do?": "def put(\n    self,\n    key: str,\n) -> None:",
    "What does size return?": '@property\ndef size(self) -> int:\n    """How many',
    "How many tries are there?": "# How often it is tried.\nTRIES = 4",
    "How long are answers kept?": '"""A client.\n\nAnswers are kept for ten minutes.\n"""',
}


@pytest.mark.parametrize("question", ASKED)
def test_an_answer_is_a_whole_definition(question: str, tmp_path: Path) -> None:
    (tmp_path / "client.py").write_text(PYTHON)
    with Hybrid() as hybrid:
        answer = hybrid.answer(question, tmp_path)
    assert ASKED[question] in answer.text
    whole = {as_shown("x.py", PYTHON[block.start : block.end]) for block in blocks(PYTHON, "python")}
    assert {as_shown("x.py", citation.quote) for citation in answer.citations} <= whole


def test_a_long_documentation_is_cut_between_its_parts() -> None:
    told = "".join(
        f"    :param p{i}: the {i}th of all of them, which is\n        told on two lines.\n" for i in range(40)
    )
    text = f'def many():\n    """Does much.\n\n{told}    """\n    return 1\n'
    found = [text[block.start : block.end] for block in blocks(text, "python")]
    assert len(found) > 2
    assert all(part.rstrip().endswith(("much.", "lines.", '"""', "1")) for part in found)


def test_a_long_documentation_is_cut_before_each_parameter_and_quoted_with_what_it_documents() -> None:
    fields = "\n".join(f"    :param p{i}: is number {i}\n        of them." for i in range(20))
    text = f'def f(\n    p,\n) -> None:\n    """Do it all.\n\n    At once.\n\n{fields}\n    """\n' + "    p()\n" * 40
    start = text.index("At once")
    begin, end = around(text, "python", start, start + 3)
    assert text[begin:end].startswith("def f(")
    assert text[begin:end].rstrip().endswith("At once.")
    start = text.index("number 7")
    begin, end = around(text, "python", start, start + 3)
    assert text[begin:end].strip() == ":param p7: is number 7\n        of them."
