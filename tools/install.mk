# SPDX-License-Identifier: GPL-2.0
#
# Installing and its exact reverse, both from one list of source:place:mode
# that the fragments append to. The modules go in one of three ways:
#   MODULES=dkms   (default) as a DKMS source tree, built by the machine
#   MODULES=built  as built here, under updates/, next to the stock ones
#   MODULES=none
# It also lays out build/guest, which guests see on top of their root.

MODULES := $(or $(MODULES),dkms)
MODDIR = /usr/lib/modules/$(KVER)/updates/nvmesteer
# How DESTDIR is called where the person is, when the build is elsewhere.
SHOWN ?= $(DESTDIR)
DKMSDIR = /usr/src/nvmesteer-$(VERSION)
# Where DKMS keeps what it knows of it.
DKMSTREE = /var/lib/dkms/nvmesteer/$(VERSION)

dkms_files := $(wildcard kernel-hooks/prepare kernel-hooks/check-btf kernel-hooks/nvmesteer/* \
	kernel-hooks/patches/*/*.patch include/nvmesteer/*.h)
built_kos = $(shell find $(nvme) -name '*.ko' 2>/dev/null)

ifeq ($(MODULES),dkms)
$(O)/dkms.conf: tools/dkms.conf.in Makefile
	@sed -e 's/@VERSION@/$(VERSION)/' $< >$@
INSTALL_FILES += $(O)/dkms.conf:$(DKMSDIR)/dkms.conf:644 \
	tools/dkms.mk:$(DKMSDIR)/Makefile:644 $(foreach f,$(dkms_files),\
	$(f):$(DKMSDIR)/$(f):$(if $(filter %/prepare %/check-btf,$(f)),755,644))
install: $(O)/dkms.conf
endif
ifneq ($(MODULES),none)
INSTALL_FILES += \
	tools/initramfs-hook:/usr/share/initramfs-tools/hooks/nvmesteer:755
endif

# The list for a shell: the built modules are known only after the build.
files = $(INSTALL_FILES) $(if $(filter built,$(MODULES)),\
	$(foreach k,$(built_kos),$(k):$(MODDIR)/$(notdir $(k)):644))

# What is installed does not wait for tests to compile.
install: modules policies cli
	$(Q)for f in $(files); do \
		IFS=: read -r from to mode <<<"$$f"; \
		install -D -m $$mode "$$from" '$(DESTDIR)'"$$to" || exit; \
	done
	$(Q)if [ -z '$(DESTDIR)' ] && [ $(MODULES) = built ]; then \
		depmod $(KVER); fi
	$(call msg,INSTALL,'$(SHOWN)$(PREFIX)')
ifeq ($(DESTDIR)$(MODULES),dkms)
	@if [ -d $(DKMSTREE) ]; then \
		echo "To build and install the modules anew:" \
			"dkms remove nvmesteer/$(VERSION) --all &&" \
			"dkms install nvmesteer/$(VERSION)"; \
	else \
		echo "To build and install the modules:" \
			"dkms install nvmesteer/$(VERSION)"; \
	fi
endif

uninstall:
ifeq ($(DESTDIR)$(MODULES),dkms)
	@if [ -d $(DKMSTREE) ]; then \
		echo "make: the modules are still with DKMS, which needs their" \
			"source to let go of them; run 'dkms remove" \
			"nvmesteer/$(VERSION) --all' first" >&2; exit 1; \
	fi
endif
	$(Q)for f in $(files); do \
		IFS=: read -r from to mode <<<"$$f"; \
		rm -f '$(DESTDIR)'"$$to"; \
		dir=$$(dirname "$$to"); \
		while [[ $$dir = *nvmesteer* ]]; do \
			rmdir '$(DESTDIR)'"$$dir" 2>/dev/null || break; \
			dir=$$(dirname "$$dir"); \
		done; \
	done
	$(Q)if [ -z '$(DESTDIR)' ] && [ $(MODULES) = built ]; then \
		depmod $(KVER); fi
	$(call msg,REMOVE,'$(SHOWN)$(PREFIX)')

# What a guest sees over its root: the CLI, the policies, the modules with
# the index that lets modprobe prefer them.
guest: $(O)/guest/.done
$(O)/guest/.done: $(nvme)/.built $(POLICIES) \
		$(if $(wildcard loader/main.c),$(O)/nvmesteer) \
		tools/guest-layer tools/install.mk
	$(call msg,GUEST,$(O)/guest)
	@rm -rf $(O)/guest.new
	$(Q)$(MAKE) IN=$(IN) O=$(O) V=$(V) install DESTDIR=$(O)/guest.new \
		PREFIX=/usr MODULES=built >/dev/null
	$(Q)tools/guest-layer $(O)/guest.new $(O)/guest $(KVER)
	@touch $@
