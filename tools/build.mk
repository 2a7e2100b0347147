# SPDX-License-Identifier: GPL-2.0
#
# Tools that need compiling: every tools/<folder>/*.c is a program of its own,
# every tools/<folder>/*.bpf.c a BPF object. Scripts run as they are.

TOOLS_C := $(filter-out %.bpf.c,$(wildcard tools/*/*.c))
TOOLS_BIN := $(patsubst %.c,$(O)/%,$(TOOLS_C))
TOOLS_BPF := $(patsubst %.c,$(O)/%.o,$(wildcard tools/*/*.bpf.c))

$(TOOLS_BIN): $(O)/tools/%: $(O)/obj/tools/%.o
	$(call msg,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ $(LIBURING) $(LIBBPF) -lm -lpthread

tools: $(TOOLS_BIN) $(TOOLS_BPF)
ALL += $(TOOLS_BIN) $(TOOLS_BPF)
