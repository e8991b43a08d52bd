# `make run` and `make test` are the only set-up: both work from a bare clone and touch nothing outside of it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
EXTRAS ?= kernels
EPOCH  ?= 20
S      ?= 600
# A run starts many processes; compiling everything again in each of them would take longer than the work.
unexport PYTHONDONTWRITEBYTECODE

comma := ,
empty :=
space := $(empty) $(empty)
RUN_EXTRAS  := $(if $(strip $(EXTRAS)),[$(subst $(space),$(comma),$(strip $(EXTRAS)))],)
TEST_EXTRAS := [$(subst $(space),$(comma),$(strip dev $(EXTRAS)))]
# A stamp for each set of extras: an install that is up to date costs nothing.
RUN_STAMP   := $(VENV)/.installed-run$(subst $(space),,$(addprefix -,$(EXTRAS)))
TEST_STAMP  := $(VENV)/.installed-test$(subst $(space),,$(addprefix -,$(EXTRAS)))

# The tools of a release have an environment of their own: what they depend on is not what is tested.
RELEASE       := $(VENV)/release/bin
RELEASE_STAMP := $(VENV)/.installed-release

# The oldest pytest that is supported, in front of all else that the tests need.
OLDEST        := $(VENV)/oldest/bin
OLDEST_STAMP  := $(VENV)/.installed-oldest
OLDEST_PYTEST := 8.4.0
SITE          := import sysconfig; print(sysconfig.get_path("purelib"))

.PHONY: oldest help run test check attack fuzz bench soak matrix lock sbom audit release-check clean

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24" -c constraints.txt

$(RUN_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".$(RUN_EXTRAS)"
	@$(BIN)/python -m compileall -q harness
	@touch $@

$(TEST_STAMP): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".$(TEST_EXTRAS)"
	@$(BIN)/python -m compileall -q harness
	@touch $@

$(RELEASE_STAMP): pyproject.toml | $(BIN)/python
	$(PYTHON) -m venv $(VENV)/release
	$(RELEASE)/python contrib/release.py tools
	@touch $@

$(OLDEST_STAMP): $(TEST_STAMP)
	$(BIN)/python -m venv --without-pip $(VENV)/oldest
	$(BIN)/python -m pip --python $(OLDEST)/python install --quiet --no-deps "pytest==$(OLDEST_PYTEST)"
	@echo "import site; site.addsitedir('$$($(BIN)/python -c '$(SITE)')')" > "$$($(OLDEST)/python -c '$(SITE)')/rest.pth"
	@touch $@

run: $(RUN_STAMP)  ## evaluate all suites and leave a leaderboard
	$(BIN)/pytest suites/ --epoch $(EPOCH) -n auto --min-tier C
	@echo "report: $(CURDIR)/reports/index.html"

test: $(TEST_STAMP)  ## the harness's own tests
	$(BIN)/pytest tests/ -n auto --dist worksteal

oldest: $(OLDEST_STAMP)  ## tests that start pytest, with the oldest pytest that is supported
	$(OLDEST)/python -m pytest -q -n auto --dist worksteal -p no:cacheprovider \
	  tests/test_plugin.py tests/test_xdist.py tests/test_hooks.py tests/session/test_collection.py

check: $(TEST_STAMP)  ## style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

attack: $(TEST_STAMP)  ## the attack corpus and the honest programs on every tier of this machine
	$(BIN)/python tests/attacks/corpus.py --tiers

fuzz: $(TEST_STAMP)  ## search for inputs that break a reader of bytes from outside (S seconds)
	$(BIN)/python -m tests.fuzz --seconds $(S)

# An environment of its own: peers bring plugins of pytest, which would be loaded in every test run. Without one of them
# the table has a row that says how to install it.
.venv-bench/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --upgrade "pip>=25"
	.venv-bench/bin/python -m pip install --quiet -c constraints.txt -e .
	@echo "installing the peers: about 185 packages, some minutes"
	-.venv-bench/bin/python -m pip install --quiet -e ".[bench]"
	@touch $@

bench: .venv-bench/.installed  ## compare with every peer (QUICK=1: at most six minutes, STORE=1: keep the table)
	.venv-bench/bin/python benchmarks/bench.py $(if $(QUICK),--quick) $(if $(STORE),--store)

soak: $(TEST_STAMP)  ## half an hour of judging while processes are killed: nothing is lost, doubled or left behind
	$(BIN)/python benchmarks/soak.py

matrix: $(RELEASE_STAMP)  ## what depends on versions, for each Python and pytest that is here (noxfile.py)
	$(RELEASE)/nox

lock: $(RELEASE_STAMP)  ## requirements.lock: the constraints with the digests of all files
	$(RELEASE)/python contrib/release.py lock

sbom: $(RELEASE_STAMP)  ## dist/sbom.cdx.json: the bill of materials of the package
	$(RELEASE)/python contrib/release.py sbom

audit: $(RELEASE_STAMP)  ## known vulnerabilities of the locked packages
	$(RELEASE)/python contrib/release.py audit

release-check: $(RELEASE_STAMP) $(TEST_STAMP)  ## builds are reproducible, the sdist passes its tests, the wheel works alone
	$(RELEASE)/python contrib/release.py check $(TESTS)

clean:  ## remove the environment and all output
	rm -rf $(VENV) .venv-bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find reports -mindepth 1 ! -name README.md -delete
