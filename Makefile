# Every target installs what it needs into .venv, and again after a change of pyproject.toml or
# constraints.txt. PYTHON=... chooses the interpreter, CONSTRAINTS= takes the newest versions, and
# JOBS=1 runs the tests in one process.
PYTHON ?= python3
CONSTRAINTS ?= -c constraints.txt
BIN := .venv/bin
JOBS ?= auto
PYTEST = $(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet $(CONSTRAINTS)
.DELETE_ON_ERROR:
.PHONY: demo test test-fast test-oldest dist lint bench docs fuzz mutants kills soak clean

demo: .venv/core  ## classify one spectrum of each class and draw it
	$(BIN)/huggins demo

test: .venv/dev docs  ## run the tests, in parallel over the cores, and build the documentation
	$(PYTEST)

test-fast: .venv/dev  ## run the tests that take less than a minute together
	$(PYTEST) -m 'not slow' --hypothesis-profile fast

# Warnings are no errors here: old packages warn of new ones.
test-oldest: .venv-oldest/ready  ## run the tests of the core with the oldest versions that it supports
	.venv-oldest/bin/python -m pytest -o filterwarnings= -m 'not slow' --hypothesis-profile fast \
	  --numprocesses $(JOBS) tests $(OTHERS:%=--ignore tests/%)

dist: .venv/dev  ## build wheel and sdist into dist, twice, and compare
	rm -rf dist build/again
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m build --outdir build/again
	cd build/again && for file in *; do cmp $$file ../../dist/$$file || exit 1; done
	cd dist && sha256sum *

lint: .venv/dev  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/dev  ## measure speed and memory; results go to benchmarks/results
	$(BIN)/python -m benchmarks

fuzz: .venv/dev  ## damaged files, wrong commands and requests, 100,000 of them
	PYTHONPATH=src $(BIN)/python -m hardening.fuzz --inputs 100000

mutants: .venv/dev  ## small changes of the code that no test notices
	$(BIN)/python -m hardening.mutants --count 400

kills: .venv/dev  ## kill -9 of every long verb at random moments, 50 times each, then go on
	PYTHONPATH=src $(BIN)/python -m hardening.kills --times 50

soak: .venv/dev  ## 200,000 spectra in one run: memory and open files
	PYTHONPATH=src $(BIN)/python -m hardening.soak

docs: .venv/dev  ## build the documentation site into build/docs; a warning is an error
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "the site is in build/docs/index.html"

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "huggins needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/core: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e .
	touch $@

.venv/dev: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e '.[dev,train,docs]'
	touch $@ .venv/core

OTHERS = train model docs experiments examples
.venv-oldest/ready: pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip --disable-pip-version-check install --quiet \
	  -c constraints-oldest.txt -e . hypothesis onnx pandas psutil pyarrow pytest pytest-xdist pyyaml specutils
	touch $@

clean:
	rm -rf .venv .venv-oldest demo build dist docs/pictures docs/reference/api
