# make demo: set up .venv and run the built-in suite `demo`.  make test: the same set-up, developer tools, all checks.
# make check: lint, types, import contracts and the fast tests, in minutes.
# A Python from 3.10 to 3.12 is needed: PYTHON=/path/to/python3.11 make demo

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)

# One thread a process: the harness runs one process a processor, and spinning threads slow each other down.
export OMP_NUM_THREADS ?= 1

IN_TWO := --numprocesses 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test check fast docs fuzz faults bench gpu lint types contracts pytest clean

demo: $(VENV)/installed
	$(BIN)/harness run demo

# Two at a time. `docs` writes what `lint` checks, so it comes after.
test: $(VENV)/developer
	$(MAKE) --jobs 2 lint types contracts
	$(MAKE) --jobs 2 docs pytest

# What a change should pass before it is pushed; minutes. `make test` runs all.
check: lint types contracts fast

lint: $(VENV)/developer
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/python docs/readme_tables.py --check
	$(BIN)/python docs/speed.py --check
	$(BIN)/python docs/result_tables.py --check

types: $(VENV)/developer
	$(BIN)/mypy

contracts: $(VENV)/developer
	$(BIN)/lint-imports

# The documentation, into site/, its tables of results filled from the reference results: a dead link, a page that is in no
# list or a docstring that cannot be read is an error.
docs: $(VENV)/developer
	$(BIN)/python docs/result_tables.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# Two processes, a file of tests in one of them; those that take long come first (tests/helpers/markers.py).
pytest: $(VENV)/developer
	$(BIN)/python -m pytest $(IN_TWO)

fast: $(VENV)/developer
	$(BIN)/python -m pytest $(IN_TWO) -m "not slow and not kill and not fuzz"

# Files spoilt in a hundred thousand ways at every reader; workers and commands killed at fifty random moments, and every verb
# interrupted at twelve.
fuzz: $(VENV)/developer
	FUZZ_INPUTS=$${FUZZ_INPUTS:-100000} $(BIN)/python -m pytest --numprocesses 2 tests/fuzz

faults: $(VENV)/developer
	$(BIN)/python -m tests.harness.faults.rounds
	$(BIN)/python -m tests.harness.faults.interrupts 12

# About an hour; BENCH=--short takes about six minutes of CPU. Its figures are kept in docs/results/speed/, a file a processor.
bench: $(VENV)/developer
	PYTHONPATH=tests $(BIN)/python -m benchmarks $(BENCH)
	$(BIN)/python docs/speed.py runs/bench.json

# On a machine with a graphics card and torch, without .venv, Avalanche, NNI or a network: checks, speed beside the published
# loops, memory and determinism, into runs/gpu.json, in under nine minutes. PYTHON=/path/to/python make gpu
gpu:
	PYTHONPATH=.:tests $(or $(PYTHON),python3) -m benchmarks.gpu $(GPU_OPTIONS)

$(VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python from 3.10 to 3.12 found (NNI and Avalanche carry no other); name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) "setuptools>=77,<81"
	$(PIP) --no-build-isolation --editable .
	$(BIN)/python -W ignore -c "import scenarios.search.nni_experiment"  # NNI writes a file at its first import: not in two workers at once
	touch $@

$(VENV)/developer: $(VENV)/installed
	$(PIP) --no-build-isolation --editable ".[cluster,dev,docs,loggers,one-shot,pandas,privacy,s3,umap,views]"
	touch $@

clean:
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
