# SPDX-License-Identifier: GPL-2.0
#
# The policies: every bpf/*.bpf.c becomes an object of the same name. Also the
# rule for any other BPF program here (tests), and vmlinux.h, which is made
# from the BTF of the very kernel that modules are built against.

BPFTOOL ?= bpftool
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-missing-declarations -Wno-missing-braces

$(O)/vmlinux.h: $(KDIR)/vmlinux
	$(call msg,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) btf dump file $< format c >$@.new && mv $@.new $@

bpf_cmd = $(CLANG) $(BPF_CFLAGS) -D__TARGET_ARCH_x86 -I$(O) -Iinclude -Ibpf \
	-idirafter /usr/include/$(shell $(CC) -dumpmachine)

$(O)/%.bpf.o: %.bpf.c | $(O)/vmlinux.h
	$(call msg,BPF,$<)
	@mkdir -p $(@D)
	$(call note_cmd,$(bpf_cmd) -c $< -o $@)
	$(Q)$(bpf_cmd) -MMD -MP -MT $@ -MF $@.d -c $< -o $@

POLICIES := $(patsubst %.c,$(O)/%.o,$(wildcard bpf/*.bpf.c))

policies: $(POLICIES)
ALL += $(POLICIES)
INSTALL_FILES += $(foreach p,$(POLICIES),$(p):$(POLICYDIR)/$(notdir $(p)):644)
INSTALL_FILES += $(foreach h,$(filter-out %/kcopy.h,\
	$(wildcard include/nvmesteer/*.h bpf/lib/*.h)),\
	$(h):$(PREFIX)/include/nvmesteer/$(patsubst bpf/lib/%,lib/%,$(patsubst \
	include/nvmesteer/%,%,$(h))):644)
