# DataBridge ERP. Every target sets up what it needs on a clean clone with Python 3.11+ and Node.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/.ready

.PHONY: help setup demo serve lambda test test-lambda test-large test-slow fuzz bench bench-cold bench-pages chaos load infra-test deploy diff destroy \
  check lint types layers css screenshots openapi node_modules

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): requirements.txt requirements-dev.txt constraints.txt
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.local/django.sqlite3: $(READY) accounts/models.py ingestion/rows.py
	@mkdir -p .local
	@$(PY) manage.py migrate --verbosity 0 && touch $@

setup: $(READY) .local/django.sqlite3 ## make .venv with the pinned requirements and the read-only database

demo: setup ## load samples/ through the API from every source kind and keep serving (ONCE=1: end after the table)
	@$(PY) manage.py demo $(if $(ONCE),--once)

serve: setup ## serve the app on http://127.0.0.1:8000 with the embedded AWS
	@$(PY) manage.py serve

.local/browser: $(READY)
	@command -v chromium >/dev/null || { echo "installing Chromium for the browser tests"; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
	  || echo "Chromium could not be installed; the browser tests will say so"
	@mkdir -p .local && touch $@

node_modules:
	@cmp --quiet package-lock.json node_modules/.locked \
	  || { npm ci --no-audit --no-fund --silent && cp package-lock.json node_modules/.locked; }

.local/node: package-lock.json
	@$(MAKE) --silent node_modules || echo "npm could not install; the tests that need its packages will say so"
	@mkdir -p .local && touch $@

.local/servers: $(READY) tests/sources/install.py
	@$(PY) -m tests.sources.install || echo "the tests that need these servers will say so"
	@mkdir -p .local && touch $@

lambda: setup ## serve the app only through the Lambda entry point, with API Gateway's events and limits
	@$(PY) manage.py serve --lambda

test-lambda: setup .local/browser .local/node ## browser and upload tests against the app behind its Lambda entry point
	@DATABRIDGE_TEST_DOOR=lambda $(PY) -m pytest tests/e2e tests/api/test_uploads.py

bench-cold: setup ## what the first request and the first job cost a new instance, and what dominates
	@$(PY) bench/cold.py

test: setup .local/browser .local/node .local/servers ## run all tests
	@DATABRIDGE_WHOLE_SUITE=1 $(PY) -m pytest -n 2 -m "not slow"

test-large: setup .local/node .local/servers ## send 200 MB by tus and 2 GB by FTP, SFTP and HTTP through cut connections
	@$(PY) -m pytest -n 0 -m slow -s tests/api tests/sources

test-slow: setup ## the conversion's slow tests: a line of 2 GB, 50,000 columns, little memory
	@$(PY) -m pytest -n 0 -m slow tests/conversion tests/fuzz

fuzz: setup ## spoil real files and convert them, ten minutes (SECONDS=600 SEED=...); findings go to .local/fuzz
	@$(PY) -m tests.fuzz.run --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))

check: lint types layers test ## everything CI runs

lint: $(READY) node_modules ## style of the code
	@$(PY) -m ruff check . && $(PY) -m ruff format --check .
	@npm run --silent lint

types: $(READY) node_modules ## static types
	@$(PY) -m mypy
	@npm run --silent types

layers: $(READY) ## who may import whom
	@.venv/bin/lint-imports

bench: setup ## speed and memory beside DuckDB, Polars, PyArrow, pandas and fastexcel (CASES="lineitem.csv ...")
	@$(PY) -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@$(PY) bench/run.py $(CASES)

chaos: setup ## kill workers and fail AWS calls at random points (ROUNDS=100 SEED=...)
	@$(PY) tests/chaos/rounds.py --rounds $(or $(ROUNDS),100) $(if $(SEED),--seed $(SEED))

bench-pages: setup .local/browser ## first paint, bytes and requests of each page, in a browser
	@$(PY) -m tests.e2e.paint

load: setup ## 500 jobs by 50 clients at once, and what a list costs among 100,000 jobs
	@$(PY) bench/load.py

STAGE ?= dev
.venv/.infra: $(READY) infra/requirements.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check -r infra/requirements.txt
	@touch $@

infra-test: setup .venv/.infra ## synthesise all stages offline; check them and the embedded AWS against each other
	@$(PY) -m pytest infra/tests

deploy: setup .venv/.infra ## bring a stage to this version of the code (STAGE=dev ADMIN=you@example.com)
	@npm ci --no-audit --no-fund --silent && $(PY) -m infra.deploy deploy $(STAGE) $(if $(ADMIN),--admin $(ADMIN))

diff: setup .venv/.infra ## what a deployment would change (STAGE=dev)
	@npm ci --no-audit --no-fund --silent && $(PY) -m infra.deploy diff $(STAGE)

destroy: setup .venv/.infra ## take a stage down; prod keeps its data (STAGE=dev)
	@npm ci --no-audit --no-fund --silent && $(PY) -m infra.deploy destroy $(STAGE)

css: node_modules ## compile the styles
	@npm run --silent css

screenshots: setup .local/browser ## take the pictures of docs/images anew, in a browser
	@$(PY) -m tests.e2e.screenshots

openapi: setup ## write the API's description
	@$(PY) manage.py spectacular --file docs/openapi.yaml
