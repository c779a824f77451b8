# `make demo` and `make test` do all the set-up that they need on Debian 12 with Swift 6, and say what they do.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test lint build install bench bench-check models setup clean

packages := libzmq3-dev libarchive-dev libsodium-dev libcurl4-openssl-dev libsqlite3-dev libmicrohttpd-dev libgeos-dev \
  libjs-leaflet python3-venv gcc strace
venv := .venv
python := $(venv)/bin/python
requirements := requirements.txt examples/requirements.txt Tests/EndToEnd/requirements.txt Tests/Page/requirements.txt \
  clients/python/tests/requirements.txt clients/python/pyproject.toml
crims := .build/release/crims
DATA ?= ../shared/data
counts := $(DATA)/police-uk/england-and-wales-8-months-counts.csv.gz
# What docs/reliability.md reports, one target for each part.
torture_parts := torture-kill torture-disk torture-retries torture-fuzz torture-thread torture-address torture-peers \
  torture-order torture-soak
# pandas is a yardstick, and nothing else needs it.
bench_python := .build/benchmarks/python/bin/python
PREFIX ?= /usr/local
model_files = $(wildcard models/merseyside/*)
page_files = $(wildcard Sources/Web/Page/*)
unit = $(DESTDIR)$(PREFIX)/lib/systemd/system/crims.service
sudo := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

help:
	@echo 'make demo   a police model and the crime model in lockstep on real Merseyside rates, to watch in a browser (FAST=1: seconds)'
	@echo 'make test   all tests'
	@echo 'make lint   formatting and style'
	@echo 'make bench  speed and memory, each as a ratio within the same run'
	@echo 'make bench-check  what a step costs in counts (calls, allocations, instructions), against stored ones'
	@echo 'make build  the daemon alone: $(crims), which runs without the toolchain'
	@echo 'make install that, its model and a systemd unit, into PREFIX=$(PREFIX)'
	@echo 'make models all of England and Wales, from a table of counts in DATA=$(DATA)'
	@echo 'make torture what make test has a short form of, in full: hours; each part is a target of its own:'
	@echo '           $(torture_parts)'
	@echo 'make clean  remove what was built'

demo: build $(venv)/ready
	@$(python) examples/demo.py --crims $(crims) --out out $(if $(FAST),--fast)

test: packages += chromium poppler-utils
test: build $(venv)/ready
	@echo '== tests of the rooms (swift test)'
	@swift test --configuration release --disable-xctest > .build/swift-test.log 2>&1 \
	  || { cat .build/swift-test.log; exit 1; }
	@grep -E '^(➜|✔ Test run)' .build/swift-test.log
	@echo '== tests of the daemon from outside (pytest)'
	$(python) -m pytest -q -rs Tests/EndToEnd
	@echo '== tests of the Python client, and of the live map in a browser (pytest)'
	@$(MAKE) --no-print-directory --jobs 2 --output-sync test-client test-page

# Both wait more than they work.
.PHONY: test-client test-page
test-client:
	$(python) -m pytest -q -rs clients/python/tests
test-page:
	$(python) -m pytest -q -rs --ignore Tests/Page/test_page_speed.py Tests/Page

lint: $(venv)/ready
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks
	$(venv)/bin/ruff check --quiet examples Tests reference Benchmarks clients
	$(venv)/bin/oxlint --deny-warnings --quiet Sources/Web/Page
	@echo 'lint: in order'

build: system-packages
	@echo '== building the daemon'
	swift build --configuration release --product crims

# Builds nothing, since the one who may write there is seldom the one who has the toolchain.
install:
	@test -x '$(crims)' || { echo 'There is no $(crims) to install: make build makes it.' >&2; exit 1; }
	install -D -m 0755 '$(crims)' '$(DESTDIR)$(PREFIX)/bin/crims'
	install -d '$(DESTDIR)$(PREFIX)/share/crims/models/merseyside' '$(dir $(unit))'
	install -m 0644 $(model_files) '$(DESTDIR)$(PREFIX)/share/crims/models/merseyside'
	install -d '$(DESTDIR)$(PREFIX)/share/crims/page'
	$(if $(page_files),install -m 0644 $(page_files) '$(DESTDIR)$(PREFIX)/share/crims/page')
	sed 's|/usr/local|$(PREFIX)|' packaging/crims.service > '$(unit)'
	chmod 0644 '$(unit)'

models: counts-there build
	$(crims) calibrate '$(counts)' --force england-and-wales -o models/england-and-wales

.PHONY: counts-there
counts-there:
	@test -f '$(counts)' || { \
	  echo 'models/england-and-wales is made from a table of counts, and there is none at'; \
	  echo '  $(counts)'; \
	  echo 'Say where its folder is with make models DATA=FOLDER, or give a table of your own to'; \
	  echo '  $(crims) calibrate TABLE --force england-and-wales -o models/england-and-wales'; \
	  echo 'docs/calibration.md, "England and Wales", says what is in it.'; \
	  exit 1; \
	} >&2

bench: build
	swift build --configuration release --product sampling-bench
	@test -x $(bench_python) || python3 -m venv $(dir $(bench_python))..
	@# One by one: what is not to be had for this Python is left out, and only that.
	@grep -v '^#' Benchmarks/requirements.txt | while read package; do \
	  $(bench_python) -m pip install --quiet --disable-pip-version-check $$package || echo "without $$package"; done
	$(bench_python) Benchmarks/run.py

# Counts, and no times: they hold on a busy machine too.
bench-check: packages += valgrind
bench-check: build
	python3 Benchmarks/counts.py --check > .build/counts.json

.PHONY: torture $(torture_parts)
torture: $(torture_parts)

torture-kill: build $(venv)/ready
	@echo '== killing the daemon at every system call'
	$(python) Tests/Torture/kill.py --long

torture-retries: build $(venv)/ready
	@echo '== losing, doubling, delaying and reordering messages'
	$(python) Tests/Torture/retries.py --long

torture-disk: build $(venv)/ready
	@echo '== failing disks and flipped bits'
	$(python) Tests/Torture/disk.py --long
	$(python) Tests/Torture/flip.py --places 1000

torture-soak: build $(venv)/ready
	@echo '== an hour of everything'
	$(python) Tests/Torture/soak.py --seconds 3600

torture-peers: build $(venv)/ready
	@echo '== hostile peers and slow listeners'
	CRIMS_LONG=1 $(python) -m pytest -q -s Tests/EndToEnd/test_hostile_peers.py Tests/EndToEnd/test_slow_listeners.py \
	  Tests/EndToEnd/test_http_crowd.py

torture-order: system-packages
	@echo '== ten thousand schedules of four clients'
	CRIMS_LONG=1 swift test --configuration release --disable-xctest --filter OrderTests

torture-fuzz: system-packages
	@echo '== fuzzing every decoder'
	Tests/Fuzzing/fuzz.sh

torture-thread torture-address: torture-%: system-packages $(venv)/ready
	Tests/Sanitizers/sanitize.sh $*

.PHONY: system-packages
system-packages:
	@missing=; for name in $(packages); do \
	  dpkg-query --show --showformat='$${Status}' $$name 2>/dev/null | grep -q 'install ok installed' \
	    || missing="$$missing $$name"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "== installing from Debian:$$missing"; \
	  $(sudo) apt-get update -q && $(sudo) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y $$missing; \
	fi

$(venv)/ready: $(requirements) | system-packages
	@echo '== installing Python packages into $(venv)'
	python3 -m venv $(venv)
	$(venv)/bin/pip install --quiet --disable-pip-version-check --requirement $(firstword $(requirements))
	@touch $@

clean:
	rm -rf .build $(venv) out
