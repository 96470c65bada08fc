"""Documents read ahead of time, and what later questions expect of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hybrid import Hybrid, Settings
from hybrid.chat.prompts import Prompt
from hybrid.cli.main import cli, guarded
from hybrid.engines.base import Completion
from hybrid.engines.server import Server
from hybrid.errors import EngineError, InputError, SettingsError
from hybrid.session.ahead import Reading, capacity, paying, read, readings
from hybrid.session.caches import Cache, Caches
from hybrid.session.warm import Warm
from hybrid.session.warmed import Part, Prefix, Warmed, file_of
from hybrid.settings import EngineSettings
from hybrid.types import Cost
from tests.session.doubles import PRICED, Caching

TEXTS = {
    "lease": "Rent is due monthly. " * 2000,
    "cats": "The cat sleeps. " * 1500,
    "note": "Bring milk. " * 20,
    "tome": "All work and no play. " * 9000,  # longer than the window
}


class Timed(Caching):
    """Tells seconds too."""

    def ask(self, prompt: Prompt, *, max_tokens: int, on_text: Any = None) -> Completion:
        done = super().ask(prompt, max_tokens=max_tokens, on_text=on_text)
        return Completion(done.text, done.usage.model_copy(update={"seconds": 2.0}))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """When the server was started; a test starts it anew by another word."""
    words, loads = ["monday"], iter(range(0, 10**9, 10**6))
    monkeypatch.setattr(Caches, "loaded", lambda self, address: next(loads) if address == "one" else 0)
    told = classmethod(lambda cls, engine, settings: cls(engine, {"one": Cache(words[-1])}))
    monkeypatch.setattr(Caches, "read", told)
    return words


def test_what_can_be_read_is_told_with_its_price(run: list[str]) -> None:
    with Hybrid(PRICED, engine=Caching()) as hybrid:
        store = hybrid.open(TEXTS)
        found = readings(hybrid, store)
        assert [one.documents for one in found] == [("lease",), ("cats",), ("note",)]  # the tome is read in parts
        lease = found[0]
        assert (lease.warm.dollars or 1) < (lease.price.dollars or 0) <= (lease.cold.dollars or 0)
        assert not any(one.known for one in found)
        small = hybrid.open({name: TEXTS[name] for name in ("note", "cats")})
        assert [one.documents for one in readings(hybrid, small)] == [("cats", "note")]  # it fits as a whole
        with pytest.raises(InputError, match="There is no document 'nix' in the corpus"):
            readings(hybrid, store, ["nix"])
        with pytest.raises(InputError, match=r"'tome' has about [\d,]+ tokens and caching has room for"):
            readings(hybrid, store, ["tome"])


def test_those_that_pay_are_chosen_the_longest_first() -> None:
    cost = Cost(basis="estimated")

    def one(name: str, tokens: int, questions: int | None) -> Reading:
        return Reading(
            (name,), tokens, cost, cost, cost, cost, questions, known=False, server="x" if name < "d" else "y"
        )

    found = [one("a", 100, 9), one("b", 80, 2), one("c", 50, None), one("d", 40, 1), one("e", 10, 3)]
    assert [o.documents[0] for o in paying(found, 5, {})] == ["b", "d", "e"]
    assert [o.documents[0] for o in paying(found, 5, {"x": 70, "y": None})] == ["d", "e"]
    assert [o.documents[0] for o in paying(found, 5, {"x": 80, "y": 49})] == ["b", "d"]  # a server has its own room
    assert paying(found, 0.5, {}) == []


def test_the_first_question_finds_what_was_read(run: list[str]) -> None:
    engine, failures = Timed(), dict[tuple[str, ...], EngineError]()
    with Hybrid(PRICED, engine=engine) as hybrid:
        store = hybrid.open(TEXTS)
        done = list(read(hybrid, store, readings(hybrid, store, ["lease"]), failures))
    assert [(one.was, one.usage.cached_tokens) for one in done] == [("cold", 0)]
    with Hybrid(PRICED, engine=engine) as later:  # another process: all it knows is the file
        store = later.open(TEXTS)
        decision = later.decide("When is rent due?", store, documents=["lease"], route="long")
        answer = later.answer("When is rent due?", store, documents=["lease"], route="long")
        cold = later.decide("Who sleeps?", store, documents=["cats"], route="long")
        assert [one.known for one in readings(later, store, ["lease", "cats"])] == [True, False]
    told = {p.rung: p for p in decision.predictions}["documents"]
    assert told.cached_tokens > 0.9 * told.prompt_tokens
    assert answer.usage.cached_tokens > 0.95 * len(TEXTS["lease"].split())
    assert {p.rung: p for p in cold.predictions}["documents"].cached_tokens == 0


def test_another_text_under_the_name_is_cold(run: list[str]) -> None:
    engine = Timed()
    with Hybrid(PRICED, engine=engine) as hybrid:
        store = hybrid.open(TEXTS)
        list(read(hybrid, store, readings(hybrid, store, ["lease"]), {}))
    with Hybrid(PRICED, engine=engine) as later:
        store = later.open({**TEXTS, "lease": "Rent is due weekly. " * 2000})
        told = later.decide("When is rent due?", store, documents=["lease"], route="long")
        assert {p.cached_tokens for p in told.predictions} == {0}


def test_after_a_restart_it_counts_at_the_price_of_loading_once_that_is_known(run: list[str]) -> None:
    engine = Timed()
    settings = PRICED.model_copy(update={"cost": Settings().cost})
    with Hybrid(settings, engine=engine) as hybrid:
        store = hybrid.open(TEXTS)
        list(read(hybrid, store, readings(hybrid, store, ["lease"]), {}))
        run.append("tuesday")

        def decided(asked: Hybrid) -> Any:
            found = asked.decide("When is rent due?", asked.open(TEXTS), documents=["lease"], route="long")
            return {p.rung: p for p in found.predictions}["documents"]

        with Hybrid(settings, engine=engine) as unknown:
            told = decided(unknown)
            assert (told.cached_tokens, told.loaded_tokens) == (0, 0)
            assert "counts as cold" in told.cost.note or "count as cold" in told.cost.note
        with Hybrid(settings, engine=engine) as measuring:
            other = measuring.open(TEXTS)
            assert not readings(measuring, other, ["lease"])[0].known
            (found,) = read(measuring, other, readings(measuring, other, ["lease"]), {})
            assert found.was == "disk"  # read by an earlier run, and there, and the server says that it loaded it
        speed = Warmed.of("caching").speed
        assert speed == pytest.approx(found.usage.cached_tokens / 2.0)
        run.append("wednesday")
        with Hybrid(settings, engine=engine) as later:
            told = decided(later)
        assert told.loaded_tokens == told.cached_tokens > 0
        quick = settings.model_copy(update={"cost": settings.cost.model_copy(update={"disk": 1e9})})
        with Hybrid(quick, engine=engine) as later:
            quicker = decided(later)
        assert told.cost.gpu_seconds - quicker.cost.gpu_seconds == pytest.approx(told.loaded_tokens / speed, rel=0.01)


def test_what_a_question_read_after_a_restart_is_not_taken_for_a_disk(
    run: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Caches, "loaded", lambda self, address: 0.0)
    monkeypatch.setattr("hybrid.session.caches.SETTLE", 0.0)
    with Hybrid(PRICED, engine=Timed()) as hybrid:
        store = hybrid.open(TEXTS)
        list(read(hybrid, store, readings(hybrid, store, ["lease"]), {}))
        run.append("tuesday")
        (found,) = read(hybrid, store, readings(hybrid, store, ["lease"]), {})  # the double still has it
    assert (found.was, Warmed.of("caching").speed) == ("warm", None)


def test_the_disk_of_another_server_is_not_counted_on() -> None:
    prefix = Prefix((Part("a", 10, "d1"),), "monday", "2026-12-01", "http://one/v1")
    assert prefix.left_on("http://one/v1", {"tuesday"})
    assert not prefix.left_on("http://two/v1", {"tuesday"})
    assert not prefix.left_on("http://one/v1", {"monday", "tuesday"})


def test_a_disk_that_lost_it_is_believed() -> None:
    warm = Warm()
    warm.was_read("x", [("a", 3000)], on_disk=True)
    assert (warm.expected("x", ["a"]), warm.loadable("x", ["a"])) == (0, 3000)
    warm.note("x", [("a", 3000)], 0)
    assert (warm.expected("x", ["a"]), warm.loadable("x", ["a"])) == (3000, 0)


def test_failures_are_told_and_the_rest_goes_on(run: list[str]) -> None:
    class Failing(Timed):
        def ask(self, prompt: Prompt, *, max_tokens: int, on_text: Any = None) -> Completion:
            if prompt.pieces[0].document == "cats":
                raise EngineError("The server is gone.")
            return super().ask(prompt, max_tokens=max_tokens, on_text=on_text)

    failures: dict[tuple[str, ...], EngineError] = {}
    with Hybrid(PRICED, engine=Failing()) as hybrid:
        store = hybrid.open(TEXTS)
        done = list(read(hybrid, store, readings(hybrid, store), failures))
    assert [one.reading.documents for one in done] == [("lease",), ("note",)]
    assert list(failures) == [("cats",)]


def test_a_stopped_run_goes_on_where_it_was(run: list[str]) -> None:
    engine = Timed()
    with Hybrid(PRICED, engine=engine) as hybrid:
        store = hybrid.open(TEXTS)
        stopped = read(hybrid, store, readings(hybrid, store), {})
        next(stopped)
        stopped.close()
        assert [one.known for one in readings(hybrid, store)] == [True, False, False]


def test_the_file_of_prefixes() -> None:
    prefix = Prefix((Part("a", 10, "d1"), Part("b", 20, "d2")), "monday", "2026-12-01")
    Warmed.of("x").having(prefix).save()
    again = Warmed.of("x").having(Prefix(prefix.parts, "tuesday", "2026-12-02"), 500.0)
    again.save()
    assert Warmed.of("x") == again
    assert [one.run for one in again.prefixes] == ["tuesday"]
    assert Warmed.of("y") == Warmed("y")
    file_of("x").write_text("{")
    assert Warmed.of("x") == Warmed("x")


def test_where_it_cannot_be_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(SettingsError, match="Cannot write "):
        Warmed("x").save()


def test_what_another_process_reads_meanwhile_is_kept(run: list[str]) -> None:
    other = Prefix((Part("tome", 9, "d"),), "monday", "2026-12-01")

    class Slow(Timed):
        def ask(self, prompt: Prompt, *, max_tokens: int, on_text: Any = None) -> Completion:
            Warmed.of(self.name).having(other).save()
            return super().ask(prompt, max_tokens=max_tokens, on_text=on_text)

    with Hybrid(PRICED, engine=Slow()) as hybrid:
        store = hybrid.open({"note": TEXTS["note"]})
        assert len(list(read(hybrid, store, readings(hybrid, store), {}))) == 1
        assert other in Warmed.of(hybrid.long_engine.name).prefixes


def test_the_size_of_a_disk_in_tokens() -> None:
    settings = Settings.model_validate({"cost": {"gpu": "h200", "shape": "qwen3-8b"}})
    caches = Caches(Caching(), {"a": Cache("", 500), "b": Cache()})
    assert capacity(caches, settings, 100) == dict.fromkeys("ab", int(100e9 / (144 * 1024)))
    assert capacity(caches, settings, None) == {"a": 500, "b": None}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Only a model's server has a cache to read into"),
        (
            ["--url", "http://127.0.0.1:9/v1", "-d", "a.txt", "--questions", "3"],
            "--questions has no effect beside --doc",
        ),
        (["--url", "http://127.0.0.1:9/v1", "--yes"], "127.0.0.1:9"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    (tmp_path / "a.txt").write_text("Rent is due monthly. " * 50)
    assert guarded(cli, ["warm", str(tmp_path), "--quiet", *options]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.server
def test_with_the_real_vllm(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(__file__).parents[2] / "hybrid" / "types.py").read_text("utf-8")[:7000]
    (tmp_path / "types.txt").write_text(f"{tmp_path}\n{text}")
    (tmp_path / "other.txt").write_text(f"other {tmp_path}\n{text}")
    config = tmp_path / "hybrid.toml"
    config.write_text(f'[engine]\nurl = "{url}"\nmax_tokens = 8\n')
    asked = ["warm", str(tmp_path / "types.txt"), "--config", str(config), "--json", "-q", "-d", "types.txt", "--yes"]
    assert guarded(cli, asked) == 0
    (first,) = json.loads(capsys.readouterr().out)["read"]
    assert (first["was"], first["cached"] < 200) == ("cold", True)
    with Hybrid(Settings(engine=EngineSettings(kind="server", url=url, max_tokens=8))) as hybrid:
        store = hybrid.open(str(tmp_path / "types.txt"))
        answer = hybrid.answer("What is a passage?", store, route="long", rung="documents")
        assert answer.usage.cached_tokens > first["tokens"] - 256
        assert isinstance(hybrid.engine, Server)
    assert guarded(cli, asked) == 0
    assert json.loads(capsys.readouterr().out)["documents"][0]["known"]
