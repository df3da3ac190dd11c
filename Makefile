# make run    everything from nothing: environment, base model, the journey, the summary
# make test   environment and the tests
# make check  what CI holds the code to besides: lint, types, layers
# make bench  measurements; results in tests/benchmarks/results
# make fuzz   a hundred thousand damaged exports through every source
# make known-bad  adapters broken on purpose, and sound ones, before the gate: half an hour
# make vllm-flags  vLLM's own parser and Ray's own schemas read what `steppe serve --show` prints
# make crash  kills at random moments; gpu: what needs a device; ui: the three pages
.PHONY: run test check bench fuzz known-bad vllm-flags crash gpu ui clean

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
DEV_STAMP = $(VENV)/.installed-dev
VLLM_PARSER = vllm==0.32.0 xgrammar==0.2.8 apache-tvm-ffi==0.1.11 llguidance==1.7.6 cbor2 \
  openai-harmony partial-json-parser pybase64 py-cpuinfo 'grpcio-reflection<1.76'

run: $(STAMP)
	$(BIN)/steppe journey

test: $(DEV_STAMP)
	$(BIN)/python -m pytest -q

check: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(DEV_STAMP)
	$(BIN)/python -m pytest -q -m benchmark tests/benchmarks

fuzz: $(DEV_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,fuzz]'
	$(BIN)/python tests/benchmarks/fuzz_sources.py

known-bad: $(DEV_STAMP)
	$(BIN)/python -P tests/benchmarks/known_bad.py

vllm-flags: $(DEV_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,ray]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --target .steppe/vllm $(VLLM_PARSER)
	PYTHONPATH=.steppe/vllm $(BIN)/python -m pytest -q -rs tests/models/serving/test_configs.py

crash: $(DEV_STAMP)
	$(BIN)/python -m pytest -q -m crash tests/crash

gpu: $(DEV_STAMP)
	$(BIN)/python -m pytest -q -m gpu -rs

ui: $(STAMP)
	$(BIN)/steppe ui

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(DEV_STAMP): pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(STAMP)

clean:
	rm -rf $(VENV) .steppe
