"""The engine in this process, on a tiny model with random weights: what it reads, writes, keeps and refuses."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.engines.local.computing import CHUNK
from hybrid.engines.local.engine import LocalEngine
from hybrid.engines.make import make_engine
from hybrid.errors import EngineError, SettingsError, WindowError
from hybrid.settings import EngineSettings
from hybrid.types import Piece, Sampling
from tests.engines.local.conftest import Make, by_transformers

TEXT = (Path(__file__).parents[3] / "hybrid" / "types.py").read_text("utf-8")


def prompt(question: str, text: str = TEXT[:1500], **given: Any) -> Prompt:
    return Prompt(question, (Piece("types.py", text, 0),), **given)


def test_it_writes_what_transformers_writes(make: Make) -> None:
    engine = make()
    for text in ("Short.", TEXT[:1500], "schöne Grüße, 東京 🙂 \ud800", TEXT[: 5 * CHUNK]):
        asked = prompt("What is a passage?", text)
        assert engine.ask(asked, max_tokens=24).text == by_transformers(engine, asked, 24)
        assert engine.measure(asked) == engine.ask(asked, max_tokens=1).usage.prompt_tokens


def test_a_stream_is_the_text(make: Make) -> None:
    heard: list[str] = []
    completion = make().ask(prompt("What is a passage?"), max_tokens=24, on_text=heard.append)
    assert "".join(heard) == completion.text
    assert len(heard) > 1
    assert completion.truncated is (completion.finish == "length")


def test_a_stop_ends_the_answer_and_is_no_part_of_it(make: Make) -> None:
    engine, heard = make(), list[str]()
    whole = engine.ask(prompt("Who?"), max_tokens=24)
    stop = whole.text[8:14]
    short = engine.ask(prompt("Who?", sampling=Sampling(stop=(stop,))), max_tokens=24, on_text=heard.append)
    assert short.text == "".join(heard) == whole.text[: whole.text.index(stop)]
    assert (short.finish, short.truncated) == ("stop", False)
    assert short.usage.output_tokens < whole.usage.output_tokens


def test_a_temperature_is_for_one_question(make: Make) -> None:
    torch = pytest.importorskip("torch")
    engine = make()
    warm = prompt("Who?", sampling=Sampling(temperature=50.0))
    torch.manual_seed(1)
    drawn = {engine.ask(warm, max_tokens=12).text for _ in range(3)}
    assert len(drawn) == 3
    assert engine.ask(prompt("Who?"), max_tokens=12).text == make().ask(prompt("Who?"), max_tokens=12).text


def test_a_second_question_reads_only_itself_and_says_the_same(make: Make) -> None:
    engine, text = make(), TEXT[:6000]
    first = engine.ask(prompt("What is a passage?", text), max_tokens=8).usage
    second = engine.ask(prompt("Who wrote it?", text), max_tokens=8)
    assert first.cached_tokens == 0
    assert engine.count([text])[0] <= second.usage.cached_tokens < second.usage.prompt_tokens
    assert second.text == make().ask(prompt("Who wrote it?", text), max_tokens=8).text
    again = engine.ask(prompt("Who wrote it?", text), max_tokens=8)
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1
    assert again.text == second.text


def test_documents_in_turn_are_kept_beside_each_other(make: Make) -> None:
    engine = make()
    texts = [TEXT[place : place + 3000] for place in (0, 3000, 6000)]
    for text in texts:
        engine.ask(prompt("Who?", text), max_tokens=2)
    for text in texts:
        found = engine.ask(prompt("What?", text), max_tokens=2).usage
        assert found.cached_tokens > 0.8 * engine.count([text])[0]
    assert len(engine._computing.prefixes) == 3


def test_memory_for_prompts_is_bounded(make: Make) -> None:
    none, little = make(prefix_gb=0), make(prefix_gb=0.0001)
    for engine in (none, little):
        for _ in range(2):
            assert engine.ask(prompt("Who?", TEXT[:4000]), max_tokens=2).usage.cached_tokens == 0
        assert len(engine._computing.prefixes) == 0
    assert none.notes == ()
    assert any("more than engine.prefix_gb = 0.0001" in note for note in little.notes)


def test_usage_tells_the_work(make: Make) -> None:
    usage = make().ask(prompt("Who?"), max_tokens=8).usage
    assert usage.output_tokens <= 8
    assert usage.prefill_seconds is not None
    assert usage.decode_seconds is not None
    assert usage.told_seconds == pytest.approx(usage.seconds)
    assert usage.cpu_seconds is not None
    assert usage.cpu_seconds > 0
    assert usage.prefill_seconds <= (usage.first_token_seconds or 0.0)


def test_threads_take_turns(make: Make) -> None:
    engine = make()
    questions = [f"Number {n}?" for n in range(6)]
    alone = [make().ask(prompt(question), max_tokens=8).text for question in questions]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda question: engine.ask(prompt(question), max_tokens=8), questions))
    assert [one.text for one in together] == alone
    assert max(one.usage.queue_seconds or 0.0 for one in together) > 0
    assert sum(one.usage.cached_tokens > 0 for one in together) == 5


def test_engines_of_one_model_share_its_weights(make: Make) -> None:
    one, other = make(), make(window=16_384)
    assert one._computing.weights is other._computing.weights
    assert make(overrides={"rms_norm_eps": 1e-4})._computing.weights is not one._computing.weights


def test_a_longer_window_stretches_long_prompts_only(make: Make) -> None:
    native, extended = make(), make(window=16_384)
    assert (native.window, extended.window) == (4096, 16_384)
    assert any(
        "longer than 4,096 tokens are read with positions stretched by yarn (factor 4)" in n for n in extended.notes
    )
    short = prompt("What is a passage?")
    assert extended.ask(short, max_tokens=12).text == native.ask(short, max_tokens=12).text
    long = prompt("What is a passage?", TEXT * 2)
    assert 4096 < extended.measure(long) < 16_000
    with pytest.raises(WindowError, match="do not fit the window of 4096 tokens of tiny-chat"):
        native.ask(long, max_tokens=12)
    first, second = (extended.ask(long, max_tokens=12) for _ in range(2))
    assert first.text == second.text
    assert second.usage.cached_tokens == second.usage.prompt_tokens - 1
    assert extended.ask(short, max_tokens=12).usage.cached_tokens > 0  # native and stretched ones stand side by side


def test_stretched_positions_are_those_of_the_plan(make: Make) -> None:
    from hybrid.model.rope import frequencies

    computing = make(window=16_384)._computing
    plan = computing.positions.extension
    assert plan.parameters is not None
    expected, scale = frequencies(plan.parameters, 64)
    (module, name, native, stretched) = computing.positions._places[0]
    assert stretched.inv_freq.tolist() == pytest.approx(expected.tolist(), rel=1e-5)
    assert stretched.attention_scaling == pytest.approx(scale)
    assert computing.positions.use(5000) == "yarn 4"
    assert getattr(module, name) is stretched
    computing.positions.restore()
    assert getattr(module, name) is native


def test_too_long_is_said_before_it_is_read(make: Make) -> None:
    with pytest.raises(
        WindowError, match=r"The prompt of \d+ tokens and 512 for the answer do not fit the window of 128"
    ):
        make(window=128).ask(prompt("Who?"), max_tokens=512)


def test_the_chance_of_a_word(make: Make) -> None:
    torch = pytest.importorskip("torch")
    engine, words = make(), ["yes", "no", "def"]
    found, usage = engine.chances(prompt("Who?"), words)
    ids = torch.tensor([engine._tokens(prompt("Who?"))])
    with torch.inference_mode():
        shares = engine._computing.model(ids).logits[0, -1].softmax(-1)
    firsts = [{engine._encoded(form)[0] for form in (word, f" {word}")} for word in words]
    assert found == pytest.approx([float(shares[list(first)].sum()) for first in firsts], rel=1e-4)
    assert (usage.calls, usage.output_tokens, usage.cached_tokens) == (1, 0, 0)
    again, usage = engine.chances(prompt("Who?"), words)
    assert again == pytest.approx(found, rel=1e-4)
    assert usage.cached_tokens == usage.prompt_tokens - 1


def test_without_a_chat_template_it_is_asked_in_plain_text(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make(overrides={"pretraining_tp": 2})  # weights of its own, as they are changed
    tokenizer = engine._computing.weights.tokenizer
    monkeypatch.setattr(tokenizer, "chat_template", None)
    plain = make(overrides={"pretraining_tp": 2})
    assert plain.ask(prompt("Who?"), max_tokens=8).text
    assert any("has no chat template" in note for note in plain.notes)
    assert tokenizer.decode(plain._tokens(prompt("Who?"))).endswith("Question: Who?\n\nAnswer:")


def test_a_template_without_a_system_message_gets_the_rules_from_the_user(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make(overrides={"pretraining_tp": 3})
    tokenizer = engine._computing.weights.tokenizer
    own = tokenizer.chat_template
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + own
    monkeypatch.setattr(tokenizer, "chat_template", refusing)
    text = tokenizer.decode(engine._tokens(prompt("Who?")))
    assert text.startswith("<|im_start|>user\nYou answer questions from the documents")


def test_ctrl_c_in_an_answer_leaves_the_engine_usable(make: Make) -> None:
    engine = make()

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.ask(prompt("Who?"), max_tokens=8, on_text=interrupt)
    assert engine.ask(prompt("Who?"), max_tokens=8).text == make().ask(prompt("Who?"), max_tokens=8).text


def test_where_memory_lacks_what_was_kept_is_dropped_first(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make()
    engine.ask(prompt("Who?"), max_tokens=2)
    computing = engine._computing
    real, faults = computing._forward, [RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")]

    def forward(*given: Any) -> Any:
        if faults:
            raise faults.pop()
        return real(*given)

    monkeypatch.setattr(computing, "_forward", forward)
    found = engine.ask(prompt("What?", TEXT[1500:3000]), max_tokens=2)
    assert found.usage.cached_tokens == 0
    assert len(computing.prefixes) == 1
    computing.prefixes.clear()
    faults.append(RuntimeError("CUDA out of memory."))
    with pytest.raises(EngineError, match=r"The keys and values of [\d,]+ tokens take about .* lower engine\.window"):
        engine.ask(prompt("What?", TEXT[1500:3000]), max_tokens=2)
    monkeypatch.setattr("hybrid.engines.local.computing.free_memory", lambda _: 1000)
    with pytest.raises(EngineError, match=r"and 0\.0 GiB are free on cpu"):
        engine.ask(prompt("What?"), max_tokens=2)


def test_another_fault_is_a_sentence_and_not_for_the_next(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make()
    with monkeypatch.context() as patch:
        patch.setattr(engine._computing, "_forward", lambda *_: 1 / 0)
        with pytest.raises(EngineError, match=r"^tiny-chat \(local\) failed: division by zero\.$"):
            engine.ask(prompt("Who?"), max_tokens=2)
    assert engine.ask(prompt("Who?"), max_tokens=2).text


def test_loading_at_once_loads_once(make: Make) -> None:
    engines = [make(overrides={"pretraining_tp": 4}) for _ in range(4)]
    barrier = threading.Barrier(4)

    def loaded(engine: LocalEngine) -> int:
        barrier.wait()
        return id(engine._computing.weights)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(loaded, engines))) == 1


def test_a_setting_makes_it(tiny: Path) -> None:
    engine = make_engine(EngineSettings(kind="local", model=str(tiny)), None)  # type: ignore[arg-type]
    assert isinstance(engine, LocalEngine)
    assert (engine.name, engine.concurrency, engine.counts_exactly) == ("tiny-chat (local)", 1, True)
    with pytest.raises(SettingsError, match=r"needs a model; set engine\.model to a folder, a GGUF file or a hub name"):
        LocalEngine(EngineSettings(kind="local"))
