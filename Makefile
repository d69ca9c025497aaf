# make demo   environment, install, then search the sample shop
# make demo-photos   the same on photos of seven demo shops, which are not part of the repository (docs/data.md)
# make test   environment with everything the tests need, then lint, types, tests
# make coverage   which branches of src/catalens the tests take; slower than make test, and so not part of it
# make docs   the documentation site, in site/; every block, command and link is checked
# make test LOCKED=1   the same with the versions and hashes of requirements/ci.txt
# make lock   the lock files again: requirements/, with hashes
# make image PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:...   the container image of a release
# make bench-serve   the service under load and attack, the short form: less than five minutes

PYTHON ?= python3
# One release of torch for everybody who trains or tests. On machines without a GPU install its CPU build.
TORCH ?= torch==2.13.0
PIP := .venv/bin/python -m pip --disable-pip-version-check

.PHONY: demo demo-photos test lint types unit coverage docs notebooks lock image bench-serve clean

demo: .venv/.base
	.venv/bin/catalens demo demo

demo-photos: .venv/.base
	.venv/bin/python -m recipes.photo_shop demo-photos

test: lint types unit

lint: .venv/.dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/.dev
	.venv/bin/mypy

# A file's tests stay together, for they share what is dear to make; more workers than four would want much memory.
unit: .venv/.dev
	.venv/bin/pytest --numprocesses auto --maxprocesses 4 --dist loadfile

coverage: .venv/.dev
	.venv/bin/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --cov --cov-report=term

# The page docs/cli.md is generated from the commands (a test compares it); then the site, dead links being errors.
docs: .venv/.docs
	.venv/bin/python -m tests.test_cli_page
	.venv/bin/zensical build --clean --strict
	.venv/bin/pytest tests/test_docs.py tests/test_site.py

# The notebooks again, with their outputs: they are committed with them. A test runs their cells on a part of the shop.
notebooks: .venv/.docs
	.venv/bin/jupyter execute --inplace examples/notebooks/*.ipynb

# One resolution for all systems from Python 3.11 on; no address of a registry is written.
LOCK = .venv/bin/uv pip compile --quiet --universal --upgrade --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: | .venv/bin/python
	$(PIP) install --quiet "uv>=0.9"
	$(LOCK) pyproject.toml --extra serve --output-file requirements/serve.txt
	$(LOCK) requirements/build.in --output-file requirements/build.txt
	$(LOCK) pyproject.toml --extra dev --extra train --extra docs --override requirements/ci.overrides \
		--output-file requirements/ci.txt

# The container image of a release: on a base image that is named by its digest (docs/release.md), which cannot change.
image:
	@case "$(PYTHON_IMAGE)" in *@sha256:????????????????????????????????????????????????????????????????) ;; *) \
		echo 'name the base image by its digest: make image PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:...' >&2; \
		echo "docker buildx imagetools inspect python:3.12-slim-bookworm --format '{{.Manifest.Digest}}'" >&2; exit 2;; esac
	docker build -f deploy/Dockerfile --build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) -t catalens .

bench-serve: .venv/.dev
	.venv/bin/python -m benchmarks.serve --short

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* .cache demo demo-photos dist site

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.base: pyproject.toml | .venv/bin/python
	$(PIP) install --quiet --editable .
	touch $@

# LOCKED=1 installs the versions and hashes of requirements/ instead of the newest ones; torch alone is not among them.
.venv/.dev: pyproject.toml | .venv/bin/python
	$(PIP) install --quiet "$(TORCH)"
ifdef LOCKED
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/build.txt -r requirements/ci.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch .venv/.docs
else
	$(PIP) install --quiet --editable ".[dev,train]"
endif
	touch $@ .venv/.base

.venv/.docs: pyproject.toml .venv/.dev
	test -n "$(LOCKED)" || $(PIP) install --quiet --editable ".[docs]"
	touch $@
