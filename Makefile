# What people type; the build itself is CMake's and Ninja's. `make help` lists the targets.
BUILD ?= build
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
DESTDIR ?=
TESTS ?=
UNITY ?= ON
WERROR ?= OFF
TEST_JOBS ?= $(JOBS)

.DEFAULT_GOAL := build
.PHONY: build test demo demo-provisioner docs lint fuzz format bench bench-decisions bench-live bench-workers soak asan tsan install uninstall clean help deps configure \
  configure-all everything run-tests

help: ## this list
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Ninja shows its progress in one line that grows; a target that a command needs is named, so that nobody waits for more.
ninja = cmake --build $(BUILD) -j $(JOBS) --target
# Tests and benchmarks need further packages: they join the build the first time that somebody asks for them.
cmake = cmake -S . -B $(BUILD) -G Ninja -DDOCKTOR_UNITY=$(UNITY) -DDOCKTOR_WERROR=$(WERROR) --log-level=NOTICE
configure:
	@test -e $(BUILD)/build.ninja || $(cmake) -DDOCKTOR_TESTS=OFF -DDOCKTOR_BENCH=OFF
configure-all:
	@grep -qs '^DOCKTOR_TESTS:BOOL=ON' $(BUILD)/CMakeCache.txt && grep -qs '^DOCKTOR_BENCH:BOOL=ON' $(BUILD)/CMakeCache.txt \
	  || $(cmake) -DDOCKTOR_TESTS=ON -DDOCKTOR_BENCH=ON

# ./docktor is replaced, never written over: a daemon may be running from it.
leave-binary = cmp -s $(BUILD)/src/app/docktor docktor || { cp $(BUILD)/src/app/docktor .docktor.new && mv -f .docktor.new docktor; }

build: ## build; leaves ./docktor here
	@scripts/install-deps.sh build
	@$(MAKE) --no-print-directory configure
	@$(ninja) docktor producer consumer
	@$(leave-binary)

demo: ## install what is missing, build, and watch docktor scale real workers for a minute
	@scripts/install-deps.sh build demo
	@$(MAKE) --no-print-directory build
	@./docktor demo

demo-provisioner: ## watch threads of one program come and go with two batches of requests (NATS_URL= or a private server)
	@scripts/install-deps.sh build demo
	@$(MAKE) --no-print-directory configure
	@$(ninja) example_provisioner
	@$(BUILD)/examples/example_provisioner

docs: ## write the library's API reference to build/docs/html (Doxygen)
	@scripts/install-deps.sh docs
	@mkdir -p $(BUILD)/docs
	@OUTPUT=$(BUILD)/docs VERSION=$$(sed -n 's/^project(docktor VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt) doxygen docs/Doxyfile
	@echo "$(BUILD)/docs/html/index.html"

# Docker's tests bring up an engine of their own, for which they must be root; a newer NATS server,
# the MCP clients and the clients of the workers under test are fetched, not installed.
test: everything ## install what is missing, build everything, run every test (TESTS=regex for some)
	@$(MAKE) --no-print-directory run-tests

# What tests need from elsewhere comes while the compiler works.
everything:
	@scripts/install-deps.sh build demo test
	@test "$$(id -u)" != 0 || scripts/install-deps.sh docker || true
	@$(MAKE) --no-print-directory configure-all
	@scripts/fetch-for-tests.sh & $(ninja) all; built=$$?; wait; exit $$built
	@$(leave-binary)

# Those that take longest start first (COST). Many only wait: TEST_JOBS=3 on two cores takes a third less time, but now and
# then one of them comes too late.
run-tests:
	@ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j $(TEST_JOBS) $(if $(TESTS),-R '$(TESTS)')

asan tsan: ## build and test with sanitizers (build-asan, build-tsan)
	@scripts/install-deps.sh build demo test
	@cmake --preset $@ --log-level=NOTICE
	@cmake --build --preset $@ -j $(JOBS)
	@ctest --preset $@ $(if $(TESTS),-R '$(TESTS)')

fuzz: ## fuzz what reads outside text, ten minutes each (SECONDS_EACH=60 for less)
	@scripts/install-deps.sh build demo test
	@$(MAKE) --no-print-directory configure-all
	@cmake -S . -B $(BUILD) -DFUZZ_SECONDS=$(or $(SECONDS_EACH),600) --log-level=NOTICE
	@cmake --build $(BUILD) -j 1 --target fuzzers

lint: ## formatting and clang-tidy over what changed
	@scripts/install-deps.sh build demo test lint
	@$(MAKE) --no-print-directory configure-all
	@$(ninja) all
	@BUILD=$(BUILD) JOBS=$(JOBS) scripts/lint.sh

bench: ## measure what docs/performance.md quotes (some twenty-five minutes; on an idle machine)
	@scripts/install-deps.sh build demo test bench
	@$(MAKE) --no-print-directory configure-all
	@test "$$(id -u)" != 0 || scripts/install-deps.sh docker || true
	@$(ninja) decision_bench daemon_bench sample_bench rabbitmq_bench kafka_bench compose_bench provisioner_bench
	@$(BUILD)/bench/decision_bench bench/traces/*.csv
	@$(BUILD)/bench/provisioner_bench
	@$(BUILD)/bench/sample_bench
	@$(BUILD)/bench/rabbitmq_bench
	@$(BUILD)/bench/kafka_bench
	@$(BUILD)/bench/daemon_bench react
	@$(BUILD)/bench/daemon_bench wake
	@for what in more react stats; do DOCKTOR_TEST_CACHE=$(abspath $(BUILD))/test-docker scripts/test-docker run -- \
	  $(BUILD)/bench/compose_bench $$what || test $$? = 77 || exit 1; done
	@$(BUILD)/bench/daemon_bench footprint

bench-decisions: ## run every trace, worker and peer, write docs/decisions.md and docs/workers.md (resumable; under two hours)
	@scripts/install-deps.sh build test bench
	@$(MAKE) --no-print-directory configure-all
	@$(ninja) decisions_bench workers_bench
	@$(BUILD)/bench/workers_bench . docs/workers.md
	@$(BUILD)/bench/decisions_bench . $(BUILD)/decisions --out docs/decisions.md

bench-live: ## one load on real workers and in the simulator, write docs/simulator.md (five minutes; on an idle machine)
	@scripts/install-deps.sh build demo test bench
	@$(MAKE) --no-print-directory configure-all
	@$(ninja) live_bench
	@$(BUILD)/bench/live_bench bench/traces/live.csv docs/simulator.md docs/live.svg

bench-workers: ## Python and Node workers under real load, write docs/performance.md (three quarters of an hour, resumable; ROW=name for one)
	@scripts/install-deps.sh build demo test bench
	@test "$$(id -u)" != 0 || scripts/install-deps.sh docker || true
	@scripts/fetch-worker-clients.sh build/worker-clients >/dev/null
	@$(MAKE) --no-print-directory configure-all
	@$(ninja) real_workers_bench
	@$(BUILD)/bench/real_workers_bench $(BUILD)/real-workers docs/performance.md $(ROW)
	@DOCKTOR_TEST_CACHE=$(abspath $(BUILD))/test-docker scripts/test-docker run --base -- \
	  $(BUILD)/bench/real_workers_bench $(BUILD)/real-workers docs/performance.md $(ROW) || test $$? = 77

soak: ## the properties over very many random cases (CASES=100000), and fail-overs of two daemons (FAILOVERS=100)
	@scripts/install-deps.sh build demo test
	@$(MAKE) --no-print-directory configure-all
	@$(ninja) properties objective_properties objective_closed_loop objective_workers kubernetes_it
	@RC_PARAMS="max_success=$(or $(CASES),100000)" $(BUILD)/tests/properties/properties
	@RC_PARAMS="max_success=$(or $(CASES),100000)" $(BUILD)/tests/policy/objective_properties --gtest_filter='Objective.*'
	@RC_PARAMS="max_success=$$(($(or $(CASES),100000) / 100))" $(BUILD)/tests/policy/objective_closed_loop --gtest_filter='ObjectiveClosedLoop.*'
	@RC_PARAMS="max_success=$$(($(or $(CASES),100000) / 100))" $(BUILD)/tests/policy/objective_workers --gtest_filter='AnyWorkers.*'
	@scripts/fetch-kubernetes.sh build/kubernetes >/dev/null
	@DOCKTOR_FAILOVERS=$(or $(FAILOVERS),100) $(BUILD)/tests/kubernetes/kubernetes_it --gtest_also_run_disabled_tests --gtest_filter='*ManyFailOvers'

format: ## format every source in place
	@scripts/install-deps.sh lint
	@git ls-files -co --exclude-standard '*.cc' '*.h' | xargs clang-format-19 -i

install: build ## install under $(PREFIX): binary, library, man page, bash completion, systemd unit, the demo's producer and worker
	@$(ninja) installed
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)

uninstall: ## remove what `make install` with the same PREFIX and DESTDIR put there
	@DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) scripts/uninstall.sh $(BUILD)/install_manifest.txt

clean: ## remove the build folder and ./docktor
	rm -rf $(BUILD) docktor .docktor.new
