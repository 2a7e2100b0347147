# SPDX-License-Identifier: GPL-2.0
#
# The fuzzers: every C file here is a libFuzzer target, linked with the loader,
# all of it built once more by clang with the sanitizers.

FUZZ_BIN := $(patsubst %.c,$(O)/%,$(wildcard selftests/fuzz/*.c))
FUZZ_LOADER := $(patsubst $(O)/obj/%,$(O)/obj/fuzz/%,$(LOADER_LIB))
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=undefined

$(O)/obj/fuzz/%.o: %.c
	$(call msg,FUZZ,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(USER_CFLAGS) -UNDEBUG -Wno-unused-parameter $(FUZZ_FLAGS) -MMD -MP -c $< -o $@

$(FUZZ_BIN): $(O)/%: $(O)/obj/fuzz/%.o $(FUZZ_LOADER)
	$(call msg,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined $^ -o $@ \
		$(LIBURING) $(LIBBPF) -lelf -lz

fuzzers: $(FUZZ_BIN)
