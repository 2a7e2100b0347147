# SPDX-License-Identifier: GPL-2.0
#
# The front door: what a person types. It decides where the build runs (in
# the Debian 13 tree of tools/setup, or natively) and hands over to itself
# there; the rules for what is built are in one build.mk per folder.
#
# IN=     where this make runs: empty (the front door), tree or native.

VERSION := 0.1.0

# Absolute only when it lies elsewhere: messages stay short.
O ?= build
V ?= 0
IN ?=

.DEFAULT_GOAL := all
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

FORWARDED := all install uninstall compile_commands.json modules policies \
	     cli tools selftests fuzzers counting guest

ifeq ($(IN),)
# ------------------------------------------------------------ the front door

# A native build is for a Debian 13 machine's own kernel, or for the kernel
# that KDIR= or KSRC= name; HERMETIC=1 asks for the tree regardless.
HERMETIC ?=
host := $(shell . /etc/os-release 2>/dev/null; echo "$$ID$$VERSION_ID")
ifneq ($(HERMETIC),)
  where := tree
else ifneq ($(KDIR)$(KSRC),)
  where := native
else ifeq ($(host),debian13)
  where := native
else
  where := tree
endif

# The tree is what guests run, whatever the machine is.
GUESTS := check check-debug coverage soak fuzz demo guest bench
ifneq ($(filter $(GUESTS),$(MAKECMDGOALS)),)
  where := tree
endif

jobs := $(or $(filter -j%,$(MAKEFLAGS)),-j$(shell nproc))
export NVMESTEER_BUILD := $(abspath $(O))
out_in_tree := $(if $(filter $(CURDIR)/%,$(NVMESTEER_BUILD)),$(patsubst \
	$(CURDIR)/%,%,$(NVMESTEER_BUILD)),/nvmesteer-build)

# Not make's own variables: the tree's make is another make. Two builds into
# one folder wait for each other.
clean_make := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES
clean_env := $(clean_make) flock -o $(O)/.lock

ifeq ($(where),tree)
inner = $(clean_env) tools/in-tree $(MAKE_IN_TREE) $(jobs) IN=tree \
	O=$(out_in_tree) V=$(V) $(foreach v,PREFIX MODULES CFLAGS,\
	$(if $($(v)),$(v)='$($(v))')) $(if $(DESTDIR),DESTDIR=/mnt SHOWN='$(DESTDIR)') \
	HOST_DIR='$(CURDIR)' HOST_O='$(NVMESTEER_BUILD)'
MAKE_IN_TREE := make
prerequisite := setup
run := @
else
inner = $(MAKE) $(jobs) IN=native O=$(O)/native V=$(V) \
	HOST_DIR='$(CURDIR)' HOST_O='$(NVMESTEER_BUILD)/native'
prerequisite :=
run := +@
endif

.PHONY: $(FORWARDED) setup check check-debug coverage soak fuzz demo bench \
	clean distclean help FORCE

setup:
	@tools/setup

$(filter-out install uninstall compile_commands.json,$(FORWARDED)): \
		$(prerequisite)
	$(run)$(inner) $@

compile_commands.json: $(prerequisite) FORCE
	$(run)$(inner) $@
	@cp $(O)/$(if $(filter native,$(where)),native/)$@ $@

# What the tree's toolchain made runs where the tree runs: in a guest.
install uninstall: $(prerequisite)
ifeq ($(where)$(DESTDIR),tree)
	@echo "make: this build is for Debian 13 guests; to install here," \
	  "name the running kernel's headers and source with KDIR= and KSRC=," \
	  "or give DESTDIR= (see 'make help')" >&2; exit 1
else
	@$(if $(DESTDIR),mkdir -p '$(DESTDIR)')
	$(run)$(if $(DESTDIR),NVMESTEER_DESTDIR='$(abspath $(DESTDIR))') $(inner) $@
endif

# ARGS= goes to the runner: make check ARGS='--filter reset kernel'
check: all guest
	@selftests/run $(ARGS)

# DEBUG=kasan or kcsan for one of them; ARGS= goes to the runner here, too
check-debug: $(prerequisite)
	@$(clean_make) tools/debug/check $(or $(DEBUG),kasan kcsan) $(ARGS)

# of the command; that of the module is check-debug's
coverage: all guest
	@$(clean_make) tools/cli-coverage $(ARGS)

# MINUTES= and SEED=
soak: all guest
	@selftests/run --soak $(or $(MINUTES),10) \
		$(if $(SEED),--env SEED=$(SEED)) $(ARGS)

# SECONDS= for each fuzzer
fuzz: policies
	@tools/setup --debug
	@$(MAKE) HERMETIC=1 fuzzers
	@selftests/fuzz/run $(SECONDS) $(ARGS)

demo: all guest
	@tools/demo/run $(ARGS)

# ROWS= chooses among its rows, ARGS= is for tools/bench/run
bench: all guest
	@tools/setup --bench
	@tools/bench/run $(if $(ROWS),--rows '$(ROWS)') $(ARGS)

# The tree, the unpacked kernel source, the second QEMU and kernels that check
# themselves stay: they are slow to make.
clean:
	@rm -rf $(addprefix $(O)/,$(shell cd $(O) 2>/dev/null && ls -A | \
		grep -v -x -e debian13 -e 'linux-source-.*' -e 'debug-.*' \
		-e qemu-vfio-user)) \
		compile_commands.json
	@echo "  CLEAN   $(O)"

distclean: clean
	@rm -rf --one-file-system $(O) 2>/dev/null || \
		sudo rm -rf --one-file-system $(O)

help:
	@sed -e 's/@VERSION@/$(VERSION)/' -e '/^#/d' tools/make-help.txt

else
# ----------------------------------------------- where the building happens

# Kbuild has variables of these names too: nothing is handed on unasked.
MAKEOVERRIDES :=

PREFIX := $(or $(PREFIX),$(if $(filter tree,$(IN)),/usr,/usr/local))
POLICYDIR = $(PREFIX)/lib/nvmesteer/policies
DESTDIR ?=

# Quiet by default; V=1 shows the commands.
Q := $(if $(filter 1,$(V)),,@)
msg = $(if $(filter 1,$(V)),@:,@printf '  %-7s %s\n' $(1) $(2))

CC := gcc
CLANG := clang
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Werror
# The newest interfaces that the user-space side relies on.
LIBBPF_MIN := 1.4
LIBURING_MIN := 2.3

# What else building needs, as COMMAND:PACKAGE. An ordinary user's PATH has no
# sbin, where bpftool is.
NEEDED := gcc:gcc clang:clang bpftool:bpftool pahole:pahole \
	  $(PKG_CONFIG):pkgconf patch:patch xz:xz-utils readelf:binutils
export PATH := $(PATH):/usr/sbin:/sbin
has_command = $(shell PATH=$$PATH:/usr/sbin:/sbin; command -v $(1))
pkg_ok = $(if $(call has_command,$(PKG_CONFIG)),$(shell $(PKG_CONFIG) \
	--atleast-version=$(2) $(1) && echo y),unknown)
lacking := $(foreach n,$(NEEDED),$(if $(call has_command,$(firstword \
	$(subst :, ,$(n)))),,$(lastword $(subst :, ,$(n)))))
lacking += $(if $(call pkg_ok,libbpf,$(LIBBPF_MIN)),,libbpf-dev>=$(LIBBPF_MIN))
lacking += $(if $(call pkg_ok,liburing,$(LIBURING_MIN)),,liburing-dev>=$(strip \
	)$(LIBURING_MIN))
ifneq ($(strip $(lacking)),)
  $(error packages are missing to build here: $(strip $(lacking)); \
	'tools/setup --native' installs on Debian 13 what is needed, HERMETIC=1 \
	builds in the Debian 13 tree instead)
endif
BPF_CFLAGS_USER := $(shell $(PKG_CONFIG) --cflags libbpf)
LIBBPF := $(shell $(PKG_CONFIG) --libs libbpf)
LIBURING := $(shell $(PKG_CONFIG) --libs liburing)

USER_CFLAGS = $(CFLAGS) $(WARN) -std=gnu11 -D_GNU_SOURCE -Iinclude -Iloader \
	-ffile-prefix-map=$(CURDIR)/= -DNVMESTEER_VERSION='"$(VERSION)"' \
	-DNVMESTEER_POLICY_DIR='"$(POLICYDIR)"' $(BPF_CFLAGS_USER)

# What every fragment appends to.
ALL :=
INSTALL_FILES :=
# Commands of objects, for compile_commands.json: one .cmd file each.
note_cmd = @printf '%s\n%s\n' '$<' '$(subst ','\'',$(1))' >$@.cmd

.PHONY: all $(FORWARDED) FORCE
FORCE:

# A change of flags or of the install prefix rebuilds what it touches.
$(O)/.flags: FORCE
	@mkdir -p $(O)
	@echo '$(subst ','\'',$(USER_CFLAGS))' | cmp -s - $@ || \
		echo '$(subst ','\'',$(USER_CFLAGS))' >$@

# A C file of user space, wherever it lies, to an object at the same place.
$(O)/obj/%.o: %.c $(O)/.flags
	$(call msg,CC,$<)
	@mkdir -p $(@D)
	$(call note_cmd,$(CC) $(USER_CFLAGS) $(EXTRA_CFLAGS) -c $< -o $@)
	$(Q)$(CC) $(USER_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c $< -o $@
.SECONDARY:

include $(wildcard kernel-hooks/build.mk bpf/build.mk loader/build.mk \
	tools/build.mk selftests/build.mk selftests/fuzz/build.mk)

all: $(ALL)
-include $(shell find $(O) -mindepth 1 \( -name debian13 -o -name 'nvme-*' -o -name \
	guest -o -name 'debug-*' -o -name linux \) -prune -o -name '*.d' -print 2>/dev/null)

include tools/install.mk

compile_commands.json: all FORCE
	$(call msg,GEN,$@)
	$(Q)tools/compile-commands $(O) $(KDIR) '$(HOST_DIR)' '$(HOST_O)' \
		$(if $(filter tree,$(IN)),'$(HOST_O)/debian13') >$(O)/$@.new
	$(Q)mv $(O)/$@.new $(O)/$@
endif
