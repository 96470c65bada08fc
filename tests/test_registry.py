"""A registry gives what is carried, what other packages bring, and one sentence for what is neither."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from hybrid.errors import InputError
from hybrid.registry import Registry
from tests.installed import describe


def double(number: int) -> int:
    return 2 * number


@pytest.fixture
def registry() -> Registry[Callable[[int], int]]:
    return Registry("doubling", {"twice": double, "late": "tests.test_registry:double"})


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package beside ours, as an installer lays it out."""
    describe(tmp_path, entry_points="[hybrid.doubling]\nmore = other_doubling:more\ntwice = nowhere:at\n")
    (tmp_path / "other_doubling.py").write_text("def more(number):\n    return 3 * number\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))


def test_carried_ones_are_given_and_imported_late(registry: Registry[Callable[[int], int]]) -> None:
    assert registry["twice"](4) == registry["late"](4) == 8
    assert list(registry) == ["twice", "late"]


@pytest.mark.usefixtures("installed")
def test_other_packages_add_and_never_replace(registry: Registry[Callable[[int], int]]) -> None:
    assert list(registry) == ["twice", "late", "more"]
    assert registry["more"](4) == 12
    assert registry["twice"](4) == 8
    assert registry.named("more") == "more"


READ = """
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from hybrid.corpus.corpus import Corpus
from hybrid.corpus.readers.read import read

print(read("a.pdf.DOC", b"old").text, read("a.csv", b"x,y\\n1,2").text)
with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
    print(pool.submit(read, "a.vcf", b"card").result().text, pool.submit(read, "a.html", b"<p>page").result().text)
corpus = Corpus.of(sys.argv[1])
print([source.name for source in corpus.sources], [problem.reason for problem in corpus.problems])
"""


def test_a_package_brings_a_reader_under_its_suffix(tmp_path: Path) -> None:
    brought = [f"{suffix} = other_readers:shout" for suffix in (".vcf", ".doc", ".csv", ".py")]
    describe(tmp_path, entry_points="\n".join(["[hybrid.reader]", *brought]) + "\n")
    (tmp_path / "other_readers.py").write_text(
        "from hybrid.corpus.readers.extract import Extract\n\ndef shout(data):\n"
        "    return Extract(data.decode().upper())\n",
        "utf-8",
    )
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.vcf", "b.doc", "c.xls"):
        (folder / name).write_text("text", "utf-8")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ran = subprocess.run([sys.executable, "-c", READ, str(folder)], env=environ, capture_output=True, text=True)
    told = ["OLD x: 1 | y: 2", "CARD page", "['a.vcf', 'b.doc'] ['unsupported format .xls: save it as .xlsx']"]
    assert ran.stdout.splitlines() == told, ran.stderr


def test_an_unknown_name_is_one_sentence_with_those_that_are_near(registry: Registry[Callable[[int], int]]) -> None:
    with pytest.raises(InputError, match=r"There is no doubling 'twise'; did you mean 'twice'\?"):
        registry["twise"]
    with pytest.raises(InputError, match=r"There is no doubling 'zzz'; there are twice, late\."):
        registry["zzz"]
    with pytest.raises(PydanticCustomError, match="Input should be 'twice' or 'late'"):
        registry.named("zzz")
    assert "zzz" not in registry
    assert "late" in registry
