"""Services for the tests: the real program, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

pytest.importorskip("starlette", reason="the service needs hybrid-context[serve]")

LEASE = """# Lease

Between Harbour Estates Ltd (the "Landlord") and Maren Olsen (the "Tenant").

## Term

The lease begins on 1 March 2024. It ends on 28 February 2027 without notice being necessary.

## Rent

The monthly rent is 1,240 pounds. It is due on the third working day of each month.
"""
CODE = '''"""Prices."""


def total(prices):
    """The sum of the prices."""
    return sum(prices)
'''


@dataclass
class Running:
    """A service that runs."""

    url: str
    process: subprocess.Popen[str]
    home: Path

    @cached_property
    def client(self) -> openai.OpenAI:
        """OpenAI's own client of it."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key="not needed", max_retries=0)

    def get(self, path: str, **more: Any) -> httpx.Response:
        """A request; hosts and such are the test's own."""
        return httpx.get(f"{self.url}{path}", timeout=60, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        """Likewise."""
        return httpx.post(f"{self.url}{path}", timeout=60, **more)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(home: Path, *arguments: str, first: str = "", **environment: str) -> Iterator[Running]:
    """A service with its uploads, caches and log in `home`; `first` is Python that its process runs before."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("HYBRID_")}
    own = {"XDG_CACHE_HOME": str(home / "cache"), "HYBRID_SERVE_UPLOADS": str(home / "uploads")}
    program = f"{first}\nfrom hybrid.cli.main import main; main()"
    with (home / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", program, "serve", *arguments, "--port", "0", "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=home,
            env={**known, **own, **environment},
        )
        assert process.stdout is not None
        told = ""
        try:
            for line in process.stdout:
                told += line
                if line.startswith("}"):
                    break
            assert told, (home / "log").read_text()
            found = Running(json.loads(told)["url"], process, home)
            yield found
            if "client" in vars(found):
                found.client.close()
        finally:
            process.terminate()
            process.wait(timeout=30)
            process.stdout.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service over a contract and some code, which answers with quotations."""
    home = tmp_path_factory.mktemp("service")
    (home / "contracts").mkdir()
    (home / "code").mkdir()
    (home / "contracts" / "lease.md").write_text(LEASE, "utf-8")
    (home / "code" / "prices.py").write_text(CODE, "utf-8")
    with running(home, "contracts", "code") as found:
        yield found
