# What a person does with this project; `make help` lists it.
#
#   PYTHON  the interpreter that makes the environment (3.10, 3.11 or 3.12)
#   VENV    where the environment is
#   JOBS    processes that run the tests

PYTHON ?=
VENV ?= .venv
JOBS ?= auto

RUN := $(VENV)/bin/python
# One thread a process: the tests run in parallel and their models are small.
PYTEST := OMP_NUM_THREADS=1 $(RUN) -m pytest -n $(JOBS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup demo mini test test-all lint format bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make the virtual environment and install everything (once)
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash tools/setup_venv.sh

demo: setup ## the whole method on generated data: AP table and pictures
	$(RUN) tools/walkthrough.py demo

mini: setup ## the whole method on the real images of ../shared/data
	$(RUN) tools/walkthrough.py mini

test: setup ## all tests but the slow ones and those for a GPU
	$(PYTEST) -m 'not slow and not gpu'

test-all: setup ## every test
	$(PYTEST)

lint: setup ## style, formatting and import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

format: setup ## mend style and formatting
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: setup ## time an AMT2 pair and prediction against the stock tools
	$(RUN) tools/analysis/benchmark_pair.py
	OMP_NUM_THREADS=1 $(RUN) tools/analysis/benchmark_prediction.py --number 12 --memory-limit 8

docs: setup ## the documentation, in work_dirs/site; a broken link is an error
	@$(RUN) -c 'import material, mkdocstrings_handlers.python' 2>/dev/null || \
		$(RUN) -m pip install -q -c constraints.txt --no-build-isolation -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet
	@echo 'Open work_dirs/site/index.html in a browser.'

clean: ## remove build products and caches; data, results and .venv stay
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache
	find cupre_mm configs tools tests -type d -name __pycache__ -prune -exec rm -rf {} +
	@echo 'Kept: data/, work_dirs/ and the virtual environment.'
