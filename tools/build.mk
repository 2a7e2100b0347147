# SPDX-License-Identifier: GPL-2.0
#
# Tools that need compiling: every tools/<folder>/*.c is a program of its own,
# every tools/<folder>/*.bpf.c a BPF object, but tools/bench/*.c together are
# nvmesteer-bench, which prints JSON with the loader's own functions. Scripts
# run as they are.

TOOLS_C := $(filter-out %.bpf.c tools/bench/%,$(wildcard tools/*/*.c))
TOOLS_BIN := $(patsubst %.c,$(O)/%,$(TOOLS_C))
TOOLS_BPF := $(patsubst %.c,$(O)/%.o,$(wildcard tools/*/*.bpf.c))
BENCH := $(O)/tools/bench/nvmesteer-bench
BENCH_OBJS := $(patsubst %.c,$(O)/obj/%.o,$(wildcard tools/bench/*.c)) \
	$(O)/obj/loader/out.o

$(TOOLS_BIN): $(O)/tools/%: $(O)/obj/tools/%.o
	$(call msg,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ $(LIBURING) $(LIBBPF) -lm -lpthread

$(BENCH): $(BENCH_OBJS)
	$(call msg,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ $(LIBURING) -lm

tools: $(TOOLS_BIN) $(TOOLS_BPF) $(BENCH)
ALL += $(TOOLS_BIN) $(TOOLS_BPF) $(BENCH)

INSTALL_FILES += $(BENCH):$(PREFIX)/bin/nvmesteer-bench:755
install: $(BENCH)
