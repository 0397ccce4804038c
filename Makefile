# Each target sets up what it needs; `make` alone lists them.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PEERS := .venv-bench/.installed
NOTEBOOK := .venv/.notebook
SITE := .venv-docs/.installed
IO_MANAGER := distributions/dagster-mysql-io-manager
SHELL := /bin/bash
export DAGSTER_DISABLE_TELEMETRY := yes

.DEFAULT_GOAL := help
.PHONY: help demo dev test dagsters check docs format bench lock notebook wheel clean secrets up down logs sbom backup restore mysql test-containers

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

$(INSTALLED): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11 to 3.13 is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED) ## Set up everything and run the main job on a synthetic market.
	$(BIN)/coingecko-pipeline demo

dev: $(INSTALLED) ## Open the UI on http://127.0.0.1:3000.
	$(BIN)/coingecko-pipeline dev

test: $(INSTALLED) ## Set up everything and pass the tests.
	$(BIN)/pytest -n auto --dist loadfile

test-containers: $(INSTALLED) ## Bring the deployment up with Docker, break it, and see it recover.
	$(BIN)/pytest -m containers

# The deprecations of an older Dagster's own modules are not this project's: warnings are no errors here.
dagsters: $(INSTALLED) ## Pass the IO manager's tests on the oldest and the newest Dagster that its wheel takes.
	set -e; for dagster in dagster==1.12.0 dagster; do \
	  $(PYTHON) -m venv --clear .venv-dagster; \
	  .venv-dagster/bin/pip install --quiet --disable-pip-version-check $$dagster ./$(IO_MANAGER) \
	    editables hatchling==1.33.0 hypothesis playwright pytest; \
	  .venv-dagster/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	  .venv-dagster/bin/dagster --version; \
	  .venv-dagster/bin/pytest -W default coingecko_pipeline_tests/warehouse; \
	done

check: $(INSTALLED) ## Lint, format, types and definitions.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/dg check defs
	$(BIN)/dagster definitions validate -w workspace.yaml --log-level warning

format: $(INSTALLED) ## Format the code and mend what can be mended.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

$(PEERS): requirements-bench.lock
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

bench: $(INSTALLED) $(PEERS) ## Measure speed and memory; TEST_MYSQL_URL names the server.
	BENCH_PEERS_PYTHON=.venv-bench/bin/python $(BIN)/python -m benchmarks

$(NOTEBOOK): requirements-notebook.lock $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-notebook.lock
	@touch $@

notebook: $(NOTEBOOK) ## Open docs/analysis.ipynb on the demo's market (make demo fills it), or on DATABASE_URL.
	DATABASE_URL=$${DATABASE_URL:-sqlite:///$(CURDIR)/data/demo/coingecko.db} $(BIN)/jupyter lab docs/analysis.ipynb

$(SITE): requirements-docs.lock
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

docs: $(SITE) ## Make the documents a site in site/, with the API from docstrings; a link that leads nowhere fails.
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict

lock: ## Pin the dependencies again (needs uv).
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-strip-extras --generate-hashes \
	  --no-header --upgrade pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-strip-extras --generate-hashes \
	  --no-header --upgrade pyproject.toml --extra lake --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-strip-extras --generate-hashes \
	  --no-header --upgrade pyproject.toml --group bench -c requirements.lock -o requirements-bench.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-strip-extras --generate-hashes \
	  --no-header --upgrade pyproject.toml --group notebook -c requirements-dev.lock -o requirements-notebook.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-strip-extras --generate-hashes \
	  --no-header --upgrade --group docs -o requirements-docs.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-strip-extras --generate-hashes \
	  --no-header --upgrade --group build -o requirements-build.lock

wheel: $(INSTALLED) ## Build the IO manager alone, for other projects, into dist/.
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist ./$(IO_MANAGER)

secrets: ## Make the deployment's passwords in .env; those that are there stay.
	@docker/make-secrets

up: secrets ## Start the deployment in containers and wait until it is usable (PROFILE=sandbox: without CoinGecko).
	@docker/up $(if $(PROFILE),--profile $(PROFILE))

down: ## Stop the deployment; its data stay.
	@docker/down

logs: ## Follow what the deployment's services say.
	docker compose logs --follow --tail 100

sbom: secrets ## Write what is installed in the image to sbom.cdx.json (CycloneDX).
	@docker compose run --rm --no-deps --no-TTY check cat /opt/coingecko-pipeline/sbom.cdx.json > sbom.cdx.json.part
	@mv sbom.cdx.json.part sbom.cdx.json && echo sbom.cdx.json

backup: ## Dump the deployment's databases into backups/ (BACKUP=file: another file).
	@docker/backup $(BACKUP)

restore: ## Restore a dump into an empty server: make restore BACKUP=backups/….sql.gz
	@docker/restore $(BACKUP)

mysql: ## Open a client as reader, who can select and change nothing.
	@set -a; . ./.env; export MYSQL_PWD="$$MYSQL_READER_PASSWORD"; exec docker compose exec -e MYSQL_PWD mysql mysql --user=reader coingecko

clean: ## Remove the virtual environments and the caches; data/ stays.
	rm -rf .venv .venv-bench .venv-dagster .venv-docs site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
