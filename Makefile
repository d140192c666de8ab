# One door handle: `make sweep` and `make test` set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup sweep lint lint-js test test-processors test-browser test-wheel test-services test-training check audit bench bench-scores bench-criteria bench-nights bench-report selftest endurance chaos chaos-short clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(READY) ## make .venv with the pinned dependencies

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -c constraints.txt -e '.[dev]'
	@# Once a machine and version: compiled code comes from numba's cache from here on.
	@$(BIN)/python -c 'import steadymap.tasks.numerics.preload'
	@touch $(READY)

sweep: $(READY) ## the example: an autoencoder of digits trained from three seeds, a report of each, a page of all
	$(BIN)/steadymap encoders configs/encoders.yaml

lint: $(READY) ## style, types, arrows between the rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lint-js: ## style of the page's script, by biome through npx; only this needs node
	npx --yes @biomejs/biome@2.6.8 check reports/html/script

test: $(READY) ## every test that needs no browser and no service
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist worksteal -m "not browser and not services and not wheel and not chaos and not training"

test-processors: $(READY) ## the science and a small sweep with the kernels of other processors (about 8 minutes)
	$(BIN)/python -m tests.processors

test-wheel: $(READY) ## the wheel alone, in an environment of its own, beside folders of the same names (about 4 minutes)
	$(BIN)/python -m pytest -m wheel tests/test_wheel.py

test-browser: $(READY) ## the report in headless Chromium (Debian: apt-get install chromium)
	$(BIN)/python -m pytest -m browser

test-services: $(READY) ## real servers and clusters (pip install -e '.[services]', Debian: postgresql, nginx-light; what is not there is skipped)
	$(BIN)/python -m pytest -m services tests/services

test-training: $(READY) ## the callbacks of docs/encoders.md inside PyTorch Lightning and Keras, in an environment of their own (some GB)
	$(PYTHON) -m venv .venv-training
	.venv-training/bin/pip install -q -c constraints.txt -e '.[training]' pytest pytest-timeout
	.venv-training/bin/python -m pytest -p no:randomly -m training tests/training

check: lint test ## lint and test

audit: $(READY) ## pinned versions against advisories: OSV's public service, or ADVISORIES=all.zip without a network
ifndef ADVISORIES
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet --disable-pip-version-check 'pip-audit~=2.10'
endif
	$(BIN)/python -m tests.audit $(ADVISORIES)

bench: $(READY) ## naive, expert and Steadymap on the same 36 cells: wall, CPU, memory, quality (about 30 minutes)
	$(BIN)/python -m benchmarks.compare_sweeps

bench-scores: $(READY) ## CPU and memory of all scores of 36 pictures (about 3 minutes)
	$(BIN)/python -m benchmarks.score_cost

bench-criteria: $(READY) ## usual criteria and ours on data with and without clusters: a table and a picture (about 10 minutes)
	$(BIN)/python -m benchmarks.compare_criteria

bench-nights: $(READY) ## fifty nights over the same vectors with a little noise: verdicts that flip, flips that are told (about 20 minutes)
	$(BIN)/python -m benchmarks.steady_nights

bench-report: $(READY) ## size, build, first paint and frames per second of the report in Chromium (about a minute)
	$(BIN)/python -m benchmarks.report_page

selftest: $(READY) ## verdicts on data with known truth (about 380 sets, a night; stop and go on as you like)
	$(BIN)/steadymap selftest

endurance: $(READY) ## 20 × kill -9 at random moments, then resume and compare bytes (about 30 minutes)
	$(BIN)/python -m benchmarks.kill_and_resume

chaos: $(READY) ## attack every promise of docs/promises.md (some hours)
	$(BIN)/python -m tests.chaos

chaos-short: $(READY) ## the same, a few rounds each (about 3 minutes)
	$(BIN)/python -m tests.chaos --short

clean: ## remove .venv and caches, keep results
	rm -rf $(VENV) .venv-audit .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
