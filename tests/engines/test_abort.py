"""Ending an engine's call from another thread."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from hybrid.chat.prompts import Prompt
from hybrid.engines.abort import ABORT, Abort, Aborted
from hybrid.engines.server import Server
from hybrid.errors import CalledOff
from hybrid.settings import EngineSettings
from hybrid.types import Piece

PROMPT = Prompt("Where is the office?", (Piece("a", "The office is in Lima.", 0),))


def test_a_server_that_has_not_replied_sees_its_client_leave_and_is_not_asked_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        engine = Server(EngineSettings(kind="server", url=address, model="m", window=4000, retries=2))
        abort, raised = Abort(), []

        def ask() -> None:
            ABORT.set(abort)
            try:
                engine.ask(PROMPT, max_tokens=10)
            except CalledOff as error:
                raised.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        connection, _ = listening.accept()
        connection.recv(65536)
        begun = time.monotonic()
        abort()
        connection.settimeout(5)
        while connection.recv(65536):
            pass  # the rest of the request, and then its end
        thread.join(5)
        assert time.monotonic() - begun < 3
        assert len(raised) == 1
        listening.settimeout(1)
        with pytest.raises(TimeoutError):
            listening.accept()
        connection.close()


def test_nothing_more_begins_once_it_is_over_and_what_has_ended_is_left_alone() -> None:
    abort, ended = Abort(), []
    with abort.by(lambda: ended.append("first")):
        pass
    with pytest.raises(Aborted), abort.by(lambda: ended.append("second")):
        abort()
    with pytest.raises(Aborted), abort.by(lambda: ended.append("third")):
        pytest.fail("it has begun")
    assert ended == ["second"]
