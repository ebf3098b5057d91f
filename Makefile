# `make demo` and `make test` set up all they need by themselves, in .venv.
# Another Python:  make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv
JOBS ?= auto
OUT ?= results/demo
SITE ?= build/site
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := setup.cfg pyproject.toml

export MPLBACKEND ?= Agg

.PHONY: help install install-test install-docs demo test docs docs-test linkcheck validate lint style types contract check format wheel clean distclean

help:
	@echo 'make demo      simulate an STDP window in compiled C++ and fit one to recordings'
	@echo 'make test      run the tests'
	@echo 'make docs      build the documentation site into $(SITE)'
	@echo 'make docs-test try it: links, the commands on its pages, the pages in Chromium'
	@echo 'make linkcheck look up its links to other sites (needs the network)'
	@echo 'make validate  fit simulated experiments by the hundred, write docs/validation_fits.md (an hour or two)'
	@echo 'make lint      style, formatting, types and import contract'
	@echo 'make check     lint, then test'
	@echo 'make format    put the code into the shape that lint asks for'
	@echo 'make wheel     build sdist and wheel into dist/'
	@echo 'make clean     remove what was built; `make distclean` removes $(VENV) too'

# A stamp is made once, and again when setup.cfg changes.
install: $(VENV)/.installed
install-test: $(VENV)/.installed-test
install-docs: $(VENV)/.installed-docs

$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { echo 'make: there is no $(PYTHON): install Python 3.11, 3.12 or 3.13, or name it: make PYTHON=/path/to/python' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1), synsim needs Python 3.11 to 3.13: name one with make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo 'make: $(PYTHON) has no venv and ensurepip: on Debian and Ubuntu, apt install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python $(SOURCES)
	$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.python $(SOURCES)
	$(PIP_INSTALL) --editable '.[test,oracle]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: $(VENV)/.installed-test
	$(PIP_INSTALL) --editable '.[docs]'
	@touch $@

demo: install
	@command -v $${CXX:-g++} >/dev/null || echo 'make: no C++ compiler found, so the demo runs slower: apt install g++' >&2
	$(BIN)/synsim run stdp-window --out $(OUT)/window --force
	$(BIN)/synsim fit stdp bi_poo_1998 --out $(OUT)/fit --force
	@echo
	@echo 'Simulated window:               $(OUT)/window/figure.png'
	@echo 'Fit to Bi & Poo 1998:           $(OUT)/fit/figure.png'
	@echo 'Numbers beside each:            data.csv, summary.json'

test: install-test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadscope $(ARGS)

# Warnings are errors, among them links within the site that lead nowhere. Programs that the figures
# need are kept with those of the tests.
docs: install-docs
	SYNSIM_CACHE=$(CURDIR)/.pytest_cache/synsim \
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --jobs auto -b html docs $(SITE)
	@echo 'The site: $(SITE)/index.html'

docs-test: docs
	SYNSIM_SITE=$(SITE) SYNSIM_SCREENSHOTS=$(CURDIR)/build/screenshots \
	$(BIN)/python -m pytest tests/site $(ARGS)
	@echo 'Screenshots to look at: build/screenshots'

linkcheck: install-docs
	$(BIN)/python -m sphinx --keep-going -b linkcheck docs build/linkcheck

# Experiments that results/validation holds already are not run again.
validate: install-test
	$(BIN)/python -m validation --report docs/validation_fits.md $(ARGS)

lint: style types contract

style: install-test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: install-test
	$(BIN)/python -m mypy

contract: install-test
	$(BIN)/lint-imports

check: lint test

format: install-test
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

wheel: install-test
	rm -rf build dist
	$(BIN)/python -m build --no-isolation --outdir dist
	rm -rf build

clean:
	rm -rf docs/_figures docs/api docs/models docs/protocols docs/cite.rst docs/commands.rst
	rm -rf build dist results/demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name '.?*' -prune -o -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) synsim.egg-info
