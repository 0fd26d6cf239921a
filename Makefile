# Python 3.11 or newer and make are all that is needed; `make demo` and `make test` set up the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOCS_READY := $(VENV)/.docs-ready
ifneq ($(shell $(PYTHON) -c "import sys; print(sys.version_info >= (3, 11))"),True)
$(error Triptych needs Python 3.11 or newer; name one with: make PYTHON=python3.11 ...)
endif

# The JavaScript is built and checked where there are Node.js 18 or newer and npm; to run it, neither
# is needed. `make NODE=yes check` fails instead of leaving it out.
ifndef NODE
NODE := $(shell command -v npm >/dev/null 2>&1 && \
  node -p "parseInt(process.versions.node) >= 18 ? 'yes' : ''" 2>/dev/null)
endif
NODE_READY := node_modules/.package-lock.json
BUNDLE := ui/viewer/bundle

export OMP_NUM_THREADS ?= 2
export HF_HUB_OFFLINE = 1
export NO_MKDOCS_2_WARNING = 1

.PHONY: setup demo test test-fast trials circle wheel wheel-test install-test sbom lock docs check \
  check-javascript javascript bench bench-page format \
  clean

setup: $(READY)

# First what is locked, each file by its SHA-256; then torch, which is not (below), and the project.
$(READY): pyproject.toml constraints.txt requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

demo: setup
	$(BIN)/triptych demo

# Tests share fitted models by file, so a file stays together; each worker has one thread. Half of the
# time of a test in a browser is waiting, so that four workers keep two cores busy.
test test-fast: export OMP_NUM_THREADS = 1
test: setup
	$(BIN)/pytest -n 4 --dist loadfile

# No browser, no server, nothing long: what is run while one writes.
test-fast: setup
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow and not wheel and not browser and not server and not long"

# 1,000 edits of ledgers that all have to be found and 200 writers killed on each database, for minutes;
# 20 random readers of 300 actions in a browser, for two hours.
trials: setup
	$(BIN)/pytest -m slow -s --timeout 1800

# Orthanc, DCMTK and a browser, as root: from an archive to a signed reading and back (docs/sending.md).
# In a network of its own: every Chromium of a machine drops what it loads when the machine gets one more.
circle: setup
	unshare --net sh -c 'ip link set lo up && exec $(BIN)/pytest -m slow -s tests/browser/test_circle.py'

# The same bytes from the same commit, wherever it is built: dist/triptych-*.whl.
wheel: setup
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) PIP_CONSTRAINT=$(CURDIR)/constraints.txt \
	  $(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

# What is installed, with licences and what needs what, as CycloneDX 1.6: build/sbom.json.
sbom: setup
	$(PYTHON) -m venv build/sbom-tool
	build/sbom-tool/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	build/sbom-tool/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --spec-version 1.6 --output-format JSON --output-file build/sbom.json $(VENV)
	@echo "Written: build/sbom.json"

# Writes requirements.lock anew from pyproject.toml and constraints.txt. PyTorch has other files, and so
# other hashes, for every index that it can be had from (CPU, CUDA), and so has what only it brings.
UNLOCKED = torch triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas nvidia-cuda-cupti \
  nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-curand \
  nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink \
  nvidia-nvshmem-cu13 nvidia-nvtx
lock: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --constraint constraints.txt --universal \
	  --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock" \
	  $(addprefix --no-emit-package ,$(UNLOCKED)) --output-file requirements.lock

# Builds the wheel and runs it in an empty environment, with WHEEL_PYTHON=python3.12 in that Python.
wheel-test: setup
	$(BIN)/pytest -m wheel tests/test_wheel.py --timeout 3600

# From an empty Debian (debootstrap, as root) to the page, by deploy/install.sh.
install-test: setup
	$(BIN)/pytest -rs -m wheel tests/test_install.py --timeout 3600

# The pages of docs/ as a site in build/docs; a link that leads nowhere is an error.
docs: $(DOCS_READY)
	$(BIN)/mkdocs build --quiet --strict
	$(BIN)/pytest tests/test_docs.py
	@echo "Open build/docs/index.html"

$(DOCS_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $(DOCS_READY)

check: setup check-javascript
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest tests/test_architecture.py tests/test_licences.py tests/test_lock.py

check-javascript: $(if $(NODE),$(NODE_READY))
ifeq ($(NODE),)
	@echo "The JavaScript was not checked: that takes Node.js 18 or newer and npm."
else
	npm run --silent lint
	npm run --silent test
	rm -rf build/bundle
	npm run --silent bundle -- --outdir=build/bundle
	@diff -ru $(BUNDLE) build/bundle || { echo "$(BUNDLE) is not what ui/viewer/*.js gives: run make javascript."; exit 1; }
endif

# Builds what the page loads of the viewer; the result is committed.
javascript: $(NODE_READY)
	rm -rf $(BUNDLE)
	npm run --silent bundle -- --outdir=$(BUNDLE)

$(NODE_READY): package.json package-lock.json .npmrc
	npm ci --loglevel=error
	touch $@

bench: setup
	$(BIN)/python -m pipelines.benchmarks.speed
	$(BIN)/python -m pipelines.benchmarks.ledger
	$(BIN)/python -m pipelines.benchmarks.export

# How fast the page is in Chromium (Debian's package), and what 200 cases leave behind in it.
bench-page: setup
	$(BIN)/python tests/browser/page_speed.py

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) node_modules runs build dist *.egg-info
