# A fresh machine needs Python 3.11 to 3.13, git and make; everything else is fetched here.
.DEFAULT_GOAL := help
PYTHON ?= python3
DEST ?= ../my-study
ANSWERS ?= example-answers/minimal.yml
GITLAB := tests/project/gitlab-ci-local
PYTEST := .venv/bin/pytest --numprocesses 2 --dist worksteal
UV := $(or $(shell uv --version >/dev/null 2>&1 && command -v uv),.uv/bin/uv)
export UV_PYTHON_DOWNLOADS := never
.PHONY: help demo test tests unit render update project lint format bench canary lock clean

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(UV) ## render a study, reproduce it, show what it made (DEST=folder)
	@UV="$(UV)" PYTHON="$(PYTHON)" ANSWERS="$(ANSWERS)" sh .ci/demo "$(DEST)"

test: lint tests ## everything CI runs

lint: .venv/ready ## format, lint and types of everything, the template's Python included
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy hooks template/src/data_versioning tests benchmarks

# All at once: tiers in a row would collect four times over, and end in four waits for the last test.
tests: .venv/ready $(GITLAB)/node_modules/ready
	$(PYTEST) tests/unit tests/render tests/update tests/project

unit render update project: .venv/ready ## one tier of the tests
	$(PYTEST) tests/$@

project: $(GITLAB)/node_modules/ready

canary: .venv/ready ## does a study still run with the newest packages? (reports, gates nothing)
	.venv/bin/pytest -m network tests/canary

format: .venv/ready ## format everything
	.venv/bin/ruff check --fix --quiet .
	.venv/bin/ruff format .

bench: .venv/ready ## measure against the peers; writes docs/reference/benchmarks.md
	.venv/bin/python -m benchmarks

lock: $(UV) ## take the newest development tools
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-emit-index-url --custom-compile-command "make lock" \
		requirements-dev.in --output-file requirements-dev.txt

clean: ## delete what these targets made here
	rm -rf .venv .uv .hypothesis .mypy_cache .pytest_cache .ruff_cache $(GITLAB)/node_modules

.venv/ready: requirements-dev.txt | $(UV)
	$(UV) venv --quiet --allow-existing --python "$(PYTHON)" .venv
	VIRTUAL_ENV=.venv $(UV) pip sync --quiet --require-hashes requirements-dev.txt
	@touch $@

# Runs a study's GitLab jobs; its lock holds hashes and no registry's address.
$(GITLAB)/node_modules/ready: $(GITLAB)/package-lock.json | .venv/ready
	.venv/bin/npm ci --silent --no-audit --no-fund --prefix $(GITLAB)
	@touch $@

# Only where there is no uv: the version and hashes that requirements-dev.txt names.
.uv/bin/uv:
	$(PYTHON) -m venv .uv
	@awk '/^uv==/ { found = 1 } found { print; if (!/\\$$/) exit }' requirements-dev.txt >.uv/uv.txt
	.uv/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --requirement .uv/uv.txt
