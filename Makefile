# Copyright (c) 2026, longrun.jobs contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
STAGE = PYTHONPATH=tests PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m stage

.DEFAULT_GOAL := help
.PHONY: help test lint sanity unit screens examples molecule cores bench demo picture format amalgamation release up down

help: ## list what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: ## prepare this machine and run every check
	$(STAGE) test

lint: ## formatters, linters, types, documentation, changelog
	$(STAGE) test lint

sanity: ## ansible-test sanity
	$(STAGE) test sanity

unit: ## unit tests: the controller code under every ansible-core, the target code under every Python
	$(STAGE) test unit target-unit

screens: ## what terminals, a browser, ansible-runner and ARA show of jobs
	$(STAGE) test screens

examples: ## every example in the documentation
	$(STAGE) test examples

molecule: ## scenarios against systemd containers
	$(STAGE) test molecule

cores: ## the drop-in and all modules under every ansible-core
	$(STAGE) test cores

bench: ## measure beside ansible-core and Mitogen; OPTIONS="--quick start" and the like, see benchmarks/README.md
	$(STAGE) bench $(OPTIONS)

demo: ## watch an unmodified playbook on this machine; needs Python 3.10 or newer, and no root
	$(STAGE) demo

picture: ## make the pictures in docs/images anew; needs what `make screens` installs
	$(STAGE) exec python tools/picture.py
	$(STAGE) exec python tools/screen_pictures.py

format: ## let black and ruff rewrite the sources
	$(STAGE) exec ruff check --fix .
	$(STAGE) exec black .

amalgamation: ## generate async_wrapper anew
	$(PYTHON) tools/amalgamate.py

release: ## write the changelog, commit it, build the tarball; see CONTRIBUTING.md
	$(STAGE) exec ansible-playbook tools/release.yml

up: ## start the machines under test for work by hand (see tests/stage/README.md)
	$(STAGE) up

down: ## remove them
	$(STAGE) down
