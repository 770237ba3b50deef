# Every target carries its own help text after "##"; `make help` prints them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test reliability bench bench-ratings bench-scales bench-decisions bench-combined coverage check lock clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready  ## create .venv with the locked dependencies (tests included); the command is then .venv/bin/arena

$(VENV)/.ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Clinical Arena needs Python 3.11 or newer; call make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## serve a sample study on a fresh SQLite database and print the links to open
	$(BIN)/arena demo

test: setup  ## run the tests (the browser tests too where a Chromium is installed)
	$(BIN)/python -m pytest -n 2

reliability: setup  ## run the tests of faults, load and tampering in their long form (about 14 minutes)
	ARENA_TESTS=long $(BIN)/python -m pytest -n 2 -m reliability

bench: setup  ## measure the server under load; ARGS="--seconds 10 --raters 8 --database sqlite" to do less
	$(BIN)/python -m benchmarks.load $(ARGS)

bench-ratings: setup  ## measure the rating engine beside other packages (about 5 minutes; benchmarks/README.md)
	$(BIN)/python -m benchmarks.ratings $(ARGS)

bench-decisions: setup  ## measure planned widths, the choice of pairs and what is declared settled, in simulated studies (about 10 minutes)
	$(BIN)/python -m benchmarks.planning $(ARGS)
	$(BIN)/python -m benchmarks.settled $(ARGS)
	$(BIN)/python -m benchmarks.selection $(ARGS)

bench-combined: setup  ## count how often intervals from human and judge votes hold, and how much shorter they are (about 20 minutes)
	$(BIN)/python -m benchmarks.combined $(ARGS)

bench-scales: setup  ## measure boards of 10,000 to 5,000,000 stored votes (about half an hour); ARGS="--votes 10000 --place sqlite" to do less
	$(BIN)/python -m benchmarks.scales $(ARGS)

coverage: setup  ## count how often intervals and rank sets hold the truth in simulated studies (about 30 minutes)
	$(BIN)/python -m benchmarks.coverage $(ARGS)

check: setup  ## lint, format check, strict types and the architecture test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

lock:  ## resolve the dependencies anew into requirements.txt, with hashes
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --group dev pyproject.toml --output-file requirements.txt
	rm -rf $(VENV)-lock

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
