# make demo: installs, runs the whole pipeline on drawn phantoms, prints where the report is.
# make check: installs, then format, lint (of the Dockerfile too), types, import rules and the quick
# tests: about four minutes on two cores.
# make test: installs, then all tests but those of make real_data and make reliability.
# make real_data: installs, then minutes of tests on the three real data sets.
# make reliability: installs, then an hour of kills and damage, whose counts it prints.
# PYTHON=... chooses the interpreter (3.11 to 3.13), DEMO=... the demo's folder.

VENV := .venv
DEMO ?= demo
# Two processes. The tests of a file share fixtures and run in one of them; tests/conftest.py orders
# the files. Where one of the two is killed, the run ends: pytest-xdist waits forever with a new one.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart=0
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c "$(SUITABLE)" 2>/dev/null && echo $$p && break; done)

.PHONY: demo check test real_data reliability clean

demo: $(VENV)/runtime
	$(VENV)/bin/python main.py --config=configs/phantom_ddpm.py:cpu --workdir=$(DEMO)

check: $(VENV)/dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/hadolint Dockerfile
	$(VENV)/bin/shellcheck docs/cluster/*.sh
	$(VENV)/bin/python -m pytest $(PARALLEL) -m "not slow" --durations=5 --durations-min=5

test: $(VENV)/dev
	$(VENV)/bin/python -m pytest $(PARALLEL)

real_data: $(VENV)/dev
	$(VENV)/bin/python -m pytest $(PARALLEL) -m real_data

reliability: $(VENV)/dev
	$(VENV)/bin/python -m pytest -n 2 --dist load --max-worker-restart=0 -m reliability

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "no Python 3.11 to 3.13 with venv found: install one (Debian: \
	apt-get install python3 python3-venv) or give make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip

$(VENV)/runtime: requirements.txt | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -r requirements.txt
	touch $@

$(VENV)/dev: requirements-dev.txt requirements.txt requirements-formats.txt requirements-remote.txt \
	| $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -r requirements-dev.txt
	touch $@ $(VENV)/runtime

clean:
	rm -rf $(VENV) build *.egg-info
