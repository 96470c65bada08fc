"""Without its packages the service says what to install, and everything else works."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(name)
import importlib.util, importlib.machinery
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == {package!r} else real(name, package)
sys.meta_path.insert(0, Blocker())
from hybrid.cli.main import main
main({arguments!r})
"""


@pytest.mark.parametrize("package", ["mcp", "multipart", "prometheus_client", "starlette", "uvicorn", "watchfiles"])
@pytest.mark.parametrize("command", ["serve", "mcp"])
def test_what_is_missing_is_named_with_the_extra(package: str, command: str) -> None:
    code = BLOCKED.format(package=package, arguments=[command, __file__])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert package in done.stderr
    assert "pip install 'hybrid-context[serve]'" in done.stderr
    assert "Traceback" not in done.stderr
