"""Suites: what a user may write, and the sentence for everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from hybrid.evals import suite as suites
from hybrid.evals.arms.hybrid import HybridArm
from hybrid.evals.arms.make import make_arm, make_arms
from hybrid.evals.arms.plain import FunctionArm, QueryEngineArm, RawArm, Verbatim
from hybrid.evals.arms.shared import Shared
from hybrid.evals.arms.situations import restored, saved
from hybrid.evals.cli.evaluate import evaluate
from hybrid.evals.metrics.retrieval import judge
from hybrid.evals.sample import Sample
from hybrid.evals.selection import narrowed, needs_data, possible
from hybrid.evals.suite import ArmSpec, Cell, Limits, TaskSpec, make_task, read

from hybrid.cli.main import cli, guarded
from hybrid.engines.base import Completion
from hybrid.errors import InputError, SettingsError, WindowError
from hybrid.settings import Settings, load
from hybrid.types import Usage
from tests.session.doubles import ByWords

GOOD = """
n = 3
lengths = [1000, 2000]
seeds = [0, 1]

[[tasks]]
name = "ruler/vt"

[[tasks]]
name = "needle"
lengths = []
n = 7
arms = ["rag"]

[[arms]]
name = "rag"
settings.routing.route = "rag"

[[arms]]
name = "mine"
kind = "function"
target = "json:dumps"
"""


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> str:
        (tmp_path / "mine.toml").write_text(text)
        return str(tmp_path / "mine.toml")

    return write


def test_what_a_suite_says(written):
    suite = read(written(GOOD))
    assert suite.name == "mine"
    assert suite.planned("mine") == [Cell("ruler/vt", length, seed, 3) for length in (1000, 2000) for seed in (0, 1)]
    assert suite.planned("rag")[4:] == [Cell("needle", None, seed, 7) for seed in (0, 1)]


@pytest.mark.parametrize("name", list(suites.carried()))
def test_carried_suites_name_what_exists(name):
    suite = read(name)
    assert suite.about
    for task in suite.tasks:
        assert make_task(task).metric
    for arm in suite.arms:
        load(None, suites.merged(suite.settings, arm.settings), {})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('name = "needle"', 'nome = "needle"'), r"unknown key 'tasks.1.nome'; did you mean 'name'\?"),
        (("n = 3", "samples = 3"), "unknown key 'samples'; known: name, about"),
        (("n = 3", "n = 0"), r"'n' cannot be 0: input should be greater than or equal to 1\."),
        (('arms = ["rag"]', 'arms = ["rog"]'), r"the task 'needle' is for an arm 'rog'; did you mean 'rag'\?"),
        (('name = "mine"', 'name = "rag"'), "the suite names the arm 'rag' twice; give one of them another name"),
        (
            ('name = "needle"', 'name = "ruler/vt"'),
            "the suite names the task 'ruler/vt' twice; give one of them a label",
        ),
        (('target = "json:dumps"', ""), "the arm 'mine' of kind function needs a target like"),
        (("n = 3", "n = "), "is not valid TOML"),
        (("n = 3", f"x = {'[' * 5000}{']' * 5000}"), "is not valid TOML: it is nested too deep"),
        (("n = 3", "n = true"), "'n' cannot be True: input should be a valid integer"),
        (("n = 3", 'n = "3"'), "'n' cannot be '3': input should be a valid integer"),
        (("[0, 1]", "[0, 0]"), "the suite names the seed 0 twice; its samples would be asked once more"),
        (("[1000, 2000]", "[1000, 1000]"), "the suite names the length 1000 twice"),
        (("lengths = []", "lengths = [9, 9]"), "the suite names the length of the task 'needle': 9 twice"),
        (("[1000, 2000]", "[-5]"), "cannot be -5: input should be greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_named(written, change, sentence):
    with pytest.raises(InputError, match=sentence):
        read(written(GOOD.replace(*change)))


def test_a_mark_of_the_encoding_is_no_part_of_a_suite(tmp_path):
    (tmp_path / "mine.toml").write_text(GOOD, encoding="utf-8-sig")
    assert read(str(tmp_path / "mine.toml")) == read_again(tmp_path, GOOD)


def read_again(folder, text):
    (folder / "mine.toml").write_text(text)
    return read(str(folder / "mine.toml"))


@pytest.mark.parametrize("name", ["needle", "babilong/qa1", "nolima/one", "oolong/users", "ruler/vt", "middle/kv"])
def test_tokens_that_are_kept_free_are_not_less_than_none(name):
    with pytest.raises(InputError, match=r"The option 'reserve' of the task .* cannot be -5"):
        make_task(TaskSpec(name=name, options={"reserve": -5}))


@pytest.mark.parametrize("name", ["jsonl", "squad", "financebench"])
def test_a_reply_has_room(name):
    with pytest.raises(InputError, match=r"The option 'max_tokens' of the task .* cannot be 0"):
        make_task(TaskSpec(name=name, options={"path": "x", "max_tokens": 0}))


def test_unknown_names_come_with_near_ones(written):
    with pytest.raises(InputError, match=r"There is no suite 'smok'; did you mean 'smoke'\?"):
        read("smok")
    with pytest.raises(InputError, match="no task 'ruler/vtt'; did you mean 'ruler/vt'"):
        make_task(TaskSpec(name="ruler/vtt"))
    with pytest.raises(InputError, match="Cannot import 'nowhere'"):
        make_task(TaskSpec(name="nowhere:nothing"))
    with pytest.raises(InputError, match="has no 'nothing'"):
        suites.target("json:nothing")
    with pytest.raises(InputError, match="makes no task: what it gives has no source and no metric and no samples"):
        make_task(TaskSpec(name="tests.evals.own_things:NoTask"))
    with pytest.raises(InputError, match=r"The target 'tests.evals.own_things:NUMBER' of the arm 'x' is no function"):
        make_arm(ArmSpec(name="x", kind="function", target="tests.evals.own_things:NUMBER"), load(None, {}, {}))


def test_a_module_that_cannot_be_imported_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "half_written.py").write_text("def (:\n")
    with pytest.raises(InputError, match="Cannot import 'half_written' of 'half_written:Mine': SyntaxError"):
        suites.target("half_written:Mine")


def test_settings_of_the_arm_win_over_the_line_and_that_over_the_suite(written):
    text = GOOD.replace("[[tasks]]", '[settings.engine]\nmax_tokens = 7\nurl = "http://a/v1"\n\n[[tasks]]', 1)
    suite = read(written(text + "settings.engine.concurrency = 3\n"))
    arm = suite.arms[1]
    settings = load(None, suites.merged(suite.settings, {"engine": {"url": "http://b/v1"}}, arm.settings), {})
    assert (settings.engine.max_tokens, settings.engine.url, settings.engine.concurrency) == (7, "http://b/v1", 3)


def test_a_suite_can_be_narrowed(written):
    suite = narrowed(read(written(GOOD)), ("mine",), 2)
    assert [arm.name for arm in suite.arms] == ["mine"]
    assert [task.name for task in suite.tasks] == ["ruler/vt"]
    assert suite.planned("mine")[0].n == 2
    with pytest.raises(InputError, match=r"has no arm 'min'; did you mean 'mine'\?"):
        narrowed(suite, ("min",), None)


# -- arms --------------------------------------------------------------------------------------------------------------

DOCUMENTS = {
    "lease": "The lease of the office in Lima ends on 31 August 2031. It may be renewed twice for two years each. "
    "Rent is due on the first working day of each month and is paid to the landlord's bank.",
}


def sample(**changes: object) -> Sample:
    values = {"id": "1", "question": "When does the lease of the office in Lima end?", "documents": DOCUMENTS}
    return Sample(**{**values, "golds": ("31 August 2031",), "group": "lease", **changes})  # type: ignore[arg-type]


class Wire(ByWords):
    """An engine that remembers what it was sent."""

    name, window, concurrency = "wire", 100, 4

    def __init__(self) -> None:
        self.sent: list[tuple[list[dict[str, str]], int]] = []

    def ask(self, prompt, *, max_tokens, on_text=None):
        if self.measure(prompt) + max_tokens > self.window:
            raise WindowError("too long")
        self.sent.append((prompt.messages(), max_tokens))
        return Completion("so be it", Usage(calls=1, prompt_tokens=self.measure(prompt), seconds=1.0))


def test_a_raw_prompt_is_sent_word_for_word():
    wire = Wire()
    arm = RawArm("raw", Settings(), wire)
    reply = arm.answer(sample(prompt="Read <text> this.\n", prefix="Answer:", max_tokens=9))
    assert wire.sent == [([{"role": "user", "content": "Read <text> this.\nAnswer:"}], 9)]
    assert reply.text == "so be it"
    assert reply.cost is not None
    assert reply.cost.basis == "measured"
    with pytest.raises(InputError, match="no prompt of its own"):
        arm.answer(sample())
    with pytest.raises(WindowError):
        arm.answer(sample(prompt="word " * 200))
    with pytest.raises(SettingsError, match="sends prompts as they are, and the engine 'extractive' reads none"):
        make_arm(ArmSpec(name="raw", kind="raw"), Settings())
    assert Verbatim("q", (), text="t").messages() == [{"role": "user", "content": "t"}]


@pytest.mark.parametrize(
    ("routing", "way"), [({"route": "rag"}, "rag"), ({"route": "long"}, "long"), ({"policy": "self_route"}, None)]
)
def test_hybrid_takes_its_route_and_saves_what_it_decided_on(routing, way):
    arm = HybridArm("some", load(None, {"routing": routing, "embedder": {"precision": "float32"}}, {}))
    reply = arm.answer(sample())
    assert "31 August 2031" in reply.text
    assert "[1]" not in reply.text
    assert way in (None, reply.route)
    assert reply.decision is not None
    (attempt,) = reply.decision["attempts"]
    assert attempt["usage"]["prompt_tokens"] == reply.usage.prompt_tokens > 0
    situation = restored("When?", reply.decision["situation"])
    assert saved(situation) == reply.decision["situation"]
    assert situation.tokens["corpus"] > 0
    with pytest.raises(InputError, match="no documents"):
        arm.answer(sample(documents={}))
    arm.close()


def test_functions_and_query_engines_of_the_user():
    class QueryEngine:
        def __init__(self, documents):
            self.documents = documents

        def query(self, question):
            return f"{question} {sorted(self.documents)}"

    made = []

    def engine(documents):
        made.append(QueryEngine(documents))
        return made[-1]

    arm = QueryEngineArm("theirs", engine)
    assert arm.answer(sample()).text == "When does the lease of the office in Lima end? ['lease']"
    arm.answer(sample())
    assert len(made) == 1  # once for each corpus
    own = FunctionArm("mine", lambda question, documents: "The documents do not say.")
    reply = own.answer(sample())
    assert reply.abstained
    assert own.price(reply.usage) is None


def test_a_password_in_an_address_is_not_recorded(monkeypatch):
    monkeypatch.setattr("hybrid.evals.arms.plain.make_engine", lambda *_: Wire())
    settings = load(None, {"engine": {"kind": "server", "url": "http://me:secret@host:8000/v1"}}, {})
    (arm,) = make_arms(
        read("smoke").model_copy(update={"arms": (ArmSpec(name="raw", kind="raw"),), "settings": {}}),
        None,
        {"engine": {"kind": "server", "url": "http://me:secret@host:8000/v1"}},
    )
    assert "secret" in settings.model_dump_json()
    assert "secret" not in str(arm.about())
    assert arm.about()["settings"]["engine"]["url"] == "http://host:8000/v1"


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_says_one_sentence(capsys, tmp_path):
    assert guarded(evaluate, ["run", "smok", "--output", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert err == "Error: There is no suite 'smok'; did you mean 'smoke'? A TOML file can be named too.\n"
    assert not (tmp_path / "out").exists()
    assert guarded(evaluate, ["report", str(tmp_path)]) == 2
    assert "There is no run at" in capsys.readouterr().err


def test_list(capsys):
    assert guarded(evaluate, ["list"]) == 0
    out = capsys.readouterr().out
    assert "smoke" in out
    assert "ruler/vt" in out
    assert "llama_index" in out


def test_suites_complete(monkeypatch):
    completion = ShellComplete(cli, {}, "hybrid", "_HYBRID_COMPLETE")
    assert [item.value for item in completion.get_completions(["eval", "run"], "s")] == ["smoke", "standard"]


def test_limits_have_defaults():
    assert (Limits().failed_share, Limits().failed) == (0.2, 10)


def test_tasks_on_data_and_raw_arms_are_left_out_where_they_cannot_be_asked():
    suite = read("standard")
    kept, notes = possible(suite, "extractive", None)
    assert "raw" not in [arm.name for arm in kept.arms]
    assert not any(needs_data(task) for task in kept.tasks)
    assert "middle/kv" not in [task.name for task in kept.tasks]  # which only raw answers
    assert len(notes) == 2
    assert "--data" in notes[1]
    kept, notes = possible(suite, None, Path("anywhere"))
    assert [task.title for task in suite.tasks if task not in kept.tasks] == ["financebench"]  # which is optional
    assert notes == ["Left out, because anywhere does not have their files: financebench."]
    only = suite.model_copy(update={"tasks": tuple(task for task in suite.tasks if task.name == "chunking")})
    with pytest.raises(InputError, match=r"All tasks of the suite 'standard' read data sets: name their folder"):
        possible(only, None, None)


def test_what_was_found_counts_characters_of_the_text_also_after_a_table():
    rows = "".join(f"| N{number} | {number} | in the north hall |\n" for number in range(40))
    text = (
        f"| Bin | Stock | Where it stands |\n|---|---|---|\n{rows}\nThe lamp of the harbour is green and turns at dusk."
    )
    where = (("stock.md", text.index("The lamp"), len(text)),)
    asked = sample(question="What colour is the lamp of the harbour?", documents={"stock.md": text}, ranges=where)
    arm = HybridArm("rag", load(None, {"routing": {"route": "rag"}, "embedder": {"precision": "float32"}}, {}))
    reply = arm.answer(asked)
    assert all(end <= len(text) for _, _, end in reply.found)
    assert judge(reply.found, where)["recall"] == 1
    arm.close()


def test_arms_index_a_text_once():
    shared = Shared()
    settings = load(None, {"embedder": {"precision": "float32"}}, {})
    one, other = shared.store(dict(DOCUMENTS), settings), shared.store(dict(DOCUMENTS), settings)
    assert one is other
    finer = load(None, {"embedder": {"precision": "float32"}, "passages": {"tokens": 32}}, {})
    assert shared.store(DOCUMENTS, finer) is not one
    assert shared.embedder(settings) is shared.embedder(finer)
    sample = Sample("1", "When does the lease end?", DOCUMENTS, ("31 August 2031",), "1", ranges=(("lease", 0, 60),))
    reply = HybridArm("rag", settings, shared).answer(sample)
    assert reply.found[0][0] == "lease"
    assert len(reply.found) <= settings.retrieval.k
    assert judge(reply.found, sample.ranges)["recall"] == 1.0
