# Python 3.11 or newer and make are all that is needed; `make demo` and `make test` set up the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ifneq ($(shell $(PYTHON) -c "import sys; print(sys.version_info >= (3, 11))"),True)
$(error Triptych needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ...)
endif

export OMP_NUM_THREADS ?= 2
export HF_HUB_OFFLINE = 1

.PHONY: setup demo test trials check bench format clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

demo: setup
	$(BIN)/triptych demo

test: setup
	$(BIN)/pytest

# Minutes: 1,000 edits of ledgers that all have to be found, 200 writers killed on each database.
trials: setup
	$(BIN)/pytest -m slow -s --timeout 1800

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest tests/test_architecture.py

bench: setup
	$(BIN)/python -m pipelines.benchmarks.speed
	$(BIN)/python -m pipelines.benchmarks.ledger
	$(BIN)/python -m pipelines.benchmarks.export

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) runs build dist *.egg-info
