# Every recipe sets up what it needs: on a fresh machine `make demo` and `make test` just work.
# Paths are relative on purpose, so the folder may be called anything, blanks included.

PYTHON ?= python3
VENV   := .venv
CLIENTS := .venv-clients
DOCS   := .venv-docs
NOTEBOOKS := .venv-notebooks
AUDIT  := .venv-audit
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

# A virtual environment knows the folder it was made in: after a move or a copy it is made anew.
$(shell test "$$(cat $(VENV)/home 2>/dev/null)" = "$$PWD" || rm -f $(VENV)/pins $(VENV)/package)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format proof bench parity catalogue clean test-clients docs wheel notebooks audit

help: ## list the recipes
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/package ## make the virtual environment with the pinned tools and lotwise in it

demo: setup ## a small account sizes its first trades and tests a strategy, offline; writes build/demo
	@$(BIN)/lotwise demo --folder build/demo

# Many tests wait for programs of their own (an exchange, a desk, a browser): three at a time keep two cores busy.
# What those programs import is compiled before, once.
test: lint ## everything that must hold before a commit
	$(BIN)/python -m compileall -q -j 2 src
	$(BIN)/python -m pytest -n 3 -q -p tests.spread

test-clients: setup $(CLIENTS)/pins ## other people's clients trade on the local exchange; needs the network once
	LOTWISE_PYTHON="$$PWD/$(BIN)/python" $(CLIENTS)/bin/python -m pytest -q tests/clients

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
	$(BIN)/python -m benchmarks; done=$$?; $(BIN)/python -m tools.benchmark_page && exit $$done

parity: setup ## measure other tools beside lotwise; writes docs/parity.md; needs the network
	$(BIN)/python -m tools.parity

docs: $(DOCS)/pins ## the pages of docs/ as a site in build/site; needs the network once
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --quiet --strict --site-dir build/site

wheel: setup ## build the wheel, install it by itself, with and without extras; needs the network once
	LOTWISE_WHEEL=1 $(BIN)/python -m pytest -q tests/e2e/test_wheel.py

notebooks: setup $(NOTEBOOKS)/pins ## play examples/*.ipynb in a real kernel; needs the network once
	LOTWISE_NOTEBOOKS="$$PWD/$(NOTEBOOKS)/bin/python" $(BIN)/python -m pytest -q tests/docs/test_notebooks.py

audit: $(AUDIT)/pins ## ask whether an advisory is known for a pinned release; needs the network
	for pins in image dev docs; do $(AUDIT)/bin/pip-audit --strict --disable-pip -r requirements/$$pins.txt || exit 1; done

catalogue: setup ## write the dated contract facts anew, from the raw files in LOTWISE_TEST_DATA
	$(BIN)/python tools/build_catalogue.py "$${LOTWISE_TEST_DATA:?must name the folder of raw venue files}"

clean: ## remove what the recipes made
	rm -rf $(VENV) $(CLIENTS) $(DOCS) $(NOTEBOOKS) $(AUDIT) .venv-parity build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
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

$(CLIENTS)/pins: requirements/clients.txt
	$(PYTHON) -m venv --clear $(CLIENTS)
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/clients.txt
	@touch $@

$(DOCS)/pins: requirements/docs.txt
	$(PYTHON) -m venv --clear $(DOCS)
	$(DOCS)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/docs.txt
	@touch $@

$(NOTEBOOKS)/pins: requirements/notebooks.txt
	$(PYTHON) -m venv --clear $(NOTEBOOKS)
	$(NOTEBOOKS)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/notebooks.txt
	@touch $@

$(AUDIT)/pins: requirements/audit.txt
	$(PYTHON) -m venv --clear $(AUDIT)
	$(AUDIT)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/audit.txt
	@touch $@

$(VENV)/package: $(VENV)/pins pyproject.toml requirements/core.in
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@
