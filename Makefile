# Every goal does its own set-up: a virtual environment in .venv, and as root on Debian the packages
# that lab machines need (HERDER_INSTALL_PACKAGES=no leaves the machine as it is).

EXTRAS := lab,demo,dev
BIN := .venv/bin
SOURCES := $(wildcard src tests conformance benchmarks)
TRAVELS := $(wildcard src/herder/agent src/herder/wire)
# A shared machine can be too busy for a test against the clock: there a failed test is tried again.
TRY_AGAIN := $(if $(CI),--reruns 2 --reruns-delay 2)
# Tests wait more than they work, so two run at a time, and three of the fast ones; on lab machines and
# beside ansible-playbook a third won nothing. Those of one file of lab tests share its machines, and
# the files whose tests may take longest come first (tests/conftest.py).
AT_ONCE := -n 2
BY_FILE := --dist loadfile --no-loadscope-reorder
FAST_AT_ONCE := -n 3
# Tests start hundreds of Pythons: one that keeps nothing compiles Herder and ansible-core anew each time.
unexport PYTHONDONTWRITEBYTECODE
ROOT_ON_LINUX := $(filter Linux0,$(shell uname -s)$(shell id -u))

RESULTS := .cache/conformance

.PHONY: help demo demo-cloud cloud-environment test check conformance conformance-all engine-tests environment packages format lint types rooms python38 fast lab-tests slow-tests other-core clean

help:
	@echo "make demo         bring a lab up, deploy a site on it while clients ask it all the time"
	@echo "make demo-cloud   from no server to four on an EC2 endpoint of its own, a rolling release, and back"
	@echo "make check        format, lint, types, the import contract and the fast tests"
	@echo "make test         the same, then what ansible-playbook does beside it, tests on lab machines and a chosen"
	@echo "                  few of ansible-core's own (root on Linux), and a second ansible-core"
	@echo "make conformance  those of ansible-core's own tests; conformance-all: all, and docs/compatibility.md"
	@echo "make slow-tests   what takes minutes, on lab machines too"
	@echo "make clean        remove what the other goals made in this folder"

demo: packages environment
	@$(BIN)/herder demo $(ARGUMENTS)

demo-cloud: packages cloud-environment
	@.venv-cloud/bin/herder demo --cloud $(ARGUMENTS)

# The whole `ansible` package, as the extra aws installs it for users: amazon.aws is on PyPI in no
# other way. Fetched and unpacked it takes 8 s; compiling its 10,000 files, of which a run imports
# some thirty, took another 22 s, and moto's and boto3's another 17 s: so nothing is compiled ahead.
cloud-environment: packages
	@COMPILE=no tools/make_environment.sh .venv-cloud $(EXTRAS),cloud,aws,aws-cli

check: environment format lint types rooms python38 fast

test: packages check engine-tests lab-tests other-core conformance

environment: packages
	@tools/make_environment.sh .venv $(EXTRAS)

packages:
	@tools/install_packages.sh

format: environment
	$(BIN)/ruff format --check .

lint: environment
	$(BIN)/ruff check .

types: environment
	$(BIN)/mypy $(SOURCES)

rooms: environment
	$(BIN)/lint-imports --no-logo

python38: environment
	$(BIN)/vermin --quiet --no-tips --violations -t=3.8- $(TRAVELS)

fast: environment
	$(BIN)/pytest -q $(FAST_AT_ONCE) --dist worksteal $(TRY_AGAIN)

# The same content by ansible-playbook and by Herder: both must do and say the same.
engine-tests: fast
	$(BIN)/pytest -q -m 'engines and not slow' $(AT_ONCE) $(TRY_AGAIN)

ifeq ($(ROOT_ON_LINUX),)
lab-tests: engine-tests
	@echo "the tests on lab machines need root on Linux: skipped"
else
lab-tests: engine-tests cloud-environment
	.venv-cloud/bin/pytest -q -m 'lab and not slow' $(AT_ONCE) $(BY_FILE) $(TRY_AGAIN)
endif

# What takes minutes: not part of `make test`. The environment of the cloud has all that the tests of
# other people's roles and collections need; TEST_ROLES names a folder with ansistrano.deploy in it.
slow-tests: cloud-environment
	.venv-cloud/bin/pytest -q -m slow $(AT_ONCE) $(BY_FILE) $(TRY_AGAIN)

# What must hold with both ends of the range of ansible-core that pyproject.toml allows.
other-core: lab-tests
	tools/test_other_core.sh $(EXTRAS) $(FAST_AT_ONCE) $(BY_FILE) $(TRY_AGAIN)

# ansible-core's own tests with stock and with Herder, on the chosen fast set: two minutes.
ifeq ($(ROOT_ON_LINUX),)
conformance:
	@echo "ansible-core's own tests need root on Linux: skipped"
else
conformance: packages environment
	$(BIN)/python -m conformance --fast --retries 1
endif

# All of them, and the page made from the results: hours.
conformance-all: packages environment
	-$(BIN)/python -m conformance --all --retries 1 --json $(RESULTS)/herder.json
	$(BIN)/python -m conformance.table $(RESULTS)/herder.json

clean:
	rm -rf .venv .venv-* .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
