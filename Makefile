# `make help` lists what there is to make. Everything happens in .venv, which is made when needed.

PYTHON ?= python3
DEMO_ARGS ?=
# Three tests at a time, some of which only wait; tests of one group, such as those that measure time, one after another.
PYTEST_ARGS ?= -n 3 --dist=loadgroup

VENV := .venv
BIN := $(VENV)/bin

# Checks and tools need settings, and settings need a secret key: with debug one is made up.
DEBUG := BIRDWATCHER_DEBUG=$${BIRDWATCHER_DEBUG:-1}

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz chaos soak bench pictures docs lint format lock clean
.DELETE_ON_ERROR:

help: ## list these targets
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST))
	@echo "PYTHON=python3.12 chooses the Python of the environment, from 3.11 on."

demo: $(VENV)/.installed ## show it at work: web UI, simulated nodes, daemon; Ctrl-C ends it
	@$(DEBUG) exec $(BIN)/python manage.py demo $(DEMO_ARGS)

test: $(VENV)/.installed-tests ## run every test that this machine can run
	$(BIN)/python -m pytest $(PYTEST_ARGS)

fuzz: $(VENV)/.installed-tests ## a million packets, all that the API's schema allows, a search by coverage: SECONDS=60
	$(BIN)/python -m pytest -q tests/fuzz
	$(BIN)/python -m tests.fuzz.million
	BIRDWATCHER_FUZZ_API=1 $(BIN)/python -m pytest -q tests/integration/api/test_live_server.py -k schema
	$(BIN)/python -m tests.fuzz.search --seconds $(or $(SECONDS),60)

chaos: $(VENV)/.installed-tests ## break everything under load, then balance the books: MINUTES=30
	BIRDWATCHER_CHAOS_MINUTES=$(or $(MINUTES),30) $(BIN)/python -m pytest -s tests/chaos/test_storm.py

soak: $(VENV)/.installed-tests ## let nodes come and go for hours in minutes: MINUTES=10 DATABASE=sqlite
	BIRDWATCHER_SOAK_MINUTES=$(or $(MINUTES),10) BIRDWATCHER_SOAK_DATABASE=$(DATABASE) \
		$(BIN)/python -m pytest -s tests/soak/test_long_soak.py

bench: $(VENV)/.installed-tests ## measure against the machine's limits: FIGURES=throughput,latency DATABASE=sqlite
	$(BIN)/python -m tests.benchmarks --figures "$(FIGURES)" --database "$(DATABASE)"

pictures: $(VENV)/.installed-tests ## take the pictures in tests/browser/pictures anew, with Chromium
	$(BIN)/python -m tests.browser.pictures

docs: $(VENV)/.installed-tests ## write anew what is made from the code: tables of settings, the drawing of the rooms
	$(DEBUG) $(BIN)/python -m birdwatcher.configuration.document
	$(BIN)/python -m tests.support.rooms

lint: $(VENV)/.installed-tests ## check the code: ruff, its format, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(DEBUG) $(BIN)/mypy

format: $(VENV)/.installed-tests ## repair what ruff can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Every package with the hashes of its files, for every Python and system that it can be installed on.
UV_COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --upgrade \
	--universal --python-version 3.11 --generate-hashes

lock: $(VENV)/.created ## upgrade every package within requirements.txt, and write the locked files anew
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV_COMPILE) --output-file requirements.lock requirements.txt
	$(UV_COMPILE) --constraint requirements.lock --output-file tests/requirements.lock tests/requirements.txt

clean: ## remove the environment and all caches; var/, with the data, stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are younger than what was installed from: a changed file is installed again.
$(VENV)/.installed: requirements.lock | $(VENV)/.created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed-tests: tests/requirements.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.lock
	@touch $@

# Debian's python3 has no ensurepip, and venv no pip, until the package python3-venv is installed. A
# pip that is there for other reasons can install another one into an environment without.
$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) is not there: install Python 3.11 or later (apt install python3), or name one with PYTHON=" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is `$(PYTHON) -V 2>&1`, but Birdwatcher needs 3.11 or later: name one with PYTHON=python3.11" >&2; \
		exit 1; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		$(PYTHON) -m venv $(VENV); \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
		$(PYTHON) -m venv --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check pip; \
	else \
		echo "$(PYTHON) cannot make an environment with pip: apt install python3-venv" >&2; \
		exit 1; \
	fi
	@touch $@
