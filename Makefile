# Every target works on a fresh machine with Python 3.11 or later and its venv package, git and make.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: setup demo test unit check docs first-run audit-page bench lock clean

setup: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or later"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: set PYTHON=python3.11 or later"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv package is missing: apt-get install python3-venv"; exit 1; }
	@command -v git >/dev/null || { echo "git is missing: apt-get install git"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@$(BIN)/dft demo

# One process more than two cores have: a night often waits for its database.
test: setup
	$(BIN)/python -m pytest -n 3 --dist loadfile

unit: setup
	$(BIN)/python -m pytest -n 2 tests/unit --hypothesis-profile=fast

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/dagster definitions validate --log-level warning

docs: setup
	$(BIN)/python -m tests.unit.export_world
	$(BIN)/python docs/make.py

first-run: setup
	$(BIN)/python docs/make_first_run.py

audit-page: setup
	$(BIN)/python docs/audit_sql.py

bench: setup
	@$(BIN)/dft bench

lock: setup
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --python-version 3.11 --extra dev --no-annotate --no-header pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv .dft
