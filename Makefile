# make bench   set up, build, and measure the quick suite on this machine
# make test    set up, build, and run every test
# make setup   only the set-up: system packages and .venv with the pinned torch wheel
#
# OFFLINE=1 uses what is there. JOBS=N sets the number of compilers that run at once.

JOBS ?= $(shell nproc)
BUILD := build/release

.PHONY: bench test setup programs lint clean

setup:
	@tools/setup.sh

programs: setup
	@cmake --preset release > build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@rm -f build-configure.log
	@cmake --build --preset release -j $(JOBS) --target ridgeline ridgeline-engine-native

bench: programs
	@$(BUILD)/bin/ridgeline run --suite quick --budget 100s

test:
	@JOBS=$(JOBS) tools/test.sh

lint:
	@tools/lint.sh

clean:
	rm -rf build
