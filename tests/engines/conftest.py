"""What the tests of engines share."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.engines.double import Double


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Double() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
