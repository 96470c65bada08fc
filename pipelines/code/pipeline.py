"""A codebase: questions answered from passages cut at definitions, or exactly from the index of its symbols.

    from hybrid.pipelines.code.pipeline import Codebase

    with Codebase("src/") as code:  # or a Git URL, or an installed package by name
        print(code.ask("How are default values resolved?"))
        print(code.ask("Who calls parse_args?"))  # from the symbol index: no model is asked
        print(code.defined("Parser.parse"), code.callers("Parser.parse"), code.map().lines)

The choices made over the defaults: twelve instead of eight passages are read, because code answers in several places,
in the order of the files. If they do not answer, the definitions around them are read whole, and then the file of the
best one with those it imports: at equal length single passages hold more of what is asked for (`python -m
hybrid.evals.bench.code retrieval`), so reading wider is for what they do not answer. The long route reads that file
with its imports, or the largest package around it that fits the effective window, after a map of the repository. Files
are read in the order of their names, so that the prefix cache holds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import PurePosixPath
from types import TracebackType
from typing import Literal, get_args

from hybrid.pipelines.code.map import NAME, RepositoryMap, as_text, repository_map
from hybrid.pipelines.code.names import Names
from hybrid.pipelines.code.questions import Call, Place, Symbolic
from hybrid.pipelines.code.repository import LeftOut, Repository, open_repository
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
_K = 12  # passages read unless somebody says how many


def settings(base: Settings | None = None) -> Settings:
    """The settings of this pipeline over `base`: how many passages are read and in which order, unless that was set."""
    base = base or load()
    retrieval, routing = base.retrieval, base.routing
    if "k" not in retrieval.model_fields_set:
        retrieval = retrieval.model_copy(update={"k": _K})
    if "ordering" not in routing.model_fields_set:
        routing = routing.model_copy(update={"ordering": "document"})
    return base.model_copy(update={"retrieval": retrieval, "routing": routing})


class Codebase:
    """A codebase with its indexes, brought up to date by content when it is first asked, and by `update`.

    Args:
        what: a folder or file, a Git URL, or the name of an installed package.
        base: settings; None loads `hybrid.toml` and the environment.
        hybrid: an opened `Hybrid` to use instead of one of its own.
        subtree: read this folder of it only.
        with_tests: read tests and documentation too.
        with_generated: read vendored and generated files and large data too.
        progress: receives stage, done and total.

    Raises:
        InputError: there is no such path, package or repository.
        CorpusError: nothing is in it. If nothing in it can be read, the first question raises this.
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
        if isinstance(folder, str):
            raise InputError(f"The names in source code are kept in a folder, and index.dir is the address {folder}.")
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
        """The calls of what a name means: the sure ones, then those through objects of an unknown class."""
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
            question: the symbol index answers one about a name ("Where is X defined?", "Who calls X?", "What does X
                call?"); anything else goes through `Hybrid`.
            read: how much is read. `auto`: passages or the long route, as the policy decides; if passages do not
                answer, the definitions around them, and then the file of the best one with those it imports.

        Raises:
            InputError: an empty question, or a reading that does not exist.
        """
        return self.ask_many([question], read)[0]

    def ask_many(self, questions: Sequence[str], read: Reading = "auto") -> list[Answer]:
        """Answers in the order of the questions; questions that read the same are asked one after the other."""
        if read not in READINGS:
            raise InputError(f"There is no reading {read!r}; choose one of: {', '.join(READINGS)}.")
        if not all(question.strip() for question in questions):
            raise InputError("The question is empty. Ask something, for example: Where are defaults resolved?")
        answers: dict[int, Answer] = {}
        ways: dict[tuple[Reading, tuple[str, ...]], list[int]] = {}
        reasons: dict[int, str] = {}
        for number, question in enumerate(questions):
            exact = self.symbols.answer(question, self.repository.root, self._offset)
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
        """Bring both indexes up to date with the files; the changes of passages are None if there were none."""
        self.repository = self._open()
        self.__dict__.pop("symbols", None)
        self.symbol_changes = None
        self._store, changes = self.hybrid.index(self._mapped(), self._progress)
        assert self.symbol_changes is not None
        return changes, self.symbol_changes

    def left_out(self) -> list[LeftOut]:
        """The files that are not read and why: left out by choice, then unreadable."""
        problems = set(self.repository.corpus.problems)
        problems.update(self._store.problems() if self._store is not None else ())
        problems.update(self.symbol_changes.unread if self.symbol_changes is not None else ())
        return [*self.repository.left_out, *sorted(LeftOut(problem.name, problem.reason) for problem in problems)]

    # -- what is read ------------------------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The index of passages, made or brought up to date when it is first needed."""
        if self._store is None:
            self._store = self.hybrid.open(self._mapped(), self._progress)
        return self._store

    def _way(self, question: str, read: Reading) -> tuple[Reading, tuple[str, ...], str]:
        """How much is read for a question, the names of the files if they are chosen here, and why."""
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
        many = "s" if files != 1 else ""
        return read, names, f"{reason} Read are {_SAID[read]}: {files} file{many} that fit together."

    def _read(self, questions: Sequence[str], reading: Reading, names: tuple[str, ...]) -> list[Answer]:
        rung = _RUNGS.get(reading, "corpus")
        return self.hybrid.answer_many(
            questions, self.store, rung=rung, documents=names or self._names, progress=self._progress
        )

    def _widened(self, first: Answer, reading: Reading, reason: str) -> tuple[Answer, str]:
        """The answer from a wider reading after one that did not answer, both charged; the first if no file fits."""
        names: tuple[str, ...] = ()
        if reading not in _RUNGS:
            names = self._around(first.question, reading)
            if not names:
                return first, reason
        (second,) = self._read([first.question], reading, names)
        stages = {**first.timings, **second.timings}
        both = {
            "attempts": first.attempts + second.attempts,
            "usage": first.usage + second.usage,
            "cost": total([first.cost, second.cost]),
            "notes": tuple(dict.fromkeys(first.notes + second.notes)),
            "timings": {stage: first.timings.get(stage, 0.0) + second.timings.get(stage, 0.0) for stage in stages},
        }
        return second.model_copy(update=both), f"{reason} They did not answer, so {_SAID[reading]} were read too."

    def _around(self, question: str, reading: Reading) -> tuple[str, ...]:
        """The files around the best passage that fit the effective window together, with the map if that fits too."""
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
        names = self.symbols.names
        file = next((file for file in self.index.files.values() if file.name == name), None)
        if file is None:
            return [name]
        found = [target.name for one in self.index.imports_of(file.id) for target in names.targets(file, one)]
        return list(dict.fromkeys([name, *found]))

    def _larger(self, name: str) -> list[list[str]]:
        folders = PurePosixPath(name).parents  # the last one, ".", holds every relative path
        return [[other for other in self._names if PurePosixPath(other).is_relative_to(folder)] for folder in folders]

    @property
    def _names(self) -> list[str]:
        """All documents but the map, which is read before files and never instead of them."""
        return [entry.name for entry in self.store.entries() if entry.name != NAME]

    # -- files -------------------------------------------------------------------------------------------------------

    def _open(self) -> Repository:
        return open_repository(self._what, self.hybrid.settings.corpus, **self._options)  # type: ignore[arg-type]

    def _package(self) -> str:
        """The name of the package that the folder itself is, "" if it is none."""
        root = self.repository.root
        return root.name if (root / "__init__.py").is_file() else ""  # an empty one is no source

    def _mapped(self) -> Corpus:
        """The corpus with the map of the repository as one more document, written only when it changed."""
        text = as_text(self.map())
        file = self.folder / "map.md"
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            write(file, text)
        found = file.stat()
        corpus = self.repository.corpus
        added = Source(NAME, file, found.st_size, found.st_mtime_ns)
        return Corpus(corpus.key, corpus.base, (added, *corpus.sources), corpus.problems, corpus.label)

    def _with_names(self, answer: Answer) -> Answer:
        """The answer with the full name of the definition around each citation."""
        if answer.decision.policy == "symbols":
            return answer
        files = {file.name: file for file in self.index.files.values()}
        named = []
        for citation in answer.citations:
            file = files.get(citation.document)
            around = None if file is None else self.symbols.around(file, citation.line)
            named.append(citation if around is None else citation.model_copy(update={"heading": around.full}))
        return answer.model_copy(update={"citations": tuple(named)})

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
