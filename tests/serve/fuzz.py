"""Thousands of requests made from `/openapi.json`: `make fuzz`. None may get a reply of 500 and more.

schemathesis makes them, right ones and wrong ones; it lies in an environment of its own, as it wants other versions
of what the tests use. Afterwards the service has to answer a question as before, and its log to hold no traceback.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.serve.conftest import CODE, LEASE, Running, running


def main(schemathesis: str, examples: str = "320") -> int:
    """Ask; 0 where the service stood it.

    Args:
        schemathesis: the program.
        examples: that it makes for each address and method.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "lease.md").write_text(LEASE, "utf-8")
        (home / "prices.py").write_text(CODE, "utf-8")
        with running(home, f"lease={home / 'lease.md'}", f"code={home / 'prices.py'}") as service:
            _answers(service)
            command = [schemathesis, "run", f"{service.url}/openapi.json", "--checks", "not_a_server_error"]
            command += ["--max-examples", examples, "--continue-on-failure", "--request-timeout", "60", "--no-color"]
            found = subprocess.run(command, check=False)
            _answers(service)
        log = (home / "log").read_text("utf-8")
    lines = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    statuses = Counter(line["status"] for line in lines if "status" in line)
    told = ", ".join(f"{status}: {number}" for status, number in sorted(statuses.items()))
    print(f"{sum(statuses.values())} requests, by status: {told}")
    bad = "Traceback" in log or max(statuses) >= 500
    return int(bad or found.returncode != 0)


def _answers(service: Running) -> None:
    """It answers a question as it should."""
    message = {"role": "user", "content": "When does the lease end?"}
    reply = service.post("/v1/chat/completions", json={"model": "lease", "messages": [message]})
    assert "28 February 2027" in reply.json()["choices"][0]["message"]["content"], reply.text


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
