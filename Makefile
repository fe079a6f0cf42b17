# SPDX-License-Identifier: GPL-2.0-only
# ptmm: inspect a guest's page tables from the hypervisor.
#
#   make            build/ptmm, build/libptmm.a and the test guest
#   make demo       the main job, end to end, on a real guest (installs what it needs)
#   make check      the tests (installs what they need); make check-all: the long ones too
#   make bench      timings as text and JSON
#   make install    DESTDIR= PREFIX=/usr/local
#
# BUILD=DIR builds elsewhere; SAN=1 builds with ASan and UBSan (in build-san);
# CC=clang works; WERROR= drops -Werror for compilers newer than ours; V=1 shows
# the commands.

VERSION := 0.1.0
PREFIX ?= /usr/local
ifdef SAN
BUILD ?= build-san
else
BUILD ?= build
endif
O := $(abspath $(BUILD))

ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(patsubst $(CURDIR)/%,%,$(2)))
WERROR ?= -Werror
PKGS := json-c libelf libbpf libvirt libvirt-qemu
# Good to have, for the files named below; without static libraries, as Debian has them.
HAVE_KDUMP := $(shell pkg-config --exists libkdumpfile 2>/dev/null && echo 1)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla $(WERROR)
CPPFLAGS += -I. -D_GNU_SOURCE -DPTMM_VERSION='"$(VERSION)"' \
	$(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) -fPIC -pthread -MMD -MP
LDLIBS = -Wl,--as-needed $(shell pkg-config --libs $(PKGS) $(if $(HAVE_KDUMP),libkdumpfile) \
	2>/dev/null) -pthread -lm
# What the same libraries need when they are linked in whole.
STATIC_LDLIBS = $(shell pkg-config --static --libs json-c libelf libbpf 2>/dev/null) -pthread -lm
ifdef SAN
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif

find_c = $(sort $(foreach d,$(1),$(shell find $(d) -name '*.c' 2>/dev/null)))
LIB_SRC := $(call find_c,arch walker)
VMM_SRC := $(call find_c,vmm)
TESTLIB_SRC := $(wildcard tests/lib/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_HELP_SRC := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
GUEST_TEST_SRC := $(wildcard tests/guest/*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
LIB_OBJ := $(call obj,$(LIB_SRC))
VMM_OBJ := $(call obj,$(VMM_SRC))
TEST_OBJ := $(call obj,$(TESTLIB_SRC)) $(filter-out $(O)/obj/vmm/main.o,$(VMM_OBJ))
UNIT_HELP_OBJ := $(call obj,$(UNIT_HELP_SRC))
UNIT_BIN := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(UNIT_SRC))
GUEST_TEST_BIN := $(patsubst tests/guest/%.c,$(O)/tests/guest/%,$(GUEST_TEST_SRC))
BENCH_BIN := $(patsubst tests/bench/%.c,$(O)/tests/bench/%,$(BENCH_SRC))
TESTGUEST := $(O)/guest-images/testguest/testguest.elf

.PHONY: all guests tests deps deps-check demo demo-run check check-all check-run bench \
	install uninstall clean lint static
all: $(O)/ptmm $(O)/libptmm.a guests
.SUFFIXES:
.SECONDARY:

# One line instead of a page of compiler errors where a package is missing.
$(O)/.packages: Makefile
	@mkdir -p $(O)
	@for p in $(PKGS); do pkg-config --exists $$p || { \
		echo "ptmm: the package $$p is missing: run tests/install-deps.sh build" >&2; \
		exit 1; }; done
	@touch $@

$(O)/obj/%.o: %.c $(O)/.packages
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

ifneq ($(HAVE_KDUMP),)
$(O)/obj/vmm/core/kdump.o: CPPFLAGS += -DHAVE_LIBKDUMPFILE \
	$(shell pkg-config --cflags libkdumpfile 2>/dev/null)
endif

# The same files without what cannot be linked statically.
$(O)/obj-static/%.o: %.c $(O)/.packages
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(O)/libptmm.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(O)/ptmm: $(VMM_OBJ) $(O)/libptmm.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# For machines without the libraries (and for the guest inside the guest).
static: $(O)/ptmm-static
NO_STATIC := $(call obj,vmm/core/kdump.c)
# Left out as a whole: vmm/libvirt/none.c stands in.
NO_LIBVIRT := $(filter-out %/none.o,$(filter $(O)/obj/vmm/libvirt/%,$(VMM_OBJ)))
STATIC_OBJ := $(filter-out $(NO_STATIC) $(NO_LIBVIRT),$(VMM_OBJ)) \
	$(patsubst $(O)/obj/%,$(O)/obj-static/%,$(NO_STATIC))
$(O)/ptmm-static: $(STATIC_OBJ) $(O)/libptmm.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -static -o $@ $^ $(STATIC_LDLIBS)

guests:
	@$(MAKE) --no-print-directory -C guest-images/testguest O=$(O)/guest-images/testguest

tests: $(UNIT_BIN) $(GUEST_TEST_BIN)

$(O)/tests/unit/%: $(O)/obj/tests/unit/%.o $(UNIT_HELP_OBJ) $(TEST_OBJ) $(O)/libptmm.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(O)/tests/guest/%: $(O)/obj/tests/guest/%.o $(TEST_OBJ) $(O)/libptmm.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(O)/tests/bench/%: $(O)/obj/tests/bench/%.o $(TEST_OBJ) $(O)/libptmm.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# demo and check install what they need first; a second make then sees it.
deps:
	@tests/install-deps.sh build
deps-check:
	@tests/install-deps.sh build check

demo: deps
	@$(MAKE) --no-print-directory -s all
	@PTMM=$(O)/ptmm tests/demo.sh

check: deps-check
	@tests/run.sh check
check-all: deps-check
	@tests/run.sh check-all
bench: deps-check
	@$(MAKE) --no-print-directory -s all $(BENCH_BIN)
	@BUILD=$(O) tests/bench/run.sh

lint:
	@tests/lint.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig \
		$(DESTDIR)$(PREFIX)/share/ptmm $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(O)/ptmm $(DESTDIR)$(PREFIX)/bin/ptmm
	install -m 644 $(O)/libptmm.a $(DESTDIR)$(PREFIX)/lib/libptmm.a
	for h in $$(find arch walker -name '*.h'); do \
		install -D -m 644 $$h $(DESTDIR)$(PREFIX)/include/ptmm/$$h; done
	install -m 644 walker/ptmm.h $(DESTDIR)$(PREFIX)/include/ptmm/ptmm.h
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' walker/ptmm.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/ptmm.pc
	install -m 644 $(TESTGUEST) $(DESTDIR)$(PREFIX)/share/ptmm/testguest.elf
	install -m 644 vmm/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 vmm/completion/ptmm.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/ptmm

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/ptmm $(DESTDIR)$(PREFIX)/lib/libptmm.a \
		$(DESTDIR)$(PREFIX)/lib/pkgconfig/ptmm.pc \
		$(DESTDIR)$(PREFIX)/share/man/man1/ptmm*.1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/ptmm
	rm -rf $(DESTDIR)$(PREFIX)/include/ptmm $(DESTDIR)$(PREFIX)/share/ptmm

clean:
	rm -rf $(O)

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
