# Two commands for a newcomer: `make run` and `make test`. Needs Python 3.11 or later and make.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
# Test processes per half; each has a database of its own.
WORKERS ?= 2
SPREAD = -n $(WORKERS) --dist worksteal
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-header
export PIP_DISABLE_PIP_VERSION_CHECK = 1
INSTALL := $(BIN)/python -m pip install -qq --require-hashes --no-deps

.DEFAULT_GOAL := help
.PHONY: help run test lint style types templates checks format lock bench clean

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(VENV)/.stamp ## Everything from nothing to a console at 127.0.0.1:8000 (PORT, DATABASE_URL)
	@exec $(BIN)/python manage.py serve

# On PostgreSQL without the tests that come out the same on every database.
test: $(VENV)/.stamp-dev ## The whole suite on SQLite, then on PostgreSQL (ARGS="-k name")
	@failed=0; \
	DATABASE_URL= $(BIN)/pytest $(SPREAD) $(ARGS) || failed=$$?; \
	$(BIN)/python tests/postgres.py $(BIN)/pytest $(SPREAD) --database-only $(ARGS) || failed=$$?; \
	exit $$failed

lint: style types templates checks ## Style, types, templates, migrations, deployment settings

style: $(VENV)/.stamp-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# How much Django's plugin of mypy sees hangs on the order of sets: the same one everywhere.
types: $(VENV)/.stamp-dev
	PYTHONHASHSEED=0 $(BIN)/mypy

templates: $(VENV)/.stamp-dev
	$(BIN)/djlint --lint --quiet templates

checks: $(VENV)/.stamp-dev
	DATABASE_URL= $(BIN)/python manage.py makemigrations --check --dry-run
	DATABASE_URL= WAYLOG_HTTPS=true WAYLOG_ALLOWED_HOSTS=waylog.example.com \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/.stamp-dev ## Put imports and layout right
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: ## Write requirements*.txt anew from pyproject.toml (needs uv)
	$(LOCK) pyproject.toml --output-file requirements.txt
	$(LOCK) pyproject.toml --group dev --output-file requirements-dev.txt

bench: $(VENV)/.stamp ## Recording beside the bare floor (ARGS="--help")
	$(BIN)/python -m tests.benchmarks.recording $(ARGS)

clean: ## Remove the environment and built files; the database under var/ stays
	rm -rf $(VENV) staticfiles .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Waylog needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Say which one to use: make run PYTHON=python3.12" >&2; exit 1; }
	@echo "Making the environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp: requirements.txt | $(BIN)/python
	@echo "Installing what requirements.txt pins …"
	@$(INSTALL) -r requirements.txt
	@touch $@

# requirements-dev.txt holds all of requirements.txt too.
$(VENV)/.stamp-dev: requirements-dev.txt | $(BIN)/python
	@echo "Installing what requirements-dev.txt pins …"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@ $(VENV)/.stamp
