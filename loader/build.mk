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
