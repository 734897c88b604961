# SPDX-License-Identifier: MIT
# The two commands: `make run` measures this machine and leaves a report, `make test` runs every test. `make help` lists the rest.
# Behind them is Meson; `meson setup build && ninja -C build` does as well where the packages are there.

BUILD ?= build
# More options for `meson setup`, e.g. MESON_FLAGS=-Dbuildtype=release
MESON_FLAGS ?=
# What `make run` gives to `assay run`
RUN_ARGS ?= --quick-run
# Seconds for each target of `make fuzz`
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local

# Warnings are errors where machines look (CI=true), not where people work.
WERROR = $(if $(filter true 1,$(CI)),true,false)
# $(call configure,directory,options): a directory that has these options already is left as it is.
define configure
@if [ ! -f $(1)/build.ninja ]; then \
  log=$$(meson setup $(1) $(MESON_FLAGS) $(2) 2>&1) || { echo "$$log"; rm -rf $(1); exit 1; }; \
elif [ "$$(cat $(1)/options 2>/dev/null)" != "$(2)" ]; then meson configure $(1) $(2); \
fi; echo "$(2)" >$(1)/options
endef
# gcc warns wrongly in code that a sanitizer has changed; the plain build has warned already.
comma := ,
ASAN = -Dtests=true -Db_sanitize=address,undefined -Doptimization=1 -Dc_args=-w
TSAN = -Dtests=true -Db_sanitize=thread -Doptimization=1 -Dc_args=-w
# Where threads are: modules, and `threads` for single tests
THREAD_SUITES = threads,history,kernels,bench,run

.PHONY: help build run bench test sanitize clang fuzz install format clean packages test-packages
.DEFAULT_GOAL := build

help:
	@echo 'make run        measure this machine in quick form; says where the report is'
	@echo 'make test       every test, those under the sanitizers too'
	@echo 'make build      the command at $(BUILD)/assay (the default)'
	@echo 'make bench      every bar beside the figure measured now'
	@echo 'make sanitize   only the tests under ASan+UBSan and TSan'
	@echo 'make fuzz       FUZZ_SECONDS=$(FUZZ_SECONDS) of libFuzzer for each parser (needs clang)'
	@echo 'make install    into PREFIX=$(PREFIX) (DESTDIR is honoured)'
	@echo 'make format     clang-format 14 over all sources'
	@echo 'make clean      remove every build directory'

packages:
	@tools/install-packages.sh build

test-packages:
	@tools/install-packages.sh build test extra

# Without the tests unless `make test` has asked for them: their packages need not be there.
build: packages
	$(if $(wildcard $(BUILD)/build.ninja),,$(call configure,$(BUILD),-Dtests=false -Dwerror=$(WERROR)))
	@ninja -C $(BUILD)
	@if [ ! -e $(BUILD)/assay ] && [ -x $(BUILD)/cli/assay ]; then ln -s cli/assay $(BUILD)/assay; fi

# 3: a limit that this machine, or so short a run, cannot decide. The report says which; nothing went wrong.
run: build
	@$(BUILD)/assay run $(RUN_ARGS) || [ $$? -eq 3 ]

bench: build
	@failed=0; for bars in bench bench/judge bench/device bench/quant bench/market; do python3 $$bars/bars.py $(BUILD) || failed=1; done; exit $$failed

test: test-packages
	$(call configure,$(BUILD),-Dtests=true -Dwerror=$(WERROR))
	$(call configure,$(BUILD)-asan,$(ASAN))
	$(call configure,$(BUILD)-tsan,$(TSAN))
	@tools/run-tests.py $(BUILD) $(BUILD)-asan:-structure,-e2e $(BUILD)-tsan:$(THREAD_SUITES)

sanitize: test-packages
	$(call configure,$(BUILD)-asan,$(ASAN))
	$(call configure,$(BUILD)-tsan,$(TSAN))
	@tools/run-tests.py $(BUILD)-asan:-structure,-e2e $(BUILD)-tsan:$(THREAD_SUITES)

# The second compiler, warnings as errors.
clang: export CC = clang
clang: test-packages
	$(call configure,$(BUILD)-clang,-Dtests=true -Dwerror=true)
	@ninja -C $(BUILD)-clang

fuzz: export CC = clang
fuzz: test-packages
	$(call configure,$(BUILD)-fuzz,-Dtests=true -Dfuzz=true -Db_sanitize=address$(comma)undefined -Db_lundef=false)
	@tools/fuzz.sh $(BUILD)-fuzz $(FUZZ_SECONDS)

install: build
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@meson install -C $(BUILD) --quiet

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-14 -i

clean:
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-clang $(BUILD)-fuzz
