"""The settings file that names the engines of running servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid.errors import SettingsError
from hybrid.files import write
from hybrid.serving.settings_file import with_engines
from hybrid.settings import EngineSettings, load
from tests.serving.conftest import LONG, NATIVE


def test_a_new_with_engines(tmp_path: Path) -> None:
    file = tmp_path / "hybrid.toml"
    write(file, with_engines(file, [NATIVE, LONG]))
    settings = load(file, environ={})
    assert settings.engine == EngineSettings(kind="server", url="http://127.0.0.1:8000/v1", model="model", window=4096)
    assert settings.long_engine is not None
    assert (settings.long_engine.url, settings.long_engine.window) == ("http://127.0.0.1:8001/v1", 16384)
    assert [path.name for path in tmp_path.iterdir()] == ["hybrid.toml"]
    assert with_engines(file, [NATIVE, LONG]) == file.read_text()


def test_other_sections_and_comments_stay(tmp_path: Path) -> None:
    file = tmp_path / "hybrid.toml"
    file.write_text('# mine\n[engine]\nkind = "extractive"\n\n[retrieval] # few\nk = 3\n')
    with pytest.raises(SettingsError, match=r"names other engines in \[engine\]: replace them with --force"):
        with_engines(file, [NATIVE])
    write(file, with_engines(file, [NATIVE], force=True))
    assert file.read_text().startswith("# mine\n[retrieval] # few\nk = 3\n\n[engine]")
    settings = load(file, environ={})
    assert (settings.retrieval.k, settings.engine.window, settings.long_engine) == (3, 4096, None)


@pytest.mark.parametrize("text", ["[engine", 'x = """\n[engine]\n"""\n[engine]\nkind = "server"\n'])
def test_a_file_that_is_not_understood_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hybrid.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"(?i)name another file"):
        with_engines(file, [NATIVE], force=True)
    assert file.read_text() == text


def test_a_key_is_named_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "secret")
    text = with_engines(tmp_path / "hybrid.toml", [NATIVE])
    assert 'api_key_env = "VLLM_API_KEY"' in text
    assert "secret" not in text
