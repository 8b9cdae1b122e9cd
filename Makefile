# The whole working set. `make run` and `make test` need only Python 3.11, make and git.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The benchmarks' own environment: quixstreams needs an older client than the tests.
BENCHMARKS_VENV := benchmarks/.venv
BENCHMARKS_STAMP := $(BENCHMARKS_VENV)/.installed
BENCHMARKS ?=
# What checks deploy/: linters and schemas, apart from what the service is made of.
DEPLOY_VENV := tests/deploy/.venv
DEPLOY_STAMP := $(DEPLOY_VENV)/.installed
PURE := tests/kernels tests/reference tests/streams
EDGES := tests/agents tests/deploy

.PHONY: setup run test faults lint deploy-tools deploy-rule lock bench clean

setup: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

run: setup
	$(BIN)/kqi demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Tests of pure code run side by side on all cores; those of a worker, which mostly wait, two at a time, as each has its
# own broker. Faults under load have the machine to themselves.
test: lint
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile $(PURE)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile $(EDGES)
	$(BIN)/python -m pytest $(addprefix --ignore=,$(PURE) $(EDGES))

# What `make test` does to a service in seven minutes, many times over: hours. Prints its seed where something fails.
faults: setup
	KQI_TEST_FAULTS=long $(BIN)/python -m pytest tests/system

$(BENCHMARKS_STAMP): benchmarks/requirements.txt
	test -x $(BENCHMARKS_VENV)/bin/python || $(PYTHON) -m venv $(BENCHMARKS_VENV)
	$(BENCHMARKS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement benchmarks/requirements.txt
	touch $(BENCHMARKS_STAMP)

# All of them take some 25 minutes. `make bench BENCHMARKS=--quick` shows in two or three that they still run;
# `make bench BENCHMARKS="--only stages"` runs one.
bench: setup $(BENCHMARKS_STAMP)
	$(BIN)/python -m benchmarks $(BENCHMARKS)

$(DEPLOY_STAMP): tests/deploy/requirements.txt
	test -x $(DEPLOY_VENV)/bin/python || $(PYTHON) -m venv $(DEPLOY_VENV)
	$(DEPLOY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement tests/deploy/requirements.txt
	touch $(DEPLOY_STAMP)

deploy-tools: $(DEPLOY_STAMP)

# The rules of the production's configuration as the Prometheus operator wants them.
deploy-rule: setup
	$(BIN)/python deploy/kubernetes/rule.py > deploy/kubernetes/production/prometheusrule.yaml

# Renews the locked requirements: every package with its hashes, no address of any index.
LOCK := -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
lock: setup
	$(BIN)/python $(LOCK) --extra dev --output-file requirements.txt pyproject.toml requirements.in
	$(BIN)/python $(LOCK) --output-file benchmarks/requirements.txt benchmarks/requirements.in
	$(BIN)/python $(LOCK) --constraint requirements.txt --output-file deploy/requirements.txt pyproject.toml deploy/requirements.in
	$(BIN)/python $(LOCK) --output-file tests/deploy/requirements.txt tests/deploy/requirements.in

clean:
	rm -rf $(VENV) $(BENCHMARKS_VENV) $(DEPLOY_VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
