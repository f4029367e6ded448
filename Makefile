# `make help` lists what there is. Everything runs in .venv, made on first use from hashed locks.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# Schemathesis gives all its tests one id, and of these the workers of xdist would run one.
ONE_ID := tests/contract/test_rest_openapi.py

.DEFAULT_GOAL := help
.PHONY: help demo run test faults soak check bench proto lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/runtime ## Show the main job on an embedded exchange, then stop
	@$(BIN)/okx-gateway demo

run: .venv/runtime ## Run the same set and keep it up
	@$(BIN)/okx-gateway run

test: .venv/dev ## Run the tests
	$(PYTEST) -n 2 --dist loadfile --ignore $(ONE_ID)
	$(PYTEST) $(ONE_ID)

faults: .venv/dev ## Break things while orders are placed, some minutes; writes build/faults.json
	$(BIN)/python -m tests.faults quick

soak: .venv/dev ## Break them thousands of times; SOAK_MINUTES=30 does a part and goes on next time
	$(BIN)/python -m tests.faults soak $(if $(SOAK_MINUTES),--minutes $(SOAK_MINUTES))

check: .venv/dev ## Everything CI checks: format, lint, types, imports, API, tests, simulated faults
	$(BIN)/ruff format --check src tests tools bench
	$(BIN)/ruff check src tests tools bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/check_api.py
	$(MAKE) test
	$(BIN)/python -m tests.faults quick --only simulated
	$(BIN)/python -m tests.faults quick --only broken

bench: .venv/dev ## Measure the gateway beside its peers; writes build/bench.json
	$(BIN)/python bench/run.py

proto: .venv/dev ## Generate src/okx_gateway/api from proto/
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/generate_api.py

lock: .venv/dev ## Resolve the dependencies anew and pin them with hashes
	$(BIN)/python tools/lock.py

clean: ## Remove what was built, and .venv
	rm -rf .venv build dist .hypothesis .mypy_cache .ruff_cache .import_linter_cache

.venv/runtime: requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $@

.venv/dev: requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch .venv/runtime $@

define install
	@test -n "$(PYTHON)" || { echo "okx-gateway needs Python 3.11 or later; none was found" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "Making .venv with $(PYTHON) ..." && $(PYTHON) -m venv .venv; }
	@echo "Installing $(1) (once; a minute or so) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --only-binary :all: -r $(1)
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps -e .
endef
