"""Settings: who wins, and what is refused with which words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hybrid import Hybrid
from hybrid.cost.gpus import with_known_gpu
from hybrid.engines.extractive import Extractive
from hybrid.engines.make import make_engine
from hybrid.errors import SettingsError
from hybrid.index.embedding import Embedder
from hybrid.settings import EngineSettings, Settings, load, tells_of


def written(folder: Path, text: str) -> Path:
    file = folder / "hybrid.toml"
    file.write_text(text)
    return file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(*args: object, **kwargs: object) -> str:
    with pytest.raises(SettingsError) as refused:
        load(*args, **kwargs)  # type: ignore[arg-type]
    return str(refused.value)


def test_defaults_without_any_file(here: Path) -> None:
    assert load(environ={}) == Settings()


def test_arguments_win_over_environment_over_file_over_defaults(here: Path) -> None:
    (here / "hybrid.toml").write_text("[retrieval]\nk = 3\nmode = 'dense'\n[engine]\nwindow = 1000\nmax_tokens = 64\n")
    environ = {"HYBRID_RETRIEVAL_K": "4", "HYBRID_ENGINE_WINDOW": "2000", "HOME": "/root"}
    settings = load(overrides={"retrieval": {"k": 5, "mode": None}}, environ=environ)
    assert (settings.retrieval.k, settings.retrieval.mode) == (5, "dense")
    assert (settings.engine.window, settings.engine.max_tokens, settings.engine.retries) == (2000, 64, 4)


@pytest.mark.parametrize("value", ["inf", "nan", "1e300", "1" + "0" * 400])
def test_numbers_that_no_library_takes_are_refused(here: Path, value: str) -> None:
    (here / "hybrid.toml").write_text(f"[engine]\ntimeout = {value}\n")
    assert re.search("timeout.*(1e\\+09 at most|greater than 0|valid number)", refusal(environ={}))


def test_a_number_of_thousands_of_digits_is_no_toml(here: Path) -> None:
    (here / "hybrid.toml").write_text(f"[engine]\nwindow = {'9' * 5000}\n")
    assert "hybrid.toml is not valid TOML" in refusal(environ={})


@pytest.mark.parametrize(
    "engine",
    [
        {"url": "http://me:secret@host:port/v1"},
        {"url": "me:secret@host"},
        {"urls": ["http://me:secret@host:8000/v1", "http://host:8000"]},
        {"urls": "http://me:secret@host"},
        {"urls": ["http://me:secret@one", 5]},
    ],
)
def test_no_message_holds_a_password(here: Path, engine: dict[str, object]) -> None:
    with pytest.raises(SettingsError) as refused:
        make_engine(load(overrides={"engine": {"kind": "server", **engine}}, environ={}).engine, None)  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)


def test_a_named_file_replaces_the_one_here(here: Path) -> None:
    (here / "hybrid.toml").write_text("[retrieval]\nk = 3\n")
    (here / "other.toml").write_text("[passages]\ntokens = 100\n")
    settings = load(here / "other.toml", environ={})
    assert (settings.retrieval.k, settings.passages.tokens) == (8, 100)


def test_the_process_environment_is_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_COST_GPU", "l4")
    assert load().cost.gpu == "l4"


def test_lists_in_the_environment_are_comma_separated() -> None:
    environ = {"HYBRID_CORPUS_EXCLUDE": "*.log, build/,", "HYBRID_ROUTING_CURVE": "0.9,0.5,0.8"}
    settings = load(environ=environ)
    assert settings.corpus.exclude == ("*.log", "build/")
    assert settings.routing.curve == (0.9, 0.5, 0.8)


def test_long_engine_is_a_section_of_its_own(here: Path) -> None:
    (here / "hybrid.toml").write_text("[long_engine]\nkind = 'server'\nurl = 'http://a/v1'\n")
    settings = load(environ={"HYBRID_LONG_ENGINE_MAX_TOKENS": "7", "HYBRID_ENGINE_MAX_TOKENS": "9"})
    assert settings.long_engine == EngineSettings(kind="server", url="http://a/v1", max_tokens=7)
    assert settings.engine.max_tokens == 9


def test_completion_of_the_shell_is_no_setting() -> None:
    assert load(environ={"_HYBRID_COMPLETE": "bash_source", "HYBRID_COMPLETE": "x"}) == Settings()


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("[engine]\nulr = 'x'\n", "Unknown setting 'engine.ulr'; did you mean 'url'?"),
        ("[engin]\nurl = 'x'\n", "Unknown setting 'engin'; did you mean 'engine'?"),
        ("[long_engine]\nwindwo = 100\n", "Unknown setting 'long_engine.windwo'; did you mean 'window'?"),
        ("[retrieval]\nzzz = 1\n", "Unknown setting 'retrieval.zzz'; known here: mode, k, reranker, rerank_from."),
        ("retrieval = 3\n", "The setting 'retrieval' must be a table of keys, like [retrieval]."),
        ("[retrieval]\nk = 0\n", "The setting 'retrieval.k' cannot be 0: input should be greater than or equal to 1."),
        (
            "[retrieval]\nmode = 'magic'\n",
            "The setting 'retrieval.mode' cannot be 'magic': input should be 'fused', 'dense' or 'lexical'.",
        ),
        (
            "[engine]\nkind = 'magic'\n",
            "The setting 'engine.kind' cannot be 'magic': input should be 'extractive', 'server', 'local' or 'vllm'.",
        ),
        (
            "[embedder]\nmodel = ''\n",
            "The setting 'embedder.model' cannot be '': it is empty; name something, or leave it out.",
        ),
    ],
)
def test_refusals_of_a_file(here: Path, toml: str, sentence: str) -> None:
    (here / "hybrid.toml").write_text(toml)
    assert refusal(environ={}) == sentence


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HYBRID_ENGINE_ULR", "x", "Unknown setting 'engine.ulr'; did you mean 'url'?"),
        ("HYBRID_LONG_ENGINE_WINDWO", "100", "Unknown setting 'long_engine.windwo'; did you mean 'window'?"),
        (
            "HYBRID_ENGINE_WINDOW",
            "many",
            "The setting 'engine.window' cannot be 'many': input should be a valid integer, unable to parse string as "
            "an integer.",
        ),
        (
            "HYBRID_NONSENSE",
            "1",
            "The environment variable HYBRID_NONSENSE names no setting; it should begin with HYBRID_ and one of: "
            "CORPUS, PASSAGES, EMBEDDER, RETRIEVAL, ENGINE, LONG_ENGINE, ROUTING, COST, INDEX, SERVE.",
        ),
    ],
)
def test_refusals_of_the_environment(here: Path, name: str, value: str, sentence: str) -> None:
    assert refusal(environ={name: value}) == sentence


def test_a_switch_is_taken_as_one(here: Path) -> None:
    (here / "hybrid.toml").write_text("[routing]\nadaptive_k = true\n[cost]\nenergy = false")
    assert load(environ={}).routing.adaptive_k


def test_unknown_arguments_are_refused(here: Path) -> None:
    said = refusal(overrides={"engine": {"modle": "x"}}, environ={})
    assert said == "Unknown setting 'engine.modle'; did you mean 'model'?"


def test_files_that_cannot_be_read(here: Path) -> None:
    assert refusal(here / "none.toml", environ={}) == (
        f"Cannot read the settings file {here / 'none.toml'}: No such file or directory."
    )
    assert refusal(here, environ={}) == f"Cannot read the settings file {here}: Is a directory."
    (here / "hybrid.toml").write_bytes(b"[engine]\nurl = '\xff'\n")
    assert refusal(environ={}) == "Cannot read the settings file hybrid.toml: it is not UTF-8 text."
    (here / "hybrid.toml").write_text("[engine\n")
    assert refusal(environ={}).startswith("The settings file hybrid.toml is not valid TOML: ")


def test_a_folder_of_that_name_is_no_file(here: Path) -> None:
    (here / "hybrid.toml").mkdir()
    assert load(environ={}) == Settings()


def test_settings_are_immutable() -> None:
    with pytest.raises(ValidationError):
        Settings().engine.url = "x"  # type: ignore[misc]


def test_another_server_is_not_taken_to_have_the_window_and_model_of_the_first(tmp_path):
    file = written(
        tmp_path, '[engine]\nkind = "server"\nurl = "http://a/v1"\nmodel = "small"\nwindow = 1024\nmax_tokens = 48\n'
    )
    same = load(file, {"engine": {"url": "http://a/v1"}}, {}).engine
    assert (same.model, same.window) == ("small", 1024)
    other = load(file, {"engine": {"url": "http://b/v1"}}, {}).engine
    assert (other.model, other.window, other.max_tokens) == (None, None, 48)
    told = load(file, {"engine": {"url": "http://b/v1", "window": 4096}}, {}).engine
    assert (told.model, told.window) == (None, 4096)


def test_a_url_implies_a_server() -> None:
    assert load(environ={"HYBRID_ENGINE_URL": "http://x/v1"}).engine.kind == "server"
    assert load(environ={}, overrides={"engine": {"url": "http://x/v1"}}).engine.kind == "server"
    assert EngineSettings(url="http://x/v1").kind == "server"


def test_a_url_from_the_environment_wins_over_the_files_kind(tmp_path: Path) -> None:
    file = written(tmp_path, '[engine]\nkind = "extractive"\n')
    assert load(file, environ={"HYBRID_ENGINE_URL": "http://x/v1"}).engine.kind == "server"


@pytest.mark.parametrize(
    ("engine", "key"),
    [
        ({"model": "m"}, "model"),
        ({"kind": "extractive", "url": "http://x/v1"}, "url"),
        ({"temperature": 0.7}, "temperature"),
        ({"url": "http://x/v1", "overrides": {"a": 1}}, "overrides"),
        ({"kind": "vllm", "url": "http://x/v1"}, "url"),
        ({"kind": "local", "model": "m", "url": "http://x/v1"}, "url"),
        ({"kind": "local", "model": "m", "concurrency": 4}, "concurrency"),
        ({"url": "http://x/v1", "prefix_gb": 1}, "prefix_gb"),
        ({"device": "cuda"}, "device"),
        ({"url": "http://x/v1", "adapter": "a"}, "adapter"),
    ],
)
def test_a_setting_without_effect_is_refused(engine: dict[str, object], key: str) -> None:
    with pytest.raises(SettingsError, match=rf"\[engine\] the key '{key}' has no effect with the kind"):
        load(environ={}, overrides={"engine": engine})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '[routing]\npolicy = "rag"\nprefer = "cost"',
            "In the settings of [routing] the key 'prefer' has no effect with the policy 'rag': leave it out, or take "
            "the policy 'calibrated'.",
        ),
        ('[routing]\npolicy = "self_route"\nbatch_budget = 2', "'batch_budget' has no effect with the policy"),
        ('[routing]\nroute = "long"\nlatency = 3', "'latency' has no effect where the route is forced"),
        ('[routing]\nrung = "corpus"\nexplore = 0.1', "'explore' has no effect where the rung is forced"),
        ('[routing]\nordering = "edges"\ncurve = [0.5, 0.6]', "'curve' has no effect with the ordering 'edges'"),
        ("[routing]\nexplore_seed = 3", "'explore_seed' has no effect where 'explore' is 0"),
        ('[routing]\nprefer = "cost"\naccuracy_price = 0.1', "'prefer' has no effect where 'accuracy_price' is set"),
        ('[cost]\ngpu = "cpu"\ngpus = 2', "'gpus' has no effect"),
        ("[cost]\nenergy = false\nidle_watts = 60", "'idle_watts' has no effect where 'energy' is false"),
        ("[cost.models.own]\nparameters = 7", "the tables of 'models' have no effect, as 'shape' is 'llama-3.1-8b'"),
        ('[routing]\npolicy = "rag"\nroute = "rag"', "'policy' has no effect where the route is forced"),
        ('[routing]\nordering = "curve"', "the ordering 'curve' needs scores at 2 positions or more"),
        ('[cost]\nshape = "a"\n[cost.models.a]\n[cost.models.b]', "the table 'models.b' has no effect"),
        ("[cost]\ndollars_per_million_cached = 1", "'dollars_per_million_cached' has no effect alone"),
        (
            "[cost]\ndollars_per_million_prompt = 1\ndollars_per_gpu_hour = 2",
            "'dollars_per_gpu_hour' has no effect beside prices of tokens",
        ),
        ("[cost.hardware.mine]\ntflop = 1", "Unknown setting 'cost.hardware.mine.tflop'; did you mean 'tflops'?"),
        ('[corpus]\npaths = "docs"', "'corpus.paths' cannot be 'docs': write a list, such as [\"...\"]."),
        ("[cost]\nhardware = 3", "'cost.hardware' cannot be 3: it has to be a table, which only a settings file can"),
        ("[retrieval]\nk = true", "the key 'k' cannot be true: it is not a switch."),
        ('[corpus]\npaths = ["-"]', "the key 'paths' names '-', and that is standard input, which only the command"),
        ('[corpus]\npaths = [""]', "the key 'paths' names '', and that is no path: leave it out."),
        ("[engine]\ntimeout = 5", "'timeout' has no effect with the kind 'extractive'"),
        ('[engine]\nkind = "vllm"\nmodel = "m"\nretries = 1', "'retries' has no effect with the kind 'vllm'"),
        ('[long_engine]\nkind = "extractive"\nurl = "http://x/v1"', "'url' has no effect with the kind 'extractive'"),
    ],
)
def test_what_has_no_effect_or_is_of_another_kind_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(SettingsError, match=re.escape(says)):
        load(file, environ={})


@pytest.mark.parametrize(
    ("file", "here"),
    [
        ("[routing]\nprefer = 'cost'\nexplore = 0.2", {"routing": {"route": "rag"}}),
        ("[routing]\nprefer = 'cost'\nbudget = 1", {"routing": {"policy": "fits"}}),
        ("[routing]\nprefer = 'cost'\nbudget = 1", {"routing": {"rung": "documents"}}),
        ("[routing]\ncurve = [0.5, 0.6]", {"routing": {"ordering": "edges"}}),
        ("[routing]\nprefer = 'cost'", {"routing": {"accuracy_price": 0.1}}),
        ("[routing]\naccuracy_price = 0.1", {"routing": {"prefer": "cost"}}),
        ("[routing]\nroute = 'long'", {"routing": {"policy": "rag"}}),
        ("[routing]\npolicy = 'fits'", {"routing": {"route": "rag"}}),
        ("[engine]\nkind = 'vllm'\nmodel = 'm'\noverrides = {a = 1}", {"engine": {"url": "http://x/v1"}}),
        ("[engine]\nurl = 'http://x/v1'\ntimeout = 9", {"engine": {"kind": "extractive"}}),
        ("[cost]\ndollars_per_gpu_hour = 2", {"cost": {"dollars_per_million_prompt": 1.0}}),
        ("[cost]\nidle_watts = 60", {"cost": {"energy": False}}),
        ("[cost]\nshape = 'a'\n[cost.models.a]", {"cost": {"shape": "llama-3.1-8b"}}),
    ],
)
def test_an_argument_may_decide_otherwise_than_the_file(tmp_path: Path, file: str, here: Any) -> None:
    """What is said together has to fit together; what a file says of another way to decide is passed over."""
    path = written(tmp_path, file)
    found = load(path, here, environ={})
    ((section, ((key, value),)),) = [(section, values.items()) for section, values in here.items()]
    assert getattr(getattr(found, section), key) == value


def test_the_rung_each_keeps_to_the_budget(tmp_path: Path) -> None:
    found = load(written(tmp_path, "[routing]\nbudget = 2"), {"routing": {"rung": "each"}}, environ={})
    assert (found.routing.rung, found.routing.budget) == ("each", 2.0)
    assert load(environ={}, overrides={"routing": {"rung": "each", "budget": 3}}).routing.budget == 3


def test_but_an_argument_without_effect_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, '[routing]\npolicy = "rag"')
    with pytest.raises(SettingsError, match="'prefer' has no effect with the policy 'rag'"):
        load(path, {"routing": {"prefer": "cost"}}, environ={})


def test_the_long_engine_is_the_same_with_changes_unless_it_names_another(tmp_path: Path) -> None:
    path = written(
        tmp_path, '[engine]\nurl = "http://x/v1"\nmodel = "m"\nwindow = 8192\n[long_engine]\nwindow = 131072\n'
    )
    found = load(path, environ={}).long_engine
    assert found is not None
    assert (found.url, found.model, found.window) == ("http://x/v1", "m", 131072)
    path.write_text('[engine]\nurl = "http://x/v1"\nmodel = "m"\n[long_engine]\nurl = "http://y/v1"\n')
    found = load(path, environ={}).long_engine
    assert found is not None
    assert (found.url, found.model) == ("http://y/v1", None)


@pytest.mark.parametrize(
    ("said", "gpu"), [("NVIDIA H200", "h200"), ("rtx 4090", "rtx-4090"), ("My-Card", "my-card"), ("L4", "l4")]
)
def test_a_gpu_is_named_as_people_and_drivers_do(said: str, gpu: str) -> None:
    cost = {"gpu": said, "hardware": {"my-card": {"tflops": 1, "bandwidth": 1, "memory": 1}}}
    assert with_known_gpu(load(environ={}, overrides={"cost": cost}).cost).gpu == gpu


@pytest.mark.parametrize(
    ("cost", "says"),
    [
        ({"gpu": "h2000"}, "'cost.gpu' names 'h2000', which is neither known nor a table of cost.hardware; did you"),
        ({"gpu": "an abacus"}, "known: h200, h100"),
        ({"gpu": "l40"}, "did you mean"),
        (
            {"shape": "lama-3.1-8b"},
            "'cost.shape' names 'lama-3.1-8b', which is neither a model's folder nor known",
        ),
        ({"shape": "zzz"}, "known: "),
        ({"rates": "absent.json"}, "Cannot read the rates in absent.json: No such file or directory. See cost.rates."),
    ],
)
def test_costs_of_what_is_not_there_are_refused(here: Path, cost: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)):
        Hybrid(load(environ={}, overrides={"cost": cost}))


TWO = '[engine]\nurl = "http://a/v1"\nmodel = "m"\n[long_engine]\nurl = "http://b/v1"\nmodel = "n"\nwindow = 131072\n'


@pytest.mark.parametrize(
    "named", [{"url": "http://c/v1"}, {"url": "http://a/v1"}, {"model": "x"}, {"kind": "vllm", "model": "x"}]
)
@pytest.mark.parametrize("layer", ["environment", "command line"])
def test_an_engine_that_is_named_later_is_named_for_whole_documents_too(
    tmp_path: Path, named: dict[str, str], layer: str
) -> None:
    file = written(tmp_path, TWO)
    environ = {f"HYBRID_ENGINE_{key.upper()}": value for key, value in named.items()}
    found = load(file, environ=environ) if layer == "environment" else load(file, {"engine": named}, environ={})
    assert found.long_engine is None
    assert all(getattr(found.engine, key) == value for key, value in named.items())
    assert tells_of("long_engine", file, {})


def test_unless_the_long_engine_is_named_beside_it(tmp_path: Path) -> None:
    file = written(tmp_path, TWO)
    environ = {"HYBRID_ENGINE_URL": "http://c/v1", "HYBRID_LONG_ENGINE_URL": "http://d/v1"}
    found = load(file, environ=environ)
    assert (found.engine.url, found.long_engine and found.long_engine.url) == ("http://c/v1", "http://d/v1")
    both = {"engine": {"url": "http://c/v1"}, "long_engine": {"window": 4096}}
    found = load(file, both, environ={})  # the same engine with another window
    assert found.long_engine is not None
    assert (found.long_engine.url, found.long_engine.model, found.long_engine.window) == ("http://c/v1", None, 4096)
    assert load(file, {"engine": {"url": "http://e/v1"}}, environ=environ).long_engine is None


def test_what_names_no_other_engine_leaves_the_long_one(tmp_path: Path) -> None:
    file = written(tmp_path, TWO)
    for given in ({"kind": "server"}, {"max_tokens": 99}, {"url": None, "window": None}):
        assert load(file, {"engine": given}, environ={}).long_engine == load(file, environ={}).long_engine


def test_a_window_is_for_both_engines(tmp_path: Path) -> None:
    file = written(tmp_path, TWO)
    found = load(file, environ={"HYBRID_ENGINE_WINDOW": "4096"})
    assert (found.engine.window, found.long_engine and found.long_engine.window) == (4096, 4096)
    found = load(file, environ={"HYBRID_ENGINE_WINDOW": "4096", "HYBRID_LONG_ENGINE_WINDOW": "8192"})
    assert (found.engine.window, found.long_engine and found.long_engine.window) == (4096, 8192)


def test_the_long_engine_that_is_the_engine_with_changes_follows_another(tmp_path: Path) -> None:
    file = written(tmp_path, '[engine]\nurl = "http://a/v1"\n[long_engine]\nwindow = 131072\nmax_tokens = 900\n')
    found = load(file, {"engine": {"url": "http://c/v1"}}, environ={}).long_engine
    assert found is not None
    assert (found.url, found.window, found.max_tokens) == ("http://c/v1", None, 900)


def test_an_engine_given_to_hybrid_reads_whole_documents_too() -> None:
    settings = load(environ={}, overrides={"long_engine": {"url": "http://127.0.0.1:9/v1", "model": "m"}})
    engine = Extractive(Embedder(settings.embedder))
    with Hybrid(settings, engine=engine) as hybrid:
        assert hybrid.long_engine is hybrid.engine
    with Hybrid(settings, engine=engine, long_engine=settings.long_engine) as hybrid:
        assert hybrid.long_engine.name != hybrid.engine.name


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_variable_is_as_one_that_is_not_set(tmp_path: Path, empty: str) -> None:
    file = written(tmp_path, '[engine]\nurl = "http://a/v1"\n[corpus]\nexclude = ["*.log"]\n')
    names = ("ENGINE_URL", "ENGINE_MODEL", "ENGINE_WINDOW", "LONG_ENGINE_URL", "COST_GPU", "CORPUS_EXCLUDE")
    assert load(file, environ={f"HYBRID_{name}": empty for name in names}) == load(file, environ={})


@pytest.mark.parametrize(
    ("section", "key"),
    [
        *(("engine", "url"), ("engine", "model"), ("long_engine", "url"), ("cost", "gpu"), ("cost", "shape")),
        *(("cost", "rates"), ("routing", "weights"), ("routing", "profile"), ("index", "dir")),
    ],
)
def test_an_empty_name_is_refused(here: Path, section: str, key: str) -> None:
    said = refusal(overrides={section: {key: ""}}, environ={})
    assert said == f"The setting '{section}.{key}' cannot be '': it is empty; name something, or leave it out."


def test_no_gpu_can_be_called_cpu(here: Path) -> None:
    mine = {"tflops": 1, "bandwidth": 1, "memory": 1, "dollars_per_hour": 2}
    said = refusal(overrides={"cost": {"gpu": "cpu", "hardware": {"CPU": mine}}}, environ={})
    assert "the table 'hardware.cpu' has no effect, as 'cpu' says that there is no GPU: rename it." in said
