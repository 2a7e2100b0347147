# SPDX-License-Identifier: GPL-2.0
#
# The Makefile of the DKMS source tree that 'make install' lays out: prepares
# the patched driver for the kernel at hand and builds it with nvmesteer.ko
# into out/. In this project's own tree kernel-hooks/build.mk does the same.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
series := $(shell echo '$(KVER)' | cut -d. -f1,2)
KSRC ?= /usr/src/linux-source-$(series).tar.xz
out := $(CURDIR)/out

all:
	kernel-hooks/prepare --kdir $(KDIR) --ksrc $(KSRC) --out $(out) \
		--cache $(CURDIR)
	mkdir -p $(out)/nvmesteer
	ln -sf $(CURDIR)/kernel-hooks/nvmesteer/* $(out)/nvmesteer/
	echo 'obj-m += drivers/nvme/host/ drivers/nvme/target/ nvmesteer/' \
		>$(out)/Kbuild
	$(MAKE) -C $(KDIR) M=$(out) NVME_HOST=$(out)/drivers/nvme/host \
		NVMESTEER_INCLUDE=$(CURDIR)/include modules
	kernel-hooks/check-btf $(out)

clean:
	rm -rf $(out) linux-source-$(series)
