# SPDX-License-Identifier: GPL-2.0-only
#
#	make			build/logpoint
#	make deps		install the Debian packages that a build needs and that are missing
#	make demo		deps, build, show live logpoints on a sample service
#	make check		deps, build, run every test
#	make check T=NAME	one of them; F='GLOB' picks test cases in it
#	make bench		deps, build, what a logpoint costs, beside the peers
#	make install		PREFIX=/usr/local DESTDIR=
#	make format | lint | clean
#
# DEBUG=1 no optimisation; ASAN=1 address and undefined-behaviour sanitizers; FUZZ=1 as ASAN=1 by
# clang with coverage for the fuzzers; CC=clang: each has objects of its own, build/VARIANT.
# V=1 shows commands; WERROR=1 as CI builds.

PREFIX ?= /usr/local
CC = gcc
CXX = g++
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
ifeq ($(FUZZ),1)
override CC := $(CLANG)
endif

on = $(filter 1,$($(1)))
space := $(subst ,, )
VARIANT := $(strip $(if $(call on,FUZZ),fuzz,$(filter-out gcc cc,$(notdir $(CC)))) \
	$(if $(call on,DEBUG),debug) $(if $(call on,ASAN),asan))
B := build$(if $(VARIANT),/$(subst $(space),-,$(VARIANT)))
GEN := build/gen

CFLAGS ?= $(if $(call on,FUZZ),-gline-tables-only,-g) $(if $(call on,DEBUG),-O0,$(if $(call on,FUZZ)$(call on,ASAN),-O1,-O2))
WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	$(if $(call on,WERROR),-Werror)
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SANITIZE := $(if $(call on,FUZZ),-fsanitize=fuzzer-no-link) \
	$(if $(call on,FUZZ)$(call on,ASAN),$(SANITIZERS))
ALL_CFLAGS := -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -Iinclude -Iuser -I$(GEN) $(SANITIZE) $(CFLAGS)
ALL_LDFLAGS := $(SANITIZE) $(LDFLAGS)
# The shared capstone has tables for all processors, 80,000 pointers that each start relocates: 5 ms and
# 3 MiB. Of the static one only what is asked for by name is linked: no other processor's is.
CAPSTONE_A := $(findstring /,$(shell $(CC) -print-file-name=libcapstone.a 2>/dev/null))
FOREIGN := AArch64 ARM EVM M680X M68K Mips PPC Sparc SystemZ TMS320C64x XCore \
	$(if $(filter aarch64,$(shell uname -m)),X86)
CAPSTONE := $(if $(CAPSTONE_A),$(foreach a,$(FOREIGN),-Wl,--defsym=$a_global_init=0,--defsym=$a_option=0) \
	-l:libcapstone.a,-lcapstone)
LDLIBS := -lbpf -ldw -lelf $(CAPSTONE) -liberty -ljansson -lz -lm -lpthread
# Each shared library takes half a millisecond of each start. Those of C stay: elfutils opens the client
# of debuginfod at run time, and libm chooses by processor. What the static ones need themselves has no
# package of its own in tools/deps.
STATIC := bpf dw elf jansson z lzma bz2
FOUND := $(foreach l,$(STATIC),$(findstring /,$(shell $(CC) -print-file-name=lib$l.a 2>/dev/null)))
STATIC_LDLIBS := -Wl,-Bstatic $(STATIC:%=-l%) $(CAPSTONE) -liberty -Wl,-Bdynamic -lm -lpthread
EXE_LDLIBS := $(if $(filter $(words $(STATIC)),$(words $(FOUND) $(SANITIZE))),$(STATIC_LDLIBS),$(LDLIBS))
BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(if $(filter aarch64,$(shell uname -m)),arm64,x86) \
	-Wall -Werror -Iinclude -Ibpf -idirafter /usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)

Q := $(if $(call on,V),,@)
quiet = $(call on,V)$(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(quiet),,@printf '  %-7s %s\n' '$(1)' '$(2)')

SRC := $(sort $(wildcard user/*/*.c))
MAIN := $B/user/cli/main.o
OBJ := $(SRC:%.c=$B/%.o)
LIB := $B/liblogpoint.a
LIB_OBJ := $(filter-out $(MAIN),$(OBJ))
SKEL := $(patsubst bpf/%.bpf.c,$(GEN)/%.skel.h,$(wildcard bpf/*.bpf.c))
TOOLS := $(patsubst %.c,$B/%,$(filter-out %.bpf.c,$(wildcard tools/*.c)))
TOOL_SKEL := $(patsubst tools/%.bpf.c,$(GEN)/%.skel.h,$(wildcard tools/*.bpf.c))
UNIT := $(patsubst %.c,$B/%,$(wildcard tests/unit/test_*.c))
UNIT_COMMON := $(patsubst %.c,$B/%.o,$(filter-out tests/unit/test_%,$(wildcard tests/unit/*.c)))
FUZZERS := $(patsubst %.c,$B/%,$(wildcard tests/fuzz/fuzz_*.c))
STYLED := $(wildcard include/*/*.h user/*/*.[ch] bpf/*.[ch] tests/unit/*.[ch] tests/fuzz/*.[ch] tools/*.[ch])

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all deps check demo bench install clean format lint unit fuzzers tools FORCE

all: $B/logpoint

$B/logpoint: $(MAIN) $(LIB)
	$(call say,LD,$@)
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(EXE_LDLIBS)

$(LIB): $(LIB_OBJ) $B/objects.txt
	$(call say,AR,$@)
	$Q rm -f $@ && ar rcs $@ $(LIB_OBJ)

$B/%.o: %.c $B/flags.txt | $(SKEL) build/deps.ok
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# What no fuzzer runs needs no coverage; and some tests read their own debug information.
UNCOVERED := $(filter-out -fsanitize=fuzzer-no-link,$(ALL_CFLAGS))
$B/user/cli/%.o $B/user/session/%.o: private ALL_CFLAGS := $(UNCOVERED)
$B/tests/unit/%.o: private ALL_CFLAGS := $(UNCOVERED) -g

# The BPF object is compiled once for all variants; `gen object` leaves its DWARF out.
$(SKEL) $(TOOL_SKEL): $(GEN)/%.skel.h: $(GEN)/%.bpf.o
	$(call say,SKEL,$@)
	$Q$(BPFTOOL) gen object $(GEN)/$*.linked.o $<
	$Q$(BPFTOOL) gen skeleton $(GEN)/$*.linked.o name $(subst .,_,$*)_bpf >$@

$(SKEL:.skel.h=.bpf.o): $(GEN)/%.bpf.o: bpf/%.bpf.c
$(TOOL_SKEL:.skel.h=.bpf.o): $(GEN)/%.bpf.o: tools/%.bpf.c
$(GEN)/%.bpf.o: $(GEN)/flags.txt | build/deps.ok
	$(call say,BPF,$(filter %.bpf.c,$^))
	$Q mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $(filter %.bpf.c,$^)

# What objects depend on beside files: the flags, and for the archive the set of sources.
remember = $Q mkdir -p $(@D) && printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
$B/flags.txt: FORCE
	$(call remember,$(CC) $(filter-out -Werror,$(ALL_CFLAGS)))
$B/objects.txt: FORCE
	$(call remember,$(LIB_OBJ))
$(GEN)/flags.txt: FORCE
	$(call remember,$(CLANG) $(BPF_CFLAGS))

build/deps.ok:
	$Q tools/deps --check build || { echo "or run: make deps" >&2; exit 1; }
	$Q mkdir -p $(@D) && touch $@

# --- tests ---

unit: $(UNIT)
fuzzers: $(FUZZERS)

$(UNIT): $B/tests/unit/%: $B/tests/unit/%.o $(UNIT_COMMON) $(LIB)
	$(call say,LD,$@)
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

$(FUZZERS): $B/tests/fuzz/%: $B/tests/fuzz/%.o $(LIB)
	$(call say,LD,$@)
	$Q$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

check:
	$Q tools/deps build tests
	+$Q tests/run $(if $(T),-T '$(T)') $(if $(F),-F '$(F)')

# --- measuring ---

tools: $(TOOLS) $B/bench/target

$(TOOLS:%=%.o): | $(TOOL_SKEL)
$(TOOLS): %: %.o $(LIB)
	$(call say,LD,$@)
	$Q$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

# Always gcc's -O2: its instructions are what is measured.
$B/bench/target: tests/targets/bench.c
	$(call say,TARGET,$@)
	$Q mkdir -p $(@D) && gcc -g -O2 -o $@ $<

lint:
	$Q tools/lint

format:
	$Q clang-format -i $(STYLED)

# --- the rest ---

deps:
	$Q tools/deps build

demo: deps
	+$Q$(MAKE) --no-print-directory all
	$Q tools/demo

bench:
	$Q tools/deps build bench
	+$Q$(MAKE) --no-print-directory all tools
	$Q tools/bench $(if $(ROUNDS),--rounds $(ROUNDS))

install: all
	install -D -m 755 $B/logpoint $(DESTDIR)$(PREFIX)/bin/logpoint
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/logpoint/LICENSE
	install -D -m 644 README.md $(DESTDIR)$(PREFIX)/share/doc/logpoint/README.md

clean:
	rm -rf build

-include $(wildcard $B/user/*/*.d $B/tests/*/*.d $B/tools/*.d $(GEN)/*.d)
