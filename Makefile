# Everything runs in the private environment .venv; Python, pip and make are all that is needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SETUP := $(PYTHON) -m venv $(VENV) || ./tools/venv-without-ensurepip $(PYTHON) $(VENV)

.PHONY: demo test dev lint types imports docs notebooks benchmarks build check clean

demo: $(VENV)/.demo  ## five segmenters on real orders; results in demo/
	$(BIN)/valuetier demo --out demo

test: $(VENV)/.dev  ## the test suite
	$(BIN)/python -m pytest -n auto tests src packages

dev: $(VENV)/.dev  ## the environment for development

$(VENV)/.demo: pyproject.toml
	test -x $(BIN)/python || $(SETUP)
	$(PIP) install --quiet --editable '.[all]'
	touch $@

$(VENV)/.dev: pyproject.toml packages/example-segmenter/pyproject.toml
	test -x $(BIN)/python || $(SETUP)
	$(PIP) install --quiet --editable '.[dev]' --editable packages/example-segmenter
	touch $@ $(VENV)/.demo

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

notebooks: $(VENV)/.dev
	$(BIN)/jupyter execute --timeout=300 notebooks/*.ipynb

benchmarks: $(VENV)/.dev  ## speed beside lifetimes, as ratios
	$(BIN)/python benchmarks/summarize.py
	$(BIN)/python benchmarks/large.py
	$(BIN)/python benchmarks/models.py

build: $(VENV)/.dev  ## the wheel
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .

check: lint types imports docs notebooks

clean:
	rm -rf $(VENV) dist demo docs/_build docs/api/generated .pytest_cache .mypy_cache .ruff_cache
