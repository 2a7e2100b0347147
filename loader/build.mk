# SPDX-License-Identifier: GPL-2.0
#
# The nvmesteer command: every loader/*.c, one verb a file, on libbpf and
# liburing. Its objects but main.o serve the unit tests as well.

LOADER_OBJS := $(patsubst %.c,$(O)/obj/%.o,$(wildcard loader/*.c))
LOADER_LIB := $(filter-out %/main.o,$(LOADER_OBJS))

$(O)/nvmesteer: $(LOADER_OBJS)
	$(call msg,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@ $(LIBBPF) $(LIBURING) -lelf -lz

# Pages are written by hand where there are any.
MAN := $(wildcard loader/man/*.[1-8])

ifneq ($(wildcard loader/main.c),)
cli: $(O)/nvmesteer
ALL += $(O)/nvmesteer
INSTALL_FILES += $(O)/nvmesteer:$(PREFIX)/bin/nvmesteer:755
else
cli:
endif
INSTALL_FILES += $(foreach m,$(MAN),\
	$(m):$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $(m)))/$(notdir \
	$(m)):644)
INSTALL_FILES += loader/nvmesteer.bash-completion:$(strip \
	)$(PREFIX)/share/bash-completion/completions/nvmesteer:644

# Once more, and the unit tests, of a kind that counts which lines ran, for
# tools/cli-coverage. Not optimised, so that lines are what they are.
COUNTING := $(O)/coverage
counting_objs := $(patsubst $(O)/obj/%,$(O)/obj/coverage/%,$(LOADER_OBJS))
counting_unit := $(patsubst selftests/unit/%.c,$(COUNTING)/unit/%,$(wildcard \
	selftests/unit/*.c))

$(O)/obj/coverage/%.o: %.c $(O)/.flags
	$(call msg,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(USER_CFLAGS) -O0 --coverage -fprofile-update=atomic \
		-MMD -MP -c $< -o $@

$(COUNTING)/nvmesteer: $(counting_objs) $(O)/obj/tools/cli-coverage.o
	$(call msg,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) --coverage $^ -o $@ $(LIBBPF) $(LIBURING) -lelf -lz

$(counting_unit): $(COUNTING)/unit/%: $(O)/obj/selftests/unit/%.o \
		$(patsubst %.c,$(O)/obj/%.o,$(wildcard selftests/lib/*.c)) \
		$(filter-out %/main.o,$(counting_objs))
	$(call msg,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) --coverage $^ -o $@ $(LIBURING) $(LIBBPF) -lelf -lz -lm \
		-lpthread

counting: $(COUNTING)/nvmesteer $(counting_unit)
