# SPDX-License-Identifier: GPL-2.0
#
# The tests that need compiling. In every suite (folder) a C file is a test of
# its own; what tests share is in selftests/lib/*.c and <suite>/lib/*.c and is
# linked into each. Unit tests get the loader's objects, runners and kernel
# tests liburing and libbpf; *.bpf.c become BPF objects. Modules that a test
# loads are in selftests/kernel/modules, and are built for the kernel that
# nvmesteer's are. selftests/device is a program that runs beside the guest, on
# whatever the machine is, and so is static.

SUITES := $(filter-out device fuzz lib vm,$(patsubst selftests/%/,%,$(wildcard \
	selftests/*/)))

TEST_C := $(filter-out %.bpf.c,$(wildcard $(SUITES:%=selftests/%/*.c)))
TEST_BIN := $(patsubst %.c,$(O)/%,$(TEST_C))
TEST_BPF := $(patsubst %.c,$(O)/%.o,$(wildcard \
	$(SUITES:%=selftests/%/*.bpf.c)))
UNIT_BIN := $(filter $(O)/selftests/unit/%,$(TEST_BIN))

test_lib := $(patsubst %.c,$(O)/obj/%.o,$(wildcard selftests/lib/*.c))
suite_lib = $(patsubst %.c,$(O)/obj/%.o,$(filter-out %.bpf.c,\
	$(wildcard $(dir $(1))lib/*.c)))

$(O)/obj/selftests/%.o: EXTRA_CFLAGS += -Iselftests/lib -Iselftests/device \
	-Wno-unused-parameter

.SECONDEXPANSION:
$(TEST_BIN): $(O)/%: $(O)/obj/%.o $(test_lib) $$(call suite_lib,%) \
		$$(if $$(filter selftests/unit/%,%),$(LOADER_LIB))
	$(call msg,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $(filter %.o,$^) -o $@ $(LIBURING) $(LIBBPF) \
		-lelf -lz -lm -lpthread

$(UNIT_BIN): $(LOADER_LIB)

DEVICE := $(O)/selftests/device/controller
$(DEVICE): $(patsubst %.c,$(O)/obj/%.o,$(wildcard selftests/device/*.c))
	$(call msg,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -static $(LDFLAGS) $^ -o $@

# Made of links, as kernel-hooks/build.mk does it. No module is installed.
ifneq ($(hooks),)
test_mods := $(O)/selftests/modules-$(KVER)
test_mods_src := $(wildcard selftests/kernel/modules/*)
$(test_mods)/.built: $(nvme)/.built $(test_mods_src) selftests/build.mk
	@mkdir -p $(@D)
	@find $(@D) -type l -delete
	@ln -s $(abspath $(test_mods_src)) $(@D)/
	$(Q)set -o pipefail; $(MAKE) -C $(KDIR) M=$(abspath $(@D)) V=$(V) \
		KBUILD_EXTRA_SYMBOLS=$(abspath $(nvme))/Module.symvers \
		NVMESTEER_INCLUDE=$(abspath include) modules 2>&1 | sed -u \
		-e '/^make.*: \(Entering\|Leaving\)/d' \
		-e 's|^\(  [A-Z].*\) $(abspath $(@D))/|\1 selftests/kernel/modules/|' \
		-e 's|$(abspath $(@D))/|selftests/kernel/modules/|g'
	@touch $@

selftests: $(test_mods)/.built
ALL += $(test_mods)/.built
endif

selftests: $(TEST_BIN) $(TEST_BPF) $(DEVICE)
ALL += $(TEST_BIN) $(TEST_BPF) $(DEVICE)
