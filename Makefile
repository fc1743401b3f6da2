# Every target sets up what it needs in .venv, once.
PYTHON ?= python3
BIN := .venv/bin
.DELETE_ON_ERROR:
.PHONY: demo test lint bench docs clean

demo: .venv/core  ## classify one spectrum of each class and draw it
	$(BIN)/huggins demo

test: .venv/dev  ## run the tests
	$(BIN)/python -m pytest

lint: .venv/dev  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev  ## measure speed and memory; results go to benchmarks/results
	$(BIN)/python -m benchmarks

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/core: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

.venv/dev: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,train]'
	touch $@ .venv/core

clean:
	rm -rf .venv demo build dist
