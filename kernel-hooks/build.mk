# SPDX-License-Identifier: GPL-2.0
#
# The kernel modules: the patched NVMe driver and nvmesteer.ko, built together
# by one Kbuild run from one prepared tree, so that all that include nvme.h
# agree on it. The patching is kernel-hooks/prepare's, the list of nvmesteer's
# objects is in kernel-hooks/nvmesteer/Kbuild.

ifeq ($(IN),tree)
  KVER ?= $(lastword $(sort $(notdir $(wildcard /usr/lib/modules/*))))
endif
ifdef KDIR
  KVER := $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null)
else
  KVER ?= $(shell uname -r)
  KDIR := /lib/modules/$(KVER)/build
endif
ifeq ($(wildcard $(KDIR)/include/config/kernel.release),)
  $(error there are no kernel headers at $(KDIR); run 'tools/setup --native' \
	or install linux-headers, name their folder with KDIR=, or build in \
	the Debian 13 tree with HERMETIC=1)
endif
kseries := $(shell echo '$(KVER)' | cut -d. -f1,2)
KSRC ?= /usr/src/linux-source-$(kseries).tar.xz

nvme := $(O)/nvme-$(KVER)
hooks := $(wildcard kernel-hooks/patches/$(kseries)/*.patch)
steer := $(wildcard kernel-hooks/nvmesteer/*)

ifneq ($(hooks),)

# Of a debug kernel: nvme_timeout() begins to freeze queues that nvme_reset_work()
# unfreezes, which lockdep is to be told, or it reports who ran the time-out, and
# wrong things from then on. Linux 6.12's driver does not tell, later ones do.
freeze := $(if $(filter debug-%,$(notdir $(O))),\
	-Dblk_freeze_queue_start=blk_freeze_queue_start_non_owner)

# Where Kbuild sees everything: the prepared drivers/nvme, and nvmesteer/ made
# of links, so that nothing is written next to the sources.
$(nvme)/.ready: $(hooks) kernel-hooks/prepare kernel-hooks/build.mk $(steer)
	$(call msg,PREPARE,$(nvme))
	$(Q)kernel-hooks/prepare --kdir $(KDIR) --ksrc $(KSRC) --out $(nvme) \
		--cache $(if $(filter %/native,$(O)),$(dir $(O)),$(O))
	@mkdir -p $(nvme)/nvmesteer
	@find $(nvme)/nvmesteer -type l -delete
	$(if $(steer),@ln -s $(abspath $(steer)) $(nvme)/nvmesteer/)
	@{ echo 'obj-m += drivers/nvme/host/ drivers/nvme/target/'; \
	   $(if $(freeze),echo 'subdir-ccflags-y += $(freeze)';) \
	   $(if $(wildcard kernel-hooks/nvmesteer/Kbuild \
	   kernel-hooks/nvmesteer/Makefile),echo 'obj-m += nvmesteer/';) \
	 } >$(nvme)/Kbuild.new
	@cmp -s $(nvme)/Kbuild.new $(nvme)/Kbuild || \
		cp $(nvme)/Kbuild.new $(nvme)/Kbuild
	@touch $@

# Kbuild's own messages, shortened, are shown; a module without BTF cannot
# register its struct_ops, and nothing would say so at run time.
nvme_src := $(filter-out %.mod.c,$(wildcard $(nvme)/drivers/nvme/*/*.[ch]))
$(nvme)/.built: $(nvme)/.ready $(nvme_src) $(wildcard include/nvmesteer/*.h)
	$(Q)set -o pipefail; $(MAKE) -C $(KDIR) M=$(abspath $(nvme)) V=$(V) \
		NVME_HOST=$(abspath $(nvme))/drivers/nvme/host \
		NVMESTEER_INCLUDE=$(abspath include) modules 2>&1 | sed -u -e '/^make.*: \(Entering\|Leaving\)/d' \
		-e 's|$(abspath $(nvme))/nvmesteer/|kernel-hooks/nvmesteer/|g' \
		-e 's|^\(  [A-Z].*\) $(abspath $(nvme))/|\1 |' \
		-e 's|$(abspath $(nvme))|$(nvme)|g'
	$(Q)kernel-hooks/check-btf $(nvme)
	@touch $@

modules: $(nvme)/.built
ALL += $(nvme)/.built
else
modules:
	@echo "make: there are no hook patches for Linux $(kseries) in" \
		"kernel-hooks/patches; modules are not built" >&2
ALL += modules
endif
