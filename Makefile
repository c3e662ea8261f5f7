# The only list of commands; `make help` shows it. All a machine needs is Python 3.11 to 3.14 with venv, make and git.

.DEFAULT_GOAL := help
.PHONY: help up test check lint types format e2e bench docs prices lock changelog clean

# A Python to make .venv with: `make test PYTHON=/path/to/python3.13` wins over what is found.
PYTHONS := $(if $(PYTHON),$(PYTHON),python3 python3.13 python3.12 python3.11 python3.14)
BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PYTEST := $(BIN)/python -m pytest
# Half of the time on two cores, and no more processes than there are cores.
PARALLEL := $(PYTEST) -n auto
RESOLVE := $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

up: $(READY) ## Run a gateway with a demo pack, offline where no provider key is set
	@$(BIN)/kt up $(ARGS)

test: $(READY) ## The quick tests, in parallel
	$(PARALLEL) -m "not slow"

check: lint types $(READY) ## Everything that must be green: lint, types, layers, all tests, coverage of the pure core
	$(PARALLEL) --cov

lint: $(READY) ## Style, formatting and the layers
	$(BIN)/python -m ruff check --quiet .
	$(BIN)/python -m ruff format --check --quiet .
	$(BIN)/lint-imports --no-cache > .venv/layers.txt || { cat .venv/layers.txt; exit 1; }

types: $(READY) ## Strict typing
	$(BIN)/python -m mypy --no-error-summary

format: $(READY) ## Rewrite what the formatter and the safe fixes can
	$(BIN)/python -m ruff check --fix --quiet . || true
	$(BIN)/python -m ruff format --quiet .

e2e: $(READY) ## The real SDKs against a real gateway process
	$(PARALLEL) tests/system

bench: $(READY) ## Measure the gateway on this machine
	$(BIN)/python benchmarks/run.py $(ARGS)

docs: $(READY) ## Write the generated pages again
	$(BIN)/python -m keeptrusts.cli.reference docs/reference/commands.md

prices: $(READY) ## Write the table of prices again, from the newest genai-prices
	$(BIN)/python -m uv run --quiet --no-project --isolated --with genai-prices tools/prices.py src/keeptrusts/config/prices.json

lock: $(READY) ## Resolve the lock files again; UPGRADE=1 takes newer versions
	$(RESOLVE) pyproject.toml -o requirements.lock
	$(RESOLVE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

changelog: $(READY) ## Move the fragments into CHANGELOG.md: VERSION=0.2.0
	$(BIN)/towncrier build --yes --version "$(VERSION)"

clean: ## Remove the virtual environment and all caches
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: made once, and again whenever the lock or the project's own metadata changed.
$(READY): requirements-dev.lock pyproject.toml
	@set -e; \
	if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		found=; \
		for python in $(PYTHONS); do \
			if "$$python" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; \
			then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "make: no Python 3.11 to 3.14 with the venv module found; tried: $(PYTHONS)" >&2; \
			for python in $(PYTHONS); do \
				echo "  $$python: $$("$$python" --version 2>&1 | head -n 1)" >&2; \
			done; \
			echo "  Install one (on Debian and Ubuntu: apt-get install python3.11 python3.11-venv)," >&2; \
			echo "  or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; \
			exit 1; \
		fi; \
		echo "Making .venv with $$("$$found" --version)"; \
		rm -rf .venv; \
		"$$found" -m venv .venv; \
	fi; \
	echo "Installing what requirements-dev.lock pins"; \
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock; \
	$(PIP) install --quiet --no-deps --no-build-isolation -e .; \
	touch $(READY)
