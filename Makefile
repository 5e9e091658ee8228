# SPDX-License-Identifier: MIT
# Everything happens in .venv, which each target makes if it is not there. `make PYTHON=python3.12 venv` picks another.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.made-from-pyproject

.PHONY: venv demo test lint bench clean

venv: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(STAMP)
	$(BIN)/farthing demo

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/basedpyright
	$(BIN)/python tools/dev/device_types.py
	$(BIN)/python tools/dev/check_subset.py
	$(BIN)/python tools/dev/compile_check.py
	$(BIN)/python tools/dev/gen_p256.py --check
	$(BIN)/python tools/dev/gen_vectors.py --check
	$(BIN)/python tools/dev/sizes.py --check
	$(BIN)/python tools/dev/heap.py --check

test: lint
	$(BIN)/python -m pytest

bench: $(STAMP)
	$(BIN)/farthing bench

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
