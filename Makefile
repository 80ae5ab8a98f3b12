.DEFAULT_GOAL := help
.PHONY: help run install test check lint types floor pins bench answers contract lock sbom doctor dev clean
SHELL := /bin/bash

PYTHON ?= python3
BIN := .venv/bin
FLOWGRAIN_HOME ?= $(CURDIR)/.flowgrain
export FLOWGRAIN_HOME
# The linter compiles against an empty vault of its own.
LINT_HOME := $(FLOWGRAIN_HOME)/vault/ops/lint
# What dbt leaves behind stays in the vault.
export DBT_TARGET_PATH := $(FLOWGRAIN_HOME)/vault/ops/target
export DBT_LOG_PATH := $(FLOWGRAIN_HOME)/vault/ops/logs
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DO_NOT_TRACK := 1

help: ## Show what can be made.
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: install ## Install, land the demo organisation, build, test, publish, and print what comes out.
	@$(BIN)/flowgrain land demo
	@$(BIN)/flowgrain build
	@$(BIN)/flowgrain publish
	@$(BIN)/flowgrain summary

install: .venv/installed profiles.yml ## Install what is locked, into .venv.

.venv/installed: requirements.lock pyproject.toml packages.yml package-lock.yml packages/install.py
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
		|| { echo "flowgrain needs Python 3.11 to 3.13; set PYTHON=... to one."; exit 1; }
	@command -v git >/dev/null || { echo "flowgrain needs git; install it."; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "flowgrain needs Python's venv (Debian: python3-venv)."; exit 1; }
	@echo "Installing what requirements.lock names, with its hashes ..."
	@# Wheels alone: what is built from source runs a script of its own.
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python packages/install.py
	@touch $@

profiles.yml:
	@cp profiles.yml.example profiles.yml

test: install ## Run every test, on two cores.
	@$(BIN)/pytest --numprocesses 2 --dist loadgroup

check: lint types floor test ## Everything that must be green before a commit.

lint: install ## Style of Python and SQL.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@mkdir -p $(LINT_HOME)/vault
	@FLOWGRAIN_HOME=$(LINT_HOME) DBT_TARGET_PATH=$(LINT_HOME)/target $(BIN)/sqlfluff lint models tests/singular

types: install ## Types of the Python code.
	@$(BIN)/mypy

bench: install ## Time the door, the bus factor and Dagster; simulate what the floor leaves of teams of each size.
	@$(BIN)/python benchmarks/landing.py
	@$(BIN)/python benchmarks/floor_cost.py
	@$(BIN)/python benchmarks/bus_factor.py
	@$(BIN)/python benchmarks/dagster_overhead.py

answers: install ## Write docs/questions.md anew, from what is published.
	@$(BIN)/python -m orchestration.questions

contract: install ## Bring the contract's pages and dbt's source files in step with what sources may land.
	@$(BIN)/python -m orchestration.landing.contract_pages

lock: ## Renew requirements.lock (needs uv).
	@uv pip compile --extra dev --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-emit-index-url --no-emit-find-links --no-header --quiet pyproject.toml -o requirements.lock

sbom: install ## List every package with its licence in sbom.cdx.json, as CycloneDX (needs uv).
	@uvx --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py environment .venv --pyproject pyproject.toml \
		--output-reproducible --output-file sbom.cdx.json

floor: install ## Hold the project against the grain floor: no model may tell of a person.
	@$(BIN)/flowgrain check

pins: install ## Pin the guard as it stands: after a review of what changed in it.
	@$(BIN)/flowgrain check --pin

doctor: install ## List what is not mapped, stale, quarantined or not measurable, and why.
	@$(BIN)/flowgrain doctor

dev: install ## Open Dagster on http://127.0.0.1:3000.
	@$(BIN)/flowgrain dev

clean: ## Forget all that landed, was built and published; the installation stays.
	rm -rf $(FLOWGRAIN_HOME) .organisation
