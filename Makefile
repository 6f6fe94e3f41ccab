# SPDX-License-Identifier: GPL-2.0-only
#
#	make			build/logpoint
#	make demo		install what is missing, build, show live logpoints on a sample service
#	make check [T=name]	install what is missing, build, run every test (or one)
#	make bench		what a logpoint costs, beside the peers
#	make install [PREFIX=/usr/local] [DESTDIR=]
#
# DEBUG=1 no optimisation; ASAN=1 address and undefined-behaviour sanitizers; V=1 show commands;
# CC=clang; WERROR=1 as CI builds.

PREFIX ?= /usr/local
CC = gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
B := build$(if $(filter 1,$(ASAN)),/asan)
SANITIZE := -fsanitize=address,undefined

CFLAGS := -std=gnu11 -g $(if $(filter 1,$(DEBUG)),-O0,-O2) -Wall -Wextra -Wshadow \
	-Wmissing-prototypes -Wstrict-prototypes $(if $(filter 1,$(WERROR)),-Werror) \
	-D_GNU_SOURCE -Iinclude -Iuser -I$B/gen \
	$(if $(filter 1,$(ASAN)),$(SANITIZE) -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
LDFLAGS := $(if $(filter 1,$(ASAN)),$(SANITIZE))
LDLIBS := -lbpf -ldw -lelf -lcapstone -liberty -ljansson -lz -lm -lpthread
BPF_CFLAGS := -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_x86 -Wall -Werror -Iinclude -Ibpf \
	-idirafter /usr/include/x86_64-linux-gnu

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')

SRC := $(wildcard user/*/*.c)
MAIN := user/cli/main.c
OBJ := $(SRC:user/%.c=$B/user/%.o)
LIB := $B/liblogpoint.a
LIB_OBJ := $(filter-out $(MAIN:user/%.c=$B/user/%.o),$(OBJ))
BPF_SRC := $(wildcard bpf/*.bpf.c)
SKEL := $(BPF_SRC:bpf/%.bpf.c=$B/gen/%.skel.h)

.DELETE_ON_ERROR:
.PHONY: all check demo bench install clean

all: $B/logpoint

$B/logpoint: $(MAIN:user/%.c=$B/user/%.o) $(LIB)
	$(call say,LD,$@)
	$Q$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(LIB_OBJ)
	$(call say,AR,$@)
	$Q rm -f $@ && ar rcs $@ $^

$B/user/%.o: user/%.c | $(SKEL)
	$(call say,CC,$<)
	$Q mkdir -p $(@D) && $(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$B/gen/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$Q mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$B/gen/%.skel.h: $B/gen/%.bpf.o
	$(call say,SKEL,$@)
	$Q$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf >$@

clean:
	rm -rf build

-include $(wildcard $B/user/*/*.d $B/gen/*.d)
