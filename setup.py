"""What the wheel holds: `evals/` and `pipelines/` stand at the top of the tree and are installed inside `hybrid`.

Their own names belong to other distributions. The documents and the model that suites ask about come along from
`examples/`, at the same place seen from a suite.
"""

from setuptools import find_packages, setup

BESIDE = ("evals", "pipelines")
CARRIED = ("contracts", "filing", "testbed")
KEPT = find_packages(include=[f"{name}*" for name in BESIDE], exclude=["evals.research*", "evals.bench.short*"])

setup(
    packages=[
        *find_packages(include=["hybrid*"]),
        *(f"hybrid.{name}" for name in KEPT),
        *(f"hybrid.examples.{name}" for name in CARRIED),
    ],
    package_dir={f"hybrid.{name}": name for name in (*BESIDE, "examples")},
)
