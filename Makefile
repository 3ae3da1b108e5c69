# Everything from a fresh clone: `make test` and `make demo` need Python 3.11 or newer, make and git.
# The first run fetches packages from PyPI and npm; later runs need no network.

PYTHON ?= $(shell .ci/find-python)
# Tests start many processes: each would compile the whole program again.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: help test proof check types directions tests blackbox demo figures truth battery seeds bench-log bench-board bench-phone bench-live format words wheel clean

help:
	@echo 'make test     style, types, directions and every test'
	@echo 'make proof    what is drawn from chance, in large numbers (PROOF="--share 0.01 --only hub_restores")'
	@echo 'make blackbox a month offline on a phone that is killed, full and wrong about the time (BLACKBOX="--days 3 --jobs 20")'
	@echo 'make demo     a site with a hub, phones and a day of work, on this machine'
	@echo 'make figures  the measured numbers of the README (TRACES=FILE for a recorded trace; SEEDS, MINUTES, KILLS)'
	@echo 'make truth    the automatic logger against true days, beside rules of others (TRUTH="--recorded FILE", --sweep)'
	@echo 'make battery  fixes, bytes and wake-ups of a phone'"'"'s day, sampled in several ways (BATTERY="--days 34")'
	@echo 'make bench-log the log beside its peers and the floors, as one table (BENCH="--only merge --rounds 3")'
	@echo 'make seeds    how much of seeded sites a minute simulates, and 100 seeds twice (SEEDED="--seeds 2 --twice 6")'
	@echo 'make bench-board the board with 20,000 jobs, 500 workers and 200 phones, as one table'
	@echo 'make bench-phone a phone with 500 jobs and two years of its own history, as one table'
	@echo 'make bench-live a hub under 1,000 live phones for ten minutes, as one table (BENCH="--phones 100 --hold 60")'
	@echo 'make format   put the code into the form that `make test` asks for'
	@echo 'make words    find what pages and screens say, for translation (web/locale, replica/locale)'
	@echo 'make wheel    dist/fieldlog-*.whl, for phones and other hubs'
	@echo 'make clean    remove what these made'

test: check types directions tests

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

directions: $(READY)
	$(BIN)/lint-imports

tests: $(READY)
	.ci/find-chromium
	$(BIN)/python -m pytest -n 2

proof: $(READY)
	$(BIN)/python -m tests.proof $(PROOF)

blackbox: $(READY)
	$(BIN)/python -m tests.blackbox $(BLACKBOX)

demo: $(READY)
	$(BIN)/fieldlog demo

figures: $(READY)
	$(BIN)/python -m tests.figures $(if $(TRACES),--traces $(TRACES)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(KILLS),--kills $(KILLS))

truth: $(READY)
	$(BIN)/python -m tests.truth $(TRUTH)

battery: $(READY)
	$(BIN)/python -m tests.battery $(BATTERY)

seeds: $(READY)
	$(BIN)/python -m tests.seeds $(SEEDED)

bench-log: $(READY)
	$(BIN)/python -m tests.bench $(BENCH)

bench-board: $(READY)
	$(BIN)/python -m tests.bench.board $(BENCH)

bench-phone: $(READY)
	$(BIN)/python -m tests.bench.phone $(BENCH)

bench-live: $(READY)
	$(BIN)/python -m tests.bench.live $(BENCH)

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

words: $(READY)
	$(BIN)/python -m tests.words

wheel: $(READY)
	$(BIN)/python -m build --wheel

# Made anew when what is installed could differ: dependencies, commands, the browser's libraries, or words.
$(READY): pyproject.toml package.json package-lock.json build_assets.py $(wildcard replica/locale/*/LC_MESSAGES/*.po web/locale/*/LC_MESSAGES/*.po)
	@test -x $(BIN)/python || { python='$(PYTHON)'; test -n "$$python" && "$$python" -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[hub,test]'
	@touch $@

clean:
	rm -rf $(VENV) build dist web/static/vendor tests/.cache
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
