"""The command line as a person or a script uses it: real processes, real files."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from hybrid import __version__
from hybrid.cli.main import cli
from hybrid.engines.extractive import Extractive
from hybrid.errors import EngineError

FILING = Path(__file__).parents[2] / "examples" / "filing" / "genprex-10-q-2024-q1.txt"
QUESTION = "What is the weighted average exercise price of Genprex's outstanding warrants?"


def test_ask_prints_answer_citation_route_and_cost(run):
    code, out, err = run("ask", QUESTION, FILING, "--explain", "-q")
    assert (code, err) == (0, "")
    assert "$5.93" in out
    assert f"{FILING}:" in out
    assert "route" in out
    assert "Predicted before asking (estimated: llama-3.1-8b on h100" in out
    assert "(share " in out
    shown = out[out.index("attempt 1:") :]
    assert shown.index("measured 0.000 GPU-seconds") < shown.index("CPU-seconds") < shown.index("estimated ")
    assert "Traceback" not in out


def test_ask_json_is_one_document(run):
    code, out, _ = run("ask", QUESTION, FILING, "--json", "--route", "long")
    found = json.loads(out)
    assert code == 0
    assert found["route"] == "long"
    assert found["citations"]
    assert {p["rung"] for p in found["decision"]["predictions"]} == {"passages", "sections", "documents", "corpus"}


def test_many_questions_from_a_file(run, tmp_path):
    (tmp_path / "q.txt").write_text(f"# a comment\n{QUESTION}\n\nWhat is Reqorsa?\n")
    code, out, _ = run("ask", FILING, "--questions", tmp_path / "q.txt", "--json")
    found = json.loads(out)
    assert code == 0
    assert [a["question"] for a in found] == [QUESTION, "What is Reqorsa?"]


def test_a_question_that_fails_is_named_and_the_others_are_answered(run, tmp_path, monkeypatch):
    asks = Extractive.ask

    def fails(self, prompt, **options):
        if prompt.question == "What is Reqorsa?":
            raise EngineError("It broke off; ask again.")
        return asks(self, prompt, **options)

    monkeypatch.setattr(Extractive, "ask", fails)
    (tmp_path / "q.txt").write_text(f"What is Reqorsa?\n{QUESTION}\n")
    code, out, err = run("ask", FILING, "--questions", tmp_path / "q.txt", "--json")
    found = json.loads(out)
    assert code == 2
    assert found[0] == {"question": "What is Reqorsa?", "error": "It broke off; ask again."}
    assert "$5.93" in found[1]["text"]
    assert "1 of 2 questions were not answered. The first: It broke off; ask again." in " ".join(err.split())
    code, out, _ = run("ask", FILING, "--questions", tmp_path / "q.txt")
    assert code == 2
    assert "not answered: It broke off; ask again." in out
    assert "$5.93" in out


def test_index_build_update_show(run, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Office\n\nThe office is in Lima.")
    (tmp_path / "docs" / "b.pdf").write_bytes(b"no PDF")
    code, out, _ = run("index", "build", "docs", "--json")
    built = json.loads(out)
    assert code == 0
    assert (built["added"], built["passages"], len(built["unreadable"])) == (1, 1, 1)
    (tmp_path / "docs" / "c.txt").write_text("The warehouse is in Cairo.")
    code, out, _ = run("index", "update", "docs", "--json")
    assert (code, json.loads(out)["added"], json.loads(out)["embedded"]) == (0, 1, 1)
    code, out, _ = run("index", "show", "docs", "--json")
    assert [d["name"] for d in json.loads(out)["documents"]] == ["a.md", "c.txt"]
    code, out, _ = run("index", "build", "docs", "--rebuild", "--json")
    assert json.loads(out)["embedded"] == 2
    code, out, _ = run("index", "show", "docs")
    assert "c.txt" in out
    assert "b.pdf" in out


def test_doctor(run):
    code, out, _ = run("doctor", "--json")
    found = json.loads(out)
    assert (code, found["ready"]) == (0, True)
    assert {line["what"] for line in found["used"]} == {"embedder", "vector search", "engine", "policy", "costs"}
    code, out, _ = run("doctor", "--url", "http://127.0.0.1:9/v1")
    assert code == 2
    assert "127.0.0.1:9" in out
    assert "Not ready" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ask", "q?", "no/such/place"), "no file or folder"),
        (("ask", "", "x.txt"), "question is empty"),
        (("ask", "q?", "empty"), "empty"),
        (("ask", "q?", "x.txt", "--route", "rag", "--rung", "corpus"), "not on the route"),
        (("ask", "q?", "x.txt", "--rout", "rag"), "--rout"),
        (("ask", "q?", "x.txt", "-k", "0"), "-k"),
        (("ask", "q?", "x.txt", "--config", "missing.toml"), "missing.toml"),
        (("ask", "q?", "x.txt", "--config", "bad.toml"), "Unknown setting 'engine.modle'; did you mean 'model'?"),
        (("ask", "q?", "x.txt", "--embedder", "/no/model"), "embedder"),
        (("ask", "q?", "x.txt", "--url", "http://127.0.0.1:9/v1"), "127.0.0.1:9"),
        (("ask", "x.txt", "--questions", "missing.txt"), "missing.txt"),
        (("ask", "empty"), "Give a question and then the path"),
        (("index", "show", "x.txt"), "no index"),
        (("index", "update", "x.txt"), "hybrid index build"),
        (("nonsense",), "nonsense"),
        (("aks", "q?"), "Did you mean 'ask'?"),
        (("ask",), "QUESTION"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(run, tmp_path, arguments, says):
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.toml").write_text("[engine]\nmodle = 'x'\n")
    code, out, err = run(*arguments)
    assert code == 2, (out, err)
    assert says in err
    assert "Traceback" not in out + err
    assert out == ""


@pytest.mark.parametrize("swapped", [False, True])
def test_the_question_comes_first_and_the_old_order_is_understood(run, tmp_path, swapped):
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    words = ("In which city is the office?", "x.txt")
    for command in (("ask",), ("code", "ask"), ("legal", "ask")):
        code, out, err = run(*command, *(words[::-1] if swapped else words), "-q")
        assert code == 0, err
        assert "Lima" in out


def test_a_wrong_environment_variable_is_a_sentence(run, tmp_path, monkeypatch):
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    monkeypatch.setenv("HYBRID_ENGIN_URL", "http://x")
    code, _, err = run("ask", "q?", "x.txt")
    assert code == 2
    assert "HYBRID_ENGIN_URL names no setting" in err


def test_settings_of_the_folder_are_used(run, tmp_path):
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    (tmp_path / "hybrid.toml").write_text("[routing]\nroute = 'long'\n")
    _, out, _ = run("ask", "Where is the office?", "x.txt", "--json")
    assert json.loads(out)["route"] == "long"


def test_ctrl_c_while_indexing_leaves_nothing_half_written(tmp_path):
    """A real process, interrupted while it embeds; the next call goes on and answers."""
    (tmp_path / "a.txt").write_text(FILING.read_text() * 4)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "hybrid", "ask", QUESTION, "a.txt"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "cache").rglob("write.lock")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in err
    assert "Traceback" not in err + out
    (tmp_path / "a.txt").write_text("The weighted average exercise price of the outstanding warrants is 12 euros.")
    done = subprocess.run(
        [*command, "--json"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "12 euros" in json.loads(done.stdout)["text"]


def test_tab_completion(tmp_path):
    environment = {
        **os.environ,
        "_HYBRID_COMPLETE": "bash_complete",
        "COMP_WORDS": "hybrid ask --ro",
        "COMP_CWORD": "2",
    }
    done = subprocess.run(
        [sys.executable, "-m", "hybrid"], env=environment, capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert "--route" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", "--questions", "q.txt"),
        ("legal", "ask", "Where is the bridge?"),
        ("legal", "ask", "--questions", "q.txt"),
        ("legal", "clauses", "--only", "Governing Law"),
        ("code", "ask", "Where is cross defined?"),
        ("code", "ask", "-"),
    ],
)
def test_configured_paths_are_asked_where_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.txt").write_text("The bridge stands in Riga.")
    (tmp_path / "there" / "b.py").write_text("def cross() -> None:\n    pass\n")
    (tmp_path / "q.txt").write_text("Where is the bridge?\n")
    without = CliRunner().invoke(cli, arguments, input="Where is cross defined?")
    if arguments[0] != "ask":
        assert without.exit_code != 0
    (tmp_path / "hybrid.toml").write_text('[corpus]\npaths = ["there"]\n')
    found = CliRunner().invoke(cli, arguments, input="Where is cross defined?")
    assert found.exit_code == 0, found.output
    if arguments[-1] != "Governing Law":
        assert ("Riga" in found.output) or ("b.py:1" in found.output)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ask", "q?", "docs", "--url", ""), "'engine.url' cannot be ''"),
        (("ask", "q?", "docs", "--model", "m"), "'model' has no effect with the kind 'extractive'"),
        (("ask", "q?", "docs", "--prefer", "cost"), "--prefer has no effect with the engine that quotes"),
        (("ask", "q?", "docs", "--policy", "rag", "--prefer", "cost"), "'prefer' has no effect with the policy 'rag'"),
        (("ask", "q?", "docs", "--route", "rag", "--policy", "fits"), "--policy has no effect where --route"),
        (("ask", "q?", "docs", "--rung", "corpus", "--prefer", "cost"), "--prefer has no effect where --rung"),
        (("ask", "q?", "docs", "--route", "long", "-k", "3"), "-k counts the passages of the route rag, but --route"),
        (("ask", "q?", "docs", "--rung", "documents", "-k", "3"), "but --rung documents reads whole documents"),
        (("ask", "q?", "docs", "--policy", "long", "-k", "3"), "but the policy 'long' reads whole documents"),
        (("route", "q?", "docs", "--prefer", "cost"), "--prefer has no effect"),
        (("route", "q?", "docs", "--gpu", ""), "'cost.gpu' names ''"),
        (("legal", "ask", "q?", "docs", "--route", "long", "-k", "3"), "-k counts"),
        (("legal", "clauses", "docs", "--json", "--format", "csv"), "--format csv has no effect with --json"),
        (("legal", "clauses", "docs", "--policy", "fits"), "--policy has no effect on CUAD's categories"),
        (("code", "ask", "q?", "docs", "--read", "file", "--policy", "rag"), "no effect where --read file"),
        (("code", "map", "docs", "--text", "--json"), "--text has no effect with --json"),
        (("code", "map", "docs", "--files", "3", "--text"), "--files has no effect with --text"),
        (("plan", "qwen3-8b", "-c", "8k", "--method", "linear"), "--method has no effect on qwen3-8b"),
        (("plan", "qwen3-8b", "-c", "8k", "--gpu", "cpu"), "'cpu' is none"),
        (("eval", "run", "smoke", "-o", "x", "--vllm", "vllm"), "--vllm has no effect on the suite 'smoke'"),
        (("eval", "run", "testbed", "-o", "x", "--window", "300"), "--window has no effect on the suite 'testbed'"),
        (("eval", "run", "smoke", "-o", "x", "--data", "docs"), "--data has no effect on the suite 'smoke'"),
        (("calibrate", "window", "--long", "--url", "http://127.0.0.1:9/v1"), "--long has no effect"),
        (("init", "--yes", "--built-in", "--gpu", "cpu", "--dollars-per-hour", "2"), "--dollars-per-hour is the price"),
        (("init", "--yes", "--built-in", "--no-try", "--timeout", "5"), "--timeout has no effect with --no-try"),
        (("init", "--yes", "--built-in", "--no-try", "--gpu", " "), "--gpu is empty"),
    ],
)
def test_an_option_without_effect_is_refused(run, tmp_path, arguments, says):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.py").write_text("x = 1\n")
    code, out, err = run(*arguments)
    assert (code, out) == (2, ""), out
    assert says in err
    assert err.count("Error: ") == 1
    assert "Traceback" not in err


def test_the_gpu_of_an_estimate_by_token_prices_is_refused(run, tmp_path):
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    (tmp_path / "hybrid.toml").write_text("[cost]\ndollars_per_million_prompt = 1\n")
    code, _, err = run("route", "q?", "x.txt", "--gpu", "h100")
    assert code == 2
    assert "--gpu has no effect where tokens have prices" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("calibrate", "cost", "--url", "http://127.0.0.1:9/v1"),
        ("calibrate", "window", "--url", "http://127.0.0.1:9/v1"),
        ("calibrate", "router", "records.jsonl"),
        ("legal", "clauses", "records.jsonl"),
    ],
)
def test_a_file_that_cannot_be_written_is_said_before_the_work(run, tmp_path, arguments):
    (tmp_path / "records.jsonl").write_text("{}\n")
    (tmp_path / "there").mkdir()
    for place, says in (
        ("gone/out.json", "there is no folder gone"),
        ("records.jsonl/x", "no folder"),
        ("there", "director" if "clauses" in arguments else "it is a folder"),
    ):
        code, _, err = run(*arguments, "-o", place)
        assert code == 2
        assert says in err
        assert "127.0.0.1" not in err


def test_what_was_asked_for_is_taken_as_it_is(run, tmp_path):
    """These have an effect, though others like them have none."""
    (tmp_path / "x.txt").write_text("The office is in Lima.")
    (tmp_path / "hybrid.toml").write_text("[routing]\npolicy = 'long'\n[retrieval]\nk = 3\n")
    for more in (("--window", "4096"), ("--route", "rag", "-k", "2"), ("--policy", "rag", "-k", "2")):
        code, _, err = run("ask", "Where is the office?", "x.txt", "-q", *more)
        assert code == 0, err
    assert run("route", "Where is the office?", "x.txt", "--model", "qwen3-8b", "--prefer", "cost", "-q")[0] == 2
    (tmp_path / "hybrid.toml").unlink()
    assert run("route", "Where is the office?", "x.txt", "--model", "qwen3-8b", "--prefer", "cost", "-q")[0] == 0
    told = run("doctor", "-k", "5", "--prefer", "balance", "--policy", "calibrated", "--json")
    assert told[0] == 2  # the engine that quotes goes by no preference
    told = run("doctor", "-k", "5", "--json")[1]
    assert "5 passages" in next(line["used"] for line in json.loads(told)["used"] if line["what"] == "policy")


def test_python_m_hybrid_is_the_command(tmp_path):
    assert process(tmp_path, "--version").stdout.decode() == f"hybrid {__version__}\n"


def process(tmp_path: Path, *arguments: str, shell: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own, in a shell where its output goes elsewhere."""
    known = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment}
    line = shlex.join([sys.executable, "-m", "hybrid", *arguments])
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{line} {shell}"], cwd=tmp_path, env=known, capture_output=True, check=False
    )


@pytest.mark.parametrize("arguments", [("plan", "qwen3-8b", "-c", "1M"), ("eval", "list", "--json"), ("--help",)])
def test_output_that_cannot_be_written_is_no_traceback(tmp_path, arguments):
    full = process(tmp_path, *arguments, shell="> /dev/full")
    assert (full.returncode, full.stderr) == (1, b"Error: Cannot write the output: No space left on device.\n")
    gone = process(tmp_path, *arguments, shell="| true")
    assert (gone.returncode, gone.stderr) == (0, b"")


def test_a_terminal_without_umlauts_gets_an_answer(tmp_path):
    (tmp_path / "x.txt").write_text("Das Büro der Gesellschaft liegt in Köln.")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    told = process(tmp_path, "ask", "Wo liegt das Büro?", "x.txt", "-q", **ascii_only)
    assert told.returncode == 0, told.stderr
    assert b"liegt in K?ln" in told.stdout
    told = process(tmp_path, "ask", "Wo liegt das Büro?", "x.txt", "-q", "--json", **ascii_only)
    found = json.loads(told.stdout.decode("ascii"))
    assert found["question"] == "Wo liegt das Büro?"
    assert "Köln" in found["text"]


def test_a_question_may_be_longer_than_the_name_of_a_file(run, tmp_path):
    (tmp_path / "a.txt").write_text("The harbour lease ends in 2031.")
    for question in ("When does the harbour lease end? " * 10, "~nobody-of-that-name/ lease ends when?"):
        code, out, err = run("ask", question, "a.txt", "-q")
        assert (code, err) == (0, "")
        assert "route" in out
    code, _, err = run("ask", "When?", "x" * 300, "-q")
    assert (code, err.count("\n")) == (2, 1)
    assert "There is no file or folder" in err


@pytest.mark.parametrize(
    "line",
    ["warm . --questions nan", "up model --timeout inf", "plan qwen3-8b --times nan", "eval simulate --rate inf"],
)
def test_a_number_is_finite(run, line):
    code, _, err = run(*line.split())
    assert code == 2
    assert "is no finite number" in err


def test_a_model_whose_name_no_file_can_have(run):
    code, _, err = run("plan", "m" * 300, "-c", "128k")
    assert code == 2
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_a_folder_that_was_deleted_is_told(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    line = f"import os; os.rmdir({str(gone)!r}); from hybrid.cli.main import main; main(['ask', 'When?'])"
    done = subprocess.run([sys.executable, "-c", line], cwd=gone, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "Error: The current folder was deleted: go to another one.\n")
