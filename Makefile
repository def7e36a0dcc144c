# Sonde.  "make" builds, "make check" tests, "make demo" tells the story; each installs what it lacks (tools/setup).
#
#   make            build/sonde, build/libsonde.so, build/libsonde.a, build/libsonde-http.so, build/examples/upload-server
#   make demo       the story on this machine      make check     all tests
#   make soak       tests that take longer         make bench     costs, as ratios and instruction counts
#   make stress     one of them, STRESS_SECONDS
#   make lint       layout, includes, manual
#   make fuzz       fuzzers, FUZZ_SECONDS each     make install   PREFIX=/usr/local, DESTDIR=
#
# VARIANT=asan or tsan builds with a sanitizer into build-asan, build-tsan; "make check-command" tests that.

VERSION := 0.1.0
VARIANT :=
BUILD   := build$(if $(VARIANT),-$(VARIANT))
PREFIX  := /usr/local

CC      := gcc
CFLAGS  := -O2 -g
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
ALL     := -std=c17 -fwrapv -D_GNU_SOURCE -DSONDE_VERSION='"$(VERSION)"' $(WARN) -Isrc -Iinclude -MMD -MP
SAN.asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN.tsan := -fsanitize=thread
SAN     := $(SAN.$(VARIANT))

# What each of the products is made of.  The runtime is libc's alone, so it is built apart from the rest; both unwind.
WRITER  := $(addprefix src/record/, write.c peak.c labels.c region.c ring.c)
RUNTIME := $(wildcard src/runtime/*.c) $(WRITER) src/object/eh_frame.c
SERVED  := src/http/embedded.c
COMMAND := $(filter-out $(RUNTIME) $(SERVED), $(wildcard src/*/*.c) src/report/asset.S) src/object/eh_frame.c
LIBRARY := $(filter-out src/sonde/%, $(COMMAND))
LIBS    := -ldeflate -lzstd -ldw -lelf -liberty -lpcre2-8 -ledit -ljansson -lm -lpthread
HEAVY   := -lcapstone -lgvc -lcgraph -lmicrohttpd -lcurl

# On x86-64 the command loads the heavy ones when it needs them.
ifneq ($(shell $(CC) -dumpmachine | cut -d- -f1),x86_64)
COMMAND := $(filter-out src/sonde/lazy.c, $(COMMAND))
LOADED  := $(HEAVY)
endif

RUNTIME_FLAGS := -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-plt -fno-stack-protector

# Short lines; V=1 shows the commands.
Q   := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

object  = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(1)))
pic     = $(patsubst %,$(BUILD)/pic/%.o,$(basename $(1)))

PRODUCTS := $(BUILD)/sonde $(BUILD)/libsonde.so $(BUILD)/libsonde.a $(BUILD)/libsonde-http.so $(BUILD)/examples/upload-server $(BUILD)/examples/labels-cpp

all: $(PRODUCTS)

# Debian's packages, once: the stamp is newer than the list.
SETUP := build/.setup
$(SETUP): tools/setup
	tools/setup
	@mkdir -p $(@D) && touch $@

$(BUILD)/obj/%.o: %.c | $(SETUP)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL) $(CFLAGS) $(SAN) -c $< -o $@

$(BUILD)/obj/%.o: %.S $(wildcard web/*) | $(SETUP)
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) -c $< -o $@

# No sanitizer here: a preloaded malloc and the sanitizer's own would fight for the same names.
$(BUILD)/pic/%.o: %.c | $(SETUP)
	@mkdir -p $(@D)
	$(call say,PIC,$<)
	$(Q)$(CC) $(ALL) $(CFLAGS) $(RUNTIME_FLAGS) -c $< -o $@

$(BUILD)/pic/%.o: %.S $(wildcard web/*) | $(SETUP)
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) -c $< -o $@

$(BUILD)/sonde: $(call object,$(COMMAND))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SAN) $^ $(LIBS) $(LOADED) -o $@

$(BUILD)/libsonde.so: $(call pic,$(RUNTIME))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -shared -Wl,-soname,libsonde.so -Wl,-z,now -Wl,-z,defs -Wl,-z,nodelete $^ -o $@

# One object whose inner names are local, so that they cannot meet the program's.
$(BUILD)/libsonde.a: $(call pic,$(RUNTIME))
	$(call say,AR,$@)
	$(Q)ld -r $^ -o $(BUILD)/pic/sonde.o
	$(Q)objcopy --localize-hidden $(BUILD)/pic/sonde.o
	$(Q)rm -f $@
	$(Q)ar rcs $@ $(BUILD)/pic/sonde.o

# The debug endpoints in a program's own process; of the rooms, and of their libraries, only what they need.
$(BUILD)/pic/rooms.a: $(call pic,$(LIBRARY))
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/libsonde-http.so: $(call pic,$(SERVED)) $(BUILD)/pic/rooms.a src/http/embedded.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -shared -Wl,-soname,libsonde-http.so -Wl,-z,now -Wl,-z,defs -Wl,--as-needed -Wl,--version-script=src/http/embedded.map $(filter %.o %.a,$^) $(LIBS) $(HEAVY) -o $@

EXAMPLE := $(wildcard examples/upload-server/*.c)
$(BUILD)/examples/upload-server: $(call object,$(EXAMPLE))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SAN) $^ $(UPLOAD_LIBS) -Wl,-rpath,'$$ORIGIN/..' -o $@

$(BUILD)/examples/labels-cpp: examples/labels-cpp/labels.cc include/sonde/sonde.h $(BUILD)/libsonde.so
	@mkdir -p $(@D)
	$(call say,CXX,$@)
	$(Q)g++ -Wall -Wextra -Iinclude -O2 -g $< -pthread -L$(BUILD) -lsonde -o $@

# Tests.  Unit tests are programs that link the rooms; shell tests run the products on programs of tests/programs.  All print TAP.
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/*.c))
PROGRAMS := $(patsubst tests/programs/%,$(BUILD)/tests/programs/%,$(basename $(filter-out %_lib.c,$(wildcard tests/programs/*.c tests/programs/*.cc))))
PLUGINS  := $(patsubst tests/programs/%_lib.c,$(BUILD)/tests/programs/%.so,$(wildcard tests/programs/*_lib.c))
SCRIPTS  := $(wildcard tests/e2e/*_test.sh tests/differential/*_test.sh)
RANDOM   := $(BUILD)/tests/differential/random
PARTS    := $(call object,$(LIBRARY) $(WRITER) src/runtime/draw.c)
UPLOAD   := $(filter-out %/main.c,$(EXAMPLE))

UPLOAD_LIBS := -lmicrohttpd -ljansson -lcurl -lcrypto

# The example is a program of its own with names that src/ has too, so its tests link it alone.
UPLOAD_UNIT := $(filter $(BUILD)/tests/unit/upload_%,$(UNIT))
$(UPLOAD_UNIT): $(BUILD)/tests/unit/%: tests/unit/%.c $(call object,$(UPLOAD)) tests/tap.h
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL) $(CFLAGS) $(SAN) $< $(call object,$(UPLOAD)) $(UPLOAD_LIBS) -o $@

UPLOAD_TESTS := $(BUILD)/tests/upload/gqlgen_server
$(UPLOAD_TESTS): $(BUILD)/tests/upload/%: tests/upload/%.c $(call object,$(UPLOAD))
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL) $(CFLAGS) $(SAN) $< $(call object,$(UPLOAD)) $(UPLOAD_LIBS) -o $@

$(filter-out $(UPLOAD_UNIT),$(UNIT)): $(BUILD)/tests/unit/%: tests/unit/%.c $(PARTS) tests/tap.h
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL) $(CFLAGS) $(SAN) $< $(PARTS) $(LIBS) $(HEAVY) -ljansson -o $@

# A part of the runtime that can be tested by itself.
$(BUILD)/tests/unit/runtime_stack_test: PARTS := $(PARTS) $(call object,src/runtime/stack.c)
$(BUILD)/tests/unit/runtime_stack_test: $(call object,src/runtime/stack.c)

$(RANDOM): tests/differential/random.c $(PARTS)
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL) $(CFLAGS) $(SAN) $< $(PARTS) $(LIBS) $(HEAVY) -o $@

$(BUILD)/tests/programs/%: tests/programs/%.c
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) -std=gnu17 -Wall -Wextra -Iinclude -O2 -g $< -pthread -ldl -lm -o $@

$(BUILD)/tests/programs/hold $(BUILD)/tests/programs/storm: tests/programs/truth.h

$(BUILD)/tests/programs/%: tests/programs/%.cc
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)g++ -Wall -Wextra -Iinclude -O2 -g $< -pthread -ldl -lm -o $@

$(BUILD)/tests/programs/serves: tests/programs/serves.c $(BUILD)/libsonde-http.so $(BUILD)/libsonde.so
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) -std=gnu17 -Wall -Wextra -Iinclude -O2 -g $< -L$(BUILD) -Wl,--no-as-needed -lsonde-http -lsonde -Wl,-rpath,'$$ORIGIN/../..' -o $@

$(BUILD)/tests/programs/%.so: tests/programs/%_lib.c
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) -std=gnu17 -Wall -Wextra -O2 -g -fPIC -shared $< -o $@

# What the tests of symbols ask: answers, and names, for others to compare.
TELLERS  := $(BUILD)/tests/symbols/lookup $(BUILD)/tests/symbols/names
$(TELLERS): $(BUILD)/tests/symbols/%: tests/symbols/%.c $(PARTS)
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL) $(CFLAGS) $(SAN) $< $(PARTS) $(LIBS) $(HEAVY) -o $@

# Two walks up the same stacks: from outside, with libdwfl, and inside, with libgcc.
WALKERS := $(BUILD)/tests/unwind/tracer $(BUILD)/tests/unwind/walker.so
$(BUILD)/tests/unwind/tracer: tests/unwind/tracer.c tests/unwind/maps.h $(PARTS)
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL) -I. $(CFLAGS) $(SAN) $< $(PARTS) $(LIBS) $(HEAVY) -o $@

$(BUILD)/tests/unwind/walker.so: tests/unwind/walker.c $(call pic,$(RUNTIME))
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(ALL) $(CFLAGS) $(RUNTIME_FLAGS) -shared $^ -lgcc_s -o $@

# A table of how answers agree with others', for all ways in which debug information comes; some minutes.
check-symbols: $(TELLERS)
	tests/symbols/matrix $(BUILD)/tests/symbols/lookup $(BUILD)/symbols

# Tables of how walks up the stacks of running programs agree with libdwfl's and libgcc's; some minutes.
check-unwind: $(WALKERS)
	tests/unwind/check $(BUILD) $(BUILD)/unwind

# What a sanitizer's variant can test: the library itself is never built with one.
check-command: $(BUILD)/sonde $(BUILD)/libsonde.so $(BUILD)/libsonde.a $(UNIT) $(PROGRAMS) $(PLUGINS)
	ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.supp BUILD=$(BUILD) prove --timer -j2 $(PROVE_FLAGS) $(UNIT) tests/e2e/command_test.sh tests/e2e/serve_test.sh tests/e2e/web_test.sh

# What the tests of the pages take from npm; without a network they say what they lack.
BROWSER := tests/browser/node_modules/.package-lock.json
$(BROWSER): tests/browser/package.json tests/browser/package-lock.json | $(SETUP)
	$(call say,NPM,tests/browser)
	-$(Q)timeout 120 npm ci --prefix tests/browser --no-audit --no-fund --silent && touch $@

check: $(BROWSER) $(PRODUCTS) $(UNIT) $(PROGRAMS) $(PLUGINS) $(RANDOM) $(TELLERS) $(WALKERS) $(UPLOAD_TESTS)
	BUILD=$(BUILD) prove --timer -j2 $(PROVE_FLAGS) $(UNIT) $(SCRIPTS)

# Fuzzers, each with its kept inputs; FUZZ_SECONDS of new ones.  A crash leaves its input in $(BUILD)/fuzz.
FUZZ_SECONDS := 60
FUZZ_FLAGS   := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -O1 -g
FUZZERS      := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))
FUZZ_PARTS   := $(LIBRARY) $(WRITER)

$(BUILD)/fuzz-obj/%.o: %.c | $(SETUP)
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)clang $(ALL) $(FUZZ_FLAGS) -c $< -o $@

UPLOAD_FUZZERS := $(filter $(BUILD)/fuzz/upload_%,$(FUZZERS))
$(UPLOAD_FUZZERS): $(BUILD)/fuzz/%: tests/fuzz/%.c $(patsubst %.c,$(BUILD)/fuzz-obj/%.o,$(UPLOAD))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)clang $(ALL) $(FUZZ_FLAGS) $(filter %.c %.o,$^) $(UPLOAD_LIBS) -o $@

$(filter-out $(UPLOAD_FUZZERS),$(FUZZERS)): $(BUILD)/fuzz/%: tests/fuzz/%.c $(patsubst %.c,$(BUILD)/fuzz-obj/%.o,$(FUZZ_PARTS))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)clang $(ALL) $(FUZZ_FLAGS) $(filter %.c %.S %.o,$^) $(LIBS) $(HEAVY) -ljansson -o $@

fuzz: $(FUZZERS) $(BUILD)/sonde $(RANDOM)
	@for f in $(FUZZERS); do tools/fuzz $$f $(FUZZ_SECONDS) || exit 1; done
	@BUILD=$(BUILD) LIMIT=$(FUZZ_SECONDS) CASES=1000000 SEED=$${SEED:-$$(date +%s)} tests/differential/differential_test.sh

# Costs.
$(BUILD)/bench/%: bench/%.c $(PARTS)
	@mkdir -p $(@D)
	$(call say,BENCH,$@)
	$(Q)$(CC) $(ALL) $(CFLAGS) $< $(PARTS) $(LIBS) $(HEAVY) -o $@

# One file uses the runtime itself.
$(BUILD)/bench/unwind: bench/unwind.c $(call pic,$(RUNTIME))
	@mkdir -p $(@D)
	$(call say,BENCH,$@)
	$(Q)$(CC) $(ALL) $(CFLAGS) $^ -o $@

bench: bench-library bench-programs bench-command bench-symbols bench-browser
bench-library: $(PRODUCTS) $(PROGRAMS) $(BUILD)/bench/unwind
	BUILD=$(BUILD) bench/library
bench-programs: $(PRODUCTS) $(PROGRAMS)
	BUILD=$(BUILD) bench/programs
bench-command: $(PRODUCTS) $(BUILD)/bench/generate $(BUILD)/bench/measure
	BUILD=$(BUILD) bench/command
bench-symbols: $(PRODUCTS) $(BUILD)/bench/measure
	BUILD=$(BUILD) bench/symbols
bench-browser: $(PRODUCTS) $(BUILD)/bench/generate $(BROWSER)
	BUILD=$(BUILD) bench/browser

bench-upload: $(PRODUCTS)
	BUILD=$(BUILD) bench/upload

# What takes long: every way to run out of memory with each allocator, here and under cgroup version 2 in a virtual machine; a thousand
# kills; 10^8 allocations; an hour of all that profilers stumble over; radosgw (installs Ceph), 64 clients in a small group, a file of 5 GB, much garbage.
SOAK := $(addprefix tests/e2e/,oom_test.sh guest_test.sh limit_test.sh survive_test.sh kill_test.sh)
soak: $(PRODUCTS) $(PROGRAMS) $(PLUGINS)
	tools/setup soak
	ALL=1 ROUNDS=1000 OOM_ROUNDS=200 BUILD=$(BUILD) prove --timer $(PROVE_FLAGS) $(SOAK)
	ALLOCATIONS=100000000 BUILD=$(BUILD) prove --timer $(PROVE_FLAGS) tests/e2e/estimates_test.sh
	$(MAKE) stress STRESS_SECONDS=3600
	S3_SERVER=ceph GARBAGE=10000 BUILD=$(BUILD) prove --timer $(PROVE_FLAGS) tests/e2e/upload_s3_test.sh tests/e2e/upload_faults_test.sh tests/upload/soak_test.sh

STRESS_SECONDS := 600
stress: $(PRODUCTS) $(PROGRAMS) $(PLUGINS)
	SECONDS_EACH=$(STRESS_SECONDS) BUILD=$(BUILD) prove --timer $(PROVE_FLAGS) tests/e2e/stress_test.sh

# The story.
demo: $(PRODUCTS)
	BUILD=$(BUILD) tools/demo

lint: | $(SETUP)
	tools/lint

format: | $(SETUP)
	clang-format -i $(shell find src include examples tests bench -name '*.[ch]' -o -name '*.cc')

install: $(PRODUCTS)
	install -D -m 755 $(BUILD)/sonde $(DESTDIR)$(PREFIX)/bin/sonde
	install -D -m 755 $(BUILD)/libsonde.so $(DESTDIR)$(PREFIX)/lib/libsonde.so
	install -D -m 755 $(BUILD)/libsonde-http.so $(DESTDIR)$(PREFIX)/lib/libsonde-http.so
	install -D -m 644 $(BUILD)/libsonde.a $(DESTDIR)$(PREFIX)/lib/libsonde.a
	install -D -m 644 include/sonde/sonde.h $(DESTDIR)$(PREFIX)/include/sonde/sonde.h
	install -D -m 644 include/sonde/http.h $(DESTDIR)$(PREFIX)/include/sonde/http.h
	install -D -m 644 docs/man/sonde.1 $(DESTDIR)$(PREFIX)/share/man/man1/sonde.1

clean:
	rm -rf build build-asan build-tsan build-coverage

.PHONY: all check soak stress check-command check-symbols check-unwind fuzz bench bench-library bench-programs bench-command bench-symbols bench-browser bench-upload demo lint format install clean
-include $(shell find $(BUILD) -path $(BUILD)/sources -prune -o -name '*.d' -print 2>/dev/null)
