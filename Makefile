# The commands of this project. They need Python 3.11 or newer, make and git; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
WORKERS ?= 2
PARTS ?=
DEMO := runs/demo-digits
N ?= 20
BUDGET ?=
KINDS ?=
SECONDS ?= 600

.DEFAULT_GOAL := help
.PHONY: keras docs help demo test same slow kill replay planted flips faults lean check bench format browser simulate audit test-lowest clean corpus exported fuzz cases serve-soak soak-hostile api-fuzz hostile-onnx

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Debian ships Python without ensurepip; where we may, we add the package that is missing.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "netpick needs Python 3.11 or newer; this is $$($(PYTHON) -V). Try: make PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/pip || { $(PYTHON) -c 'import ensurepip' 2>/dev/null || tools/debian.sh python3-venv \
	  || { echo "This Python has no ensurepip. Install your system's python3-venv package."; exit 2; }; }
	@test -x $(BIN)/pip || { rm -rf .venv && $(PYTHON) -m venv .venv; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(INSTALLED) ## the main job on scikit-learn's digits, with a report to look at
	@rm -rf $(DEMO)
	$(BIN)/netpick demo digits --out $(DEMO)
	@echo "The report: $(CURDIR)/$(DEMO)/report.html"

browser:
	@command -v chromium >/dev/null || tools/debian.sh chromium \
	  || echo "No chromium: the tests that open the report in a browser will be skipped."

test: $(INSTALLED) browser ## every test but the slow ones, under five minutes on two cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

slow: $(INSTALLED) browser ## the long soaks, and what has a target of its own: faults, api-fuzz
	$(BIN)/python -m pytest -q -m slow

serve-soak: $(INSTALLED) ## a hundred restarts of the server under load, then a million requests
	$(BIN)/python tools/soak_serve.py

soak-hostile: $(INSTALLED) ## ten hours' worth of good and hostile requests to a server, as fast as it answers (some seven minutes)
	$(BIN)/python tools/soak_hostile.py

cases: $(INSTALLED) ## inputs as people have them, in ../shared/cases: how each is read; CASE=05 picks some
	PYTHONPATH=. $(BIN)/python tools/cases.py $(CASE)

api-fuzz: $(INSTALLED) ## schemathesis over the server's interface, 10,000 cases
	$(BIN)/python tools/fuzz_api.py

kill: $(INSTALLED) ## kill trainings N times at random moments; what comes out must be identical. BUDGET=8s lets a clock decide, KINDS=next,pairs picks some
	$(BIN)/python tools/kill.py $(N) 0 "$(BUDGET)" $(KINDS)

replay: $(INSTALLED) ## make runs under a budget again from their plans; what comes out must be identical
	$(BIN)/python tools/replay.py

flips: $(INSTALLED) ## damage a model file, checkpoints and run folders; it must be noticed or change nothing
	PYTHONPATH=. $(BIN)/python tools/flips.py
	PYTHONPATH=. OMP_NUM_THREADS=1 $(BIN)/python tools/flip_runs.py

keras: $(INSTALLED) ## import the stored models of Keras, export them back, and let Keras load them; KERAS is a python with keras and torch
	rm -rf build/keras && PYTHONPATH=. $(BIN)/python tools/keras_back.py build/keras
	KERAS_BACKEND=torch $(KERAS) bench/keras_models.py --prove tests/saved/imported/models.zip build/keras

simulate: $(INSTALLED) ## how often intervals and verdicts are right, into docs/statistics.md (ten minutes); PARTS="coverage" picks some
	PYTHONPATH=. OMP_NUM_THREADS=1 $(BIN)/python tools/simulate.py $(PARTS)

audit: $(INSTALLED) ## known flaws of the pinned versions, where a source of advisories can be reached
	$(BIN)/python tools/audit.py

test-lowest: $(INSTALLED) ## the suite's core with the lowest versions that pyproject.toml allows
	OMP_NUM_THREADS=1 $(BIN)/python tools/lowest.py

same: $(INSTALLED) ## whether small runs of every kind come out byte for byte as tools/same.json says; PARTS="table texts" picks some
	$(BIN)/python tools/same.py $(PARTS)

faults: $(INSTALLED) ## let every operation on a run's disk fail, one at a time; the run must go on as if nothing had been
	$(BIN)/python tools/faults.py

planted: $(INSTALLED) ## 256 planted leaks and defects, and 26 clean sets: what the checks say about them
	$(BIN)/python tools/planted.py

lean: $(INSTALLED) ## export the demo's model and serve it in a fresh environment without torch
	@test -d $(DEMO) || $(BIN)/netpick demo digits --out $(DEMO)
	$(BIN)/python tools/lean.py $(DEMO)

exported: $(INSTALLED) ## exported folders of texts, pairs, speech and tags beside torch, on 500 inputs each; PARTS="next tag" picks some
	OMP_NUM_THREADS=1 $(BIN)/python tools/exported.py $(PARTS)

corpus: $(INSTALLED) ## every broken or hostile input through every way of using it
	PYTHONPATH=tests $(BIN)/python -m corpus

fuzz: $(INSTALLED) ## fuzz every parser of ours, SECONDS in all
	$(BIN)/python tools/fuzz.py $(SECONDS)

hostile-onnx: $(INSTALLED) ## 100,000 mutations of ONNX files: what is accepted must mean the same to every reader
	PYTHONPATH=. $(BIN)/python -m tests.hostile.onnx_mutations 100000

check: $(INSTALLED) ## format, lint, types, architecture, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py tests/test_docs.py

docs: $(INSTALLED) ## write docs/cli.md from the commands' own help
	$(BIN)/python tools/cli_docs.py > docs/cli.md

format: $(INSTALLED) ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(INSTALLED) ## speed and memory beside peers, into bench/results.md; PARTS="startup mnist10" picks some
	$(BIN)/python -m bench.run $(PARTS)

clean: ## everything that these commands made, but for .venv
	rm -rf $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './bench/peers/*/.venv/*' -prune -exec rm -rf {} +
