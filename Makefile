# Everything a developer needs is one word. `make run` and `make test` work as the first command on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DIR ?= manifests
PYTEST_ARGS ?=

.PHONY: run test check format bench shot wheel clean

run: $(VENV)/.run ## the terminal app on the sample shop (DIR=folder for another one)
	$(BIN)/ktui $(DIR)

test: $(VENV)/.dev ## all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

check: $(VENV)/.dev ## format, lint, types, import rules, tidiness
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_tidy.py

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## the budgets of the design, as a table and as JSON (bench.json)
	$(BIN)/python -m tests.bench --json bench.json

shot: $(VENV)/.dev ## screenshots of the app as PNG into shots/
	$(BIN)/python -m tests.app.shots shots

wheel: $(VENV)/.dev ## the wheel, with themes/ and manifests/ inside
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build shots bench.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "ktui needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.run
