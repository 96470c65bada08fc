"""A codebase: questions answered from passages cut at definitions, or exactly from the index of its symbols.

    from hybrid.pipelines.code.pipeline import Codebase

    with Codebase("src/") as code:  # or a Git URL, or an installed package by name
        print(code.ask("How are default values resolved?"))
        print(code.ask("Who calls parse_args?"))  # from the symbol index: no model is asked
        print(code.defined("Parser.parse"), code.callers("Parser.parse"), code.map().lines)

The choices made over the defaults: twelve instead of eight passages are read, because code answers in several places,
in the order of the files. Where they do not answer, the definitions they stand in are read whole, and then the file of
the best with those it imports: at equal length single passages hold more of what is asked for (`python -m
hybrid.evals.bench.code retrieval`), so reading wider is for what they do not answer. Where the long route is taken,
what is read is that file with its imports, or the largest package around it that fits the effective window, after a map
of the repository. The order of files is that of their names, so that the prefix cache holds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Literal, get_args

from hybrid.pipelines.code.map import NAME, RepositoryMap, as_text, repository_map
from hybrid.pipelines.code.names import Names
from hybrid.pipelines.code.questions import Call, Place, Symbolic
from hybrid.pipelines.code.repository import LeftOut, Repository, open_repository, unread
from hybrid.pipelines.code.symbols import SymbolChanges, SymbolIndex

from hybrid.corpus.corpus import Corpus
from hybrid.corpus.problems import nothing_readable
from hybrid.corpus.readers.encoding import decode
from hybrid.corpus.readers.extract import Unreadable
from hybrid.corpus.source import Source
from hybrid.cost.price import total
from hybrid.errors import InputError
from hybrid.files import write
from hybrid.index.protocol import Changes, Progress, Store
from hybrid.reading.window import room, sizes
from hybrid.session.hybrid import Hybrid
from hybrid.settings import Settings, load
from hybrid.types import Answer, Piece, Rung

Reading = Literal["auto", "passages", "definitions", "file", "imports", "package"]
READINGS: tuple[Reading, ...] = get_args(Reading)
_RUNGS: dict[Reading, Rung] = {"passages": "passages", "definitions": "sections", "file": "documents"}
_WIDER: tuple[Reading, ...] = ("definitions", "imports")  # one after the other, while passages do not answer

_SAID: dict[Reading, str] = {
    "passages": "single passages",
    "definitions": "whole definitions",
    "file": "whole files",
    "imports": "the file of the best passage and those it imports",
    "package": "the files around the best passage",
}


_K = 12  # passages read where nobody says how many


def settings(base: Settings | None = None) -> Settings:
    """The settings of this pipeline over `base`: how many passages are read and in which order, unless that was set."""
    base = base or load()
    said = "k" in base.retrieval.model_fields_set
    retrieval = base.retrieval if said else base.retrieval.model_copy(update={"k": _K})
    said = "ordering" in base.routing.model_fields_set
    routing = base.routing if said else base.routing.model_copy(update={"ordering": "document"})
    return base.model_copy(update={"retrieval": retrieval, "routing": routing})


class Codebase:
    """A codebase with its indexes, brought up to date by content when it is first asked, and by `update`.

    Args:
        what: a folder or file, a Git URL, or the name of an installed package.
        base: settings; None loads `hybrid.toml` and the environment.
        hybrid: an opened `Hybrid` to use instead of one of its own.
        subtree: a folder in it, the only one to be read.
        with_tests: read tests and documentation too.
        with_generated: read vendored and generated files and large data too.
        progress: receives stage, done and total.

    Raises:
        InputError: there is no such path, package or repository.
        CorpusError: nothing is in it; where what is in it cannot be read, when it is first asked.
    """

    def __init__(
        self,
        what: str | os.PathLike[str],
        base: Settings | None = None,
        *,
        hybrid: Hybrid | None = None,
        subtree: str | None = None,
        with_tests: bool = False,
        with_generated: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.hybrid = hybrid or Hybrid(settings(base))
        self._own = hybrid is None
        self._progress = progress
        self._options = {"subtree": subtree, "with_tests": with_tests, "with_generated": with_generated}
        self._what = what
        self.repository: Repository = self._open()
        folder = self.hybrid.index_path(self.repository.corpus)
        assert folder is not None  # only texts given directly have none
        self.folder = folder
        self.index = SymbolIndex(folder / "symbols.db")
        self.symbol_changes: SymbolChanges | None = None  # None before they are first read
        self._store: Store | None = None

    def close(self) -> None:
        """Release the indexes."""
        self.index.close()
        if self._own:
            self.hybrid.close()

    def __enter__(self) -> Codebase:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # -- symbols -----------------------------------------------------------------------------------------------------

    def defined(self, name: str) -> list[Place]:
        """Where a name is defined; it may have its class and module before it."""
        return self.symbols.defined(name)

    def callers(self, name: str) -> list[Call]:
        """The calls of what a name means: sure ones, then those through objects whose class the text does not tell."""
        return self.symbols.callers(name)

    def calls(self, name: str) -> list[Call]:
        """What the definitions of a name call, in order."""
        return self.symbols.calls(name)

    def map(self) -> RepositoryMap:
        """The files, each after those it imports, with their main symbols."""
        symbols = self.symbols
        return repository_map(self.index, symbols.names, self.repository.root.name)

    @cached_property
    def symbols(self) -> Symbolic:
        """The index of symbols, up to date."""
        self.symbol_changes = self.index.update(self.repository.corpus, self._package(), self._progress)
        if not self.index.files:
            raise nothing_readable(self.repository.corpus.label, self.symbol_changes.unread)
        self._lines: dict[str, list[str]] = {}
        return Symbolic(Names(self.index), self._line)

    # -- questions ---------------------------------------------------------------------------------------------------

    def ask(self, question: str, read: Reading = "auto") -> Answer:
        """Answer a question.

        Args:
            question: about a name ("Where is X defined?", "Who calls X?", "What does X call?"), which is answered from
                the symbol index; anything else goes through `Hybrid`.
            read: how much is read. `auto`: as the policy decides, passages or the long route; where passages do not
                answer, the definitions they stand in, and then the file of the best with those it imports.

        Raises:
            UserError: a sentence that says what to mend.
        """
        return self.ask_many([question], read)[0]

    def ask_many(self, questions: Sequence[str], read: Reading = "auto") -> list[Answer]:
        """Answers in the order of the questions; those that read the same are asked one after the other."""
        if read not in READINGS:
            raise InputError(f"There is no reading {read!r}; choose one of: {', '.join(READINGS)}.")
        if not all(question.strip() for question in questions):
            raise InputError("The question is empty. Ask something, for example: Where are defaults resolved?")
        answers: dict[int, Answer] = {}
        ways: dict[tuple[Reading, tuple[str, ...]], list[int]] = {}
        reasons: dict[int, str] = {}
        for number, question in enumerate(questions):
            exact = self.symbols.answer(question, self._path, self._offset)
            if exact is not None:
                answers[number] = exact
            else:
                reading, names, reasons[number] = self._way(question, read)
                ways.setdefault((reading, names), []).append(number)
        for (reading, names), numbers in sorted(ways.items()):
            found = self._read([questions[i] for i in numbers], reading, names)
            for number, answer in zip(numbers, found, strict=True):
                for wider in _WIDER if read == "auto" and reading == "passages" else ():
                    if answer.abstained:
                        answer, reasons[number] = self._widened(answer, wider, reasons[number])
                answers[number] = answer.model_copy(update={"reason": reasons[number]})
        return [self._with_names(answers[i]) for i in range(len(questions))]

    def update(self) -> tuple[Changes | None, SymbolChanges]:
        """Bring both indexes up to date with the files; the changes of passages are None where there were none."""
        self.repository = self._open()
        self.__dict__.pop("symbols", None)
        self.symbol_changes = None
        _ = self.symbols
        corpus = self._mapped()
        self._store, changes = self.hybrid.index(corpus, self._progress)
        assert self.symbol_changes is not None
        return changes, self.symbol_changes

    def left_out(self) -> list[LeftOut]:
        """The files that are not read, with the reason: by choice, and because they could not be."""
        problems = [*self._store.problems()] if self._store is not None else []
        problems += self.symbol_changes.unread if self.symbol_changes is not None else ()
        return [*self.repository.left_out, *unread(self.repository, problems)]

    # -- what is read ------------------------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The index of passages, made or brought up to date when it is first needed."""
        if self._store is None:
            self._store = self.hybrid.open(self._mapped(), self._progress)
        return self._store

    def _way(self, question: str, read: Reading) -> tuple[Reading, tuple[str, ...], str]:
        """How much is read for a question, the names of the files where they are chosen here, and why."""
        reason = "You asked for it."
        if read == "auto":
            decision = self.hybrid.decide(question, self.store, documents=self._names)
            reason = decision.reason
            read = "passages" if decision.route == "rag" else "package" if decision.rung == "corpus" else "imports"
        if read in _RUNGS:
            return read, (), f"{reason} Read are {_SAID[read]}."
        names = self._around(question, read)
        if not names:
            return "passages", (), f"{reason} No file around the best passage fits the window: passages are read."
        files = sum(name != NAME for name in names)
        return (
            read,
            names,
            f"{reason} Read are {_SAID[read]}: {files} file{'s' if files != 1 else ''} that fit together.",
        )

    def _read(self, questions: Sequence[str], reading: Reading, names: tuple[str, ...]) -> list[Answer]:
        rung = _RUNGS.get(reading, "corpus")
        return self.hybrid.answer_many(
            questions, self.store, rung=rung, documents=names or self._names, progress=self._progress
        )

    def _widened(self, first: Answer, reading: Reading, reason: str) -> tuple[Answer, str]:
        """The answer from what is around that which did not answer, both charged; the first where no file fits."""
        names = self._around(first.question, reading) if reading not in _RUNGS else ()
        if not names and reading not in _RUNGS:
            return first, reason
        (second,) = self._read([first.question], reading, names)
        timings = {
            stage: first.timings.get(stage, 0.0) + second.timings.get(stage, 0.0)
            for stage in {**first.timings, **second.timings}
        }
        both = {
            "attempts": first.attempts + second.attempts,
            "usage": first.usage + second.usage,
            "cost": total([first.cost, second.cost]),
            "notes": tuple(dict.fromkeys(first.notes + second.notes)),
            "timings": timings,
        }
        return second.model_copy(update=both), f"{reason} They did not answer, so {_SAID[reading]} were read too."

    def _around(self, question: str, reading: Reading) -> tuple[str, ...]:
        """The files around the best passage that fit the effective window together, with the map where it fits too."""
        found = self.hybrid.retrieve(question, self.store, self.hybrid.settings.retrieval.k + 4)
        best = next((c.passage.document for c in found if c.passage.document != NAME), None)
        if best is None:
            return ()
        engine = self.hybrid.long_engine
        left = room(engine, question, (self.hybrid.settings.long_engine or self.hybrid.settings.engine).max_tokens)
        tokens = {entry.name: entry.tokens for entry in self.store.entries()}
        chosen: tuple[str, ...] = ()
        for names in self._larger(best) if reading == "package" else (self._with_imports(best),):
            kept: list[str] = []
            budget = left
            for name in (*names, NAME):  # the best file first, the map where room is left
                # the embedder counts other tokens than the engine: counted exactly unless it is far from the limit
                size = tokens.get(name, 0) * 2
                if size > budget // 2:
                    size = sizes(engine, [Piece(name, self.store.document(name).text, 0)])[0]
                if size <= budget:
                    kept.append(name)
                    budget -= size
                elif reading == "package" and name != NAME:
                    return chosen or self._around(question, "imports")
            if best in kept:
                chosen = tuple(sorted(kept))
        return chosen

    def _with_imports(self, name: str) -> list[str]:
        """A file and those of the codebase it imports, itself first."""
        names = self.symbols.names
        file = next((file for file in self.index.files.values() if file.name == name), None)
        if file is None:
            return [name]
        found = [target.name for one in self.index.imports_of(file.id) for target in names.targets(file, one)]
        return list(dict.fromkeys([name, *found]))

    def _larger(self, name: str) -> list[list[str]]:
        """The files under each folder around a file, smallest folder first."""
        return [
            [
                other
                for other in self._names
                if folder == PurePosixPath(".") or PurePosixPath(other).is_relative_to(folder)
            ]
            for folder in PurePosixPath(name).parents
        ]

    @property
    def _names(self) -> list[str]:
        """All documents but the map, which is read before files and never instead of them."""
        return [entry.name for entry in self.store.entries() if entry.name != NAME]

    # -- files -------------------------------------------------------------------------------------------------------

    def _open(self) -> Repository:
        return open_repository(self._what, self.hybrid.settings.corpus, **self._options)  # type: ignore[arg-type]

    def _package(self) -> str:
        """The name of the package that the folder itself is, "" where it is none."""
        root = self.repository.root
        return root.name if (root / "__init__.py").is_file() else ""  # an empty one is no source

    def _mapped(self) -> Corpus:
        """The corpus with the map of the repository as one more document, written anew only where it changed."""
        text = as_text(self.map())
        file = self.folder / "map.md"
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            write(file, text)
        found = file.stat()
        corpus = self.repository.corpus
        added = Source(NAME, file, found.st_size, found.st_mtime_ns)
        return Corpus(corpus.key, corpus.base, (added, *corpus.sources), corpus.problems, corpus.label)

    def _with_names(self, answer: Answer) -> Answer:
        """The answer with the full name of the definition that each citation stands in."""
        files = {file.name: file for file in self.index.files.values()}
        named = []
        for citation in answer.citations:
            file = files.get(citation.document)
            around = self.symbols.around(file, citation.line) if file is not None else None
            same = answer.decision.policy == "symbols" or around is None
            named.append(citation if same else citation.model_copy(update={"heading": around.full}))  # type: ignore[union-attr]
        return answer.model_copy(update={"citations": tuple(named)})

    def _path(self, name: str) -> str | None:
        return str(self.repository.root / name)

    def _line(self, name: str, line: int) -> str:
        lines = self._lines_of(name)
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def _offset(self, name: str, line: int) -> int:
        return sum(map(len, self._lines_of(name)[: line - 1]))

    def _lines_of(self, name: str) -> list[str]:
        """The lines of a file as it is now, with their ends."""
        if name not in self._lines:
            try:
                text = decode((self.repository.root / name).read_bytes())
            except (OSError, Unreadable):
                text = ""
            self._lines[name] = [f"{line}\n" for line in text.split("\n")]
        return self._lines[name]


def where(path: str, line: int, end_line: int) -> str:
    """`path:line-line`, the path relative to the current folder where it is inside."""
    here = f"{Path.cwd()}{os.sep}"
    return f"{path.removeprefix(here)}:{line}" + (f"-{end_line}" if end_line != line else "")
