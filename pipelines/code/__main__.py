"""`python -m hybrid.pipelines.code` is the command `hybrid code`."""

import sys

from hybrid.pipelines.code.cli import code

from hybrid.cli.main import guarded

if __name__ == "__main__":
    sys.exit(guarded(code))
