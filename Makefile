# `make run` and `make test` do all the set-up on a fresh machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := app.py cli.py auth bench core demo execution explorer gateways graph migrations models resolvers rest rules schema serving subscriptions tests worker
FILE ?= demo/ebay_bids.csv
export PYTHONDONTWRITEBYTECODE ?=

.DEFAULT_GOAL := help

help: ## List the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Souk needs Python 3.11 or newer: set PYTHON=…")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.run

$(VENV)/.explorer: explorer/package-lock.json | $(VENV)/.run
	cd explorer && ../$(BIN)/npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

setup: $(VENV)/.run $(VENV)/.explorer ## Install what the server needs

run: setup ## Start the server with its own database and demo data (PORT, SOUK_DATA_DIR, DATABASE_URL)
	@exec $(BIN)/python cli.py serve

worker: $(VENV)/.run ## Run only the background work (DATABASE_URL)
	@exec $(BIN)/python cli.py worker

migrate: $(VENV)/.run ## Bring the database to the newest revision
	@$(BIN)/python cli.py migrate

replay: $(VENV)/.run ## Play real bid histories through the running server (FILE, ARGS)
	@$(BIN)/python cli.py replay $(FILE) $(ARGS)

test: $(VENV)/.dev $(VENV)/.explorer ## Run the tests, a process for each processor (ARGS="-k name": those, in one)
	@$(BIN)/python -m pytest $(or $(ARGS),-n auto --dist loadfile)

check: $(VENV)/.dev ## Lint, types, architecture, printed schema, migrations
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy $(SOURCES)
	@$(BIN)/python -m pytest tests/test_architecture.py
	@$(BIN)/python cli.py schema --check
	@$(BIN)/python cli.py check-migrations

fmt: $(VENV)/.dev ## Format and mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet $(SOURCES) || true
	@$(BIN)/ruff format $(SOURCES)

schema: $(VENV)/.run ## Print schema.graphql
	@$(BIN)/python cli.py schema

bench: $(VENV)/.dev ## Measure Souk beside others, some 7 minutes (ARGS="--quick", "--profile")
	@$(BIN)/python -m bench $(ARGS)

lock: $(VENV)/.dev ## Resolve the dependencies anew into the lock files
	@$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --quiet --upgrade -o requirements.lock
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --quiet --upgrade -o requirements-dev.lock

.PHONY: help setup run worker migrate replay test check fmt schema bench lock
