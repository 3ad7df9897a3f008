# Everything here works on a machine that has Python 3.11 or newer and make: the first target you ask for creates .venv and
# installs what it needs into it, again whenever pyproject.toml has changed. The same by hand, for Windows: CONTRIBUTING.md.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.DEFAULT_GOAL := help

BIN := .venv/bin

# Where the environment says that no compiled files are to be kept, each of the hundreds of programs that tests start would compile
# all its libraries again.
unexport PYTHONDONTWRITEBYTECODE

# Four processes on a small machine, where each waits for something most of the time: tests kill and restart bots and have a
# PostgreSQL server per process. `make test WORKERS=0` runs in one process, which is what a debugger wants.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$(( n < 4 ? 4 : n > 6 ? 6 : n )))
PYTEST ?= $(BIN)/pytest -n $(WORKERS) --dist worksteal

.PHONY: help demo test check lint format imports types docs packaging long soak bench wheel libraries words demo-svg clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: .venv/.ready-demo ## a shop bot sells to simulated buyers; no token, no Telegram
	@$(BIN)/neonpay demo

test: .venv/.ready-dev ## the tests, on SQLite and on PostgreSQL
	$(PYTEST) -m "not build and not long"

check: .venv/.ready-dev ## all that CI runs
	@# What needs one processor runs beside what waits for installations, and is printed when it is done.
	@log="$$(mktemp)"; ended=0; $(MAKE) --no-print-directory -k lint imports types docs >"$$log" 2>&1 & \
	$(MAKE) --no-print-directory packaging || ended=1; \
	wait $$! || ended=1; cat "$$log"; rm -f "$$log"; exit $$ended
	$(MAKE) --no-print-directory long test

lint: .venv/.ready-dev ## style, and whether the files are formatted
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: .venv/.ready-dev ## format the files and mend what ruff can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

imports: .venv/.ready-dev ## who may import whom
	$(BIN)/lint-imports

types: .venv/.ready-dev ## mypy, strict
	$(BIN)/mypy

docs: .venv/.ready-dev ## the documentation into docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -q -E -W --keep-going -n -b html docs docs/_build/html

packaging: .venv/.ready-dev ## the wheel in an empty environment, the lowest versions, public types, every example
	@# Those that take longest first, so that neither processor waits for the other at the end.
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -p no:randomly -m build --durations=8 \
		tests/packaging/test_forks.py tests/packaging/test_lowest_libraries.py tests/packaging tests/e2e tests/integration/testing

long: .venv/.ready-dev ## the tests that take long: every library, the simulator, kills, programs, a pooler, the page (pgbouncer, Chromium, age and zstd have to be there)
	$(PYTEST) -m "long and not build"

# `make soak SOAK="--minutes 5"`; all options: .venv/bin/python -m tests.failure.soak --help
SOAK ?= --payments 100000 --kills 1000
soak: .venv/.ready-dev ## sell and kill for the better part of an hour, and count what was lost or doubled
	$(BIN)/python -m tests.failure.soak $(SOAK)

bench: .venv/.ready-dev ## how fast payments are recorded and delivered, and checkouts answered
	$(BIN)/python benchmarks/paid_updates.py
	$(BIN)/python benchmarks/workers.py
	$(BIN)/python benchmarks/checkout_burst.py
	$(BIN)/python benchmarks/reconcile.py
	$(BIN)/python benchmarks/simulator.py
	$(BIN)/python benchmarks/analytics.py
	$(BIN)/python benchmarks/dashboard_beside_sales.py
	$(BIN)/python benchmarks/notifications_beside_sales.py
	$(BIN)/python benchmarks/seen_beside_sales.py

wheel: $(BIN)/python ## the package as one file in dist/, and the line that installs it
	@rm -f dist/neonpay-*.whl
	@if command -v uv >/dev/null; then uv build --quiet --wheel --out-dir dist; \
	else $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .; fi
	@echo "pip install \"$$(ls dist/neonpay-*.whl)[aiogram,simulator]\""

libraries: .venv/.ready-dev ## the tables of bot libraries and of simulated methods, made again from the code
	PYTHONPATH=. $(BIN)/python tools/library_table.py
	PYTHONPATH=. $(BIN)/python tools/simulated_methods.py

words: .venv/.ready-dev ## the gettext catalogues of what neonpay says in Telegram, made to agree with the source and compiled
	PYTHONPATH=. $(BIN)/python tools/words.py

demo-svg: .venv/.ready-demo ## the demo's picture in README.md, made again
	$(BIN)/neonpay demo --svg docs/_static/demo.svg

clean: ## remove .venv and everything that was built
	rm -rf .venv build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage .coverage.*
	find neonpay tests examples benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} +

# uv is quicker where it is installed; pip, which comes with Python, does the same.
INSTALL = if command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python $(1); \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input $(1); fi

# Whether a wheel is installed in .venv: an editable install lists no module.
HAS_WHEEL = $(BIN)/python -I -c 'import importlib.metadata as m, sys; \
	sys.exit("neonpay/cli/demo/__init__.py" not in map(str, m.distribution("neonpay").files or ()))' 2>/dev/null

# The demo needs a quarter of what the tests need, so a first look does not wait for the rest. A wheel that somebody has
# installed stays: it is what they look at.
# By a name, since a comma would end the argument of a call.
DEMO := .[simulator,web]
.venv/.ready-demo: pyproject.toml | $(BIN)/python
	@if $(HAS_WHEEL); then echo "Showing the neonpay that is installed in .venv, and not this tree"; \
	else echo "Installing what the demo needs into .venv"; $(call INSTALL,-e "$(DEMO)"); touch $@; fi

.venv/.ready-dev: pyproject.toml | $(BIN)/python
	@echo "Installing what development needs into .venv (a few minutes the first time)"
	@$(call INSTALL,-e ".[dev]")
	@touch .venv/.ready-demo $@

$(BIN)/python:
	@if command -v uv >/dev/null; then uv venv --quiet --python '>=3.11' .venv; exit; fi; \
	for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    $$python -m venv .venv && exit; rm -rf .venv; \
	    echo "$$python has no working venv module; on Debian: apt-get install python3-venv" >&2; exit 1; \
	  fi; \
	done; \
	echo "neonpay needs Python 3.11 or newer, and found none" >&2; exit 1
