# Every recipe sets up what it needs: on a fresh machine `make demo` and `make test` just work.
# Paths are relative on purpose, so the folder may be called anything, blanks included.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

# A virtual environment knows the folder it was made in: after a move or a copy it is made anew.
$(shell test "$$(cat $(VENV)/home 2>/dev/null)" = "$$PWD" || rm -f $(VENV)/pins $(VENV)/package)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format proof bench parity catalogue clean

help: ## list the recipes
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/package ## make the virtual environment with the pinned tools and lotwise in it

demo: setup ## a small account sizes its first trades and tests a strategy, offline; writes build/demo
	@$(BIN)/lotwise demo --folder build/demo

test: lint ## everything that must hold before a commit
	$(BIN)/python -m pytest -n 2 -q

lint: setup ## style, types and floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

format: setup ## put the source in its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proof: $(VENV)/cluster ## the laws and twins at full counts, where a source changed since (ALL=1: everywhere): long
	LOTWISE_PROFILE=proof $(BIN)/python tools/proof.py $(if $(ALL),--all)

bench: setup ## measure, and check that results stay the same
	$(BIN)/python -m benchmarks

parity: setup ## measure other tools beside lotwise; writes docs/parity.md; needs the network
	$(BIN)/python -m tools.parity

catalogue: setup ## write the dated contract facts anew, from the raw files in LOTWISE_TEST_DATA
	$(BIN)/python tools/build_catalogue.py "$${LOTWISE_TEST_DATA:?must name the folder of raw venue files}"

clean: ## remove what the recipes made
	rm -rf $(VENV) .venv-parity build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pins: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("lotwise needs Python 3.11 or newer: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@pwd > $(VENV)/home
	@touch $@

$(VENV)/cluster: $(VENV)/package requirements/cluster.txt
	$(PIP) install --quiet --require-hashes -r requirements/cluster.txt
	@touch $@

$(VENV)/package: $(VENV)/pins pyproject.toml requirements/core.in
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@
