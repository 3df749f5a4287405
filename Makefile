# `make demo` opens the application, `make test` runs everything that must pass. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READY_DEV := $(VENV)/.ready-dev
TEST_PROCESSES ?= 3
# Modules are compiled when they are first imported, and most of them never are.
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable

.PHONY: demo test check physics bench browser clean

demo: $(READY)
	$(BIN)/so3k serve --open

test: check browser
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

check: $(READY_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/basedpyright

physics: $(READY_DEV)
	$(BIN)/python -m pytest -m physics

bench: $(READY_DEV)
	$(BIN)/python -m benchmarks

browser: $(READY_DEV)
	@$(BIN)/python tests/browser/get_browser.py

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; run: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made; on Debian or Ubuntu run: apt install python3-venv"; exit 1; }

$(READY): $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) .
	@touch $@

$(READY_DEV): $(VENV)/bin/python pyproject.toml constraints.txt
	$(INSTALL) '.[dev]'
	@touch $(READY) $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
