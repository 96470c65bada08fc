"""The service. Importing any of it without its packages says what to install."""

from importlib.util import find_spec

from hybrid.errors import MissingDependency

for _package in ("mcp", "multipart", "prometheus_client", "starlette", "uvicorn", "watchfiles"):
    if find_spec(_package) is None:
        raise MissingDependency(_package, "serve", "Serving")
