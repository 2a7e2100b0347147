// SPDX-License-Identifier: GPL-2.0
/*
 * kept, data_paths and kept_plain once more behind an IOMMU that forgets at
 * once: a mapping that is not there when the controller looks is an error here,
 * not luck. And no page is free while the device can reach it: the kernel's trace
 * tells of each when it was mapped, when that was taken away, when the IOMMU was
 * told to forget it, and when it was free, in that order.
 *
 * vm: --cpus 2 --beside --iommu --append iommu.strict=1
 * timeout: 400
 */
#include <fcntl.h>

#include "test.h"

#define TRACING		"/sys/kernel/tracing/"
#define EVENTS		TRACING "events/"
#define PAGE		4096ULL

/* At least as many pages are to have been mapped and then free. */
#define SEEN		100

/* A page of the guest. */
struct page {
	uint32_t mapped;	/* for the device, so many times */
	uint32_t flush;		/* flushes there were when it was unmapped */
	bool was;		/* mapped since it was free */
};

/*
 * What a device sees at a page of its address space. The trace does not say
 * whose: what two have mapped at the same address at a time tells nothing.
 */
struct io_page {
	uint64_t iova;		/* and 1: 0 is none */
	uint64_t pfn;
	unsigned int devices;	/* that have something there */
	bool unsure;
};

#define PAGES		(1U << 20)	/* of a guest of up to 4 GiB */
#define IO_PAGES	(1U << 20)

static struct page *pages;
static struct io_page *io_pages;
static uint32_t flushes;
static uint64_t nr_mapped, nr_freed, nr_unsure;

static struct io_page *find(uint64_t iova)
{
	uint64_t at = iova / PAGE * 0x9e3779b97f4a7c15ULL >> 44;

	while (io_pages[at].iova && io_pages[at].iova != (iova | 1))
		at = (at + 1) % IO_PAGES;
	return &io_pages[at];
}

static struct page *page_of(uint64_t pfn)
{
	return pfn < PAGES ? &pages[pfn] : NULL;
}

/* Two devices have something at @io: neither's page is watched from here on. */
static void forget(struct io_page *io)
{
	struct page *page = page_of(io->pfn);

	if (!io->unsure && page) {
		page->mapped--;
		page->was = page->mapped;
	}
	io->unsure = true;
	nr_unsure++;
}

static void mapped(uint64_t iova, uint64_t paddr, uint64_t size)
{
	uint64_t i;

	for (i = 0; i < size; i += PAGE) {
		struct io_page *io = find(iova + i);
		struct page *page = page_of((paddr + i) / PAGE);

		io->iova = (iova + i) | 1;
		if (io->devices++) {
			forget(io);
			continue;
		}
		io->pfn = (paddr + i) / PAGE;
		if (!page)
			continue;
		page->mapped++;
		page->was = true;
		nr_mapped++;
	}
}

static void unmapped(uint64_t iova, uint64_t size)
{
	uint64_t i;

	for (i = 0; i < size; i += PAGE) {
		struct io_page *io = find(iova + i);
		struct page *page = page_of(io->pfn);

		/* of before the trace began */
		if (!io->devices)
			continue;
		io->devices--;
		if (io->unsure) {
			io->unsure = io->devices;
			continue;
		}
		if (!page)
			continue;
		page->mapped--;
		page->flush = flushes;
	}
}

static void freed(uint64_t pfn, unsigned int order, const char *line)
{
	uint64_t end = pfn + (1ULL << order);

	for (; pfn < end; pfn++) {
		struct page *page = page_of(pfn);

		if (!page || !page->was)
			continue;
		test_check(!page->mapped,
			   "a page is free that the device can reach: %s", line);
		test_check(page->flush != flushes,
			   "a page is free of which the IOMMU was not told: %s",
			   line);
		page->was = false;
		nr_freed++;
	}
}

static void read_trace(void)
{
	uint64_t iova, end, paddr, pfn;
	FILE *f = fopen(TRACING "trace", "re");
	unsigned int order;
	char line[512];
	char *at;

	test_check(f, "cannot read the trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		test_check(!strstr(line, "LOST"), "the trace has a hole: %s",
			   line);
		if ((at = strstr(line, " map: ")) &&
		    sscanf(at, " map: IOMMU: iova=%jx - %jx paddr=%jx", &iova,
			   &end, &paddr) == 3)
			mapped(iova, paddr, end - iova);
		else if ((at = strstr(line, " unmap: ")) &&
			 sscanf(at, " unmap: IOMMU: iova=%jx - %jx", &iova,
				&end) == 2)
			unmapped(iova, end - iova);
		else if (strstr(line, " qi_submit: iotlb_inv"))
			flushes++;
		else if ((at = strstr(line, " pfn=0x")) &&
			 sscanf(at, " pfn=%jx order=%u", &pfn, &order) == 2)
			freed(pfn, order, line);
	}
	fclose(f);
}

/* Nothing of the trace was thrown away. */
static void trace_is_whole(void)
{
	char path[96], text[512];
	const char *at;
	unsigned int cpu;

	for (cpu = 0;; cpu++) {
		snprintf(path, sizeof(path), TRACING "per_cpu/cpu%u/stats", cpu);
		if (test_read(path, text, sizeof(text)) <= 0)
			break;
		at = strstr(text, "\noverrun: ");
		test_check(at && !strtoul(at + 10, NULL, 10),
			   "the trace is too small: %s", text);
	}
	test_check(cpu, "no trace");
}

static void trace(const char *what, bool own)
{
	int fd;

	test_step("%s%s", what, own ? ", the driver's own path" : "");
	memset(pages, 0, PAGES * sizeof(*pages));
	memset(io_pages, 0, IO_PAGES * sizeof(*io_pages));
	nr_mapped = 0;
	nr_unsure = 0;
	nr_freed = 0;
	flushes = 1;
	fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	test_check(fd >= 0, "cannot empty the trace: %s", strerror(errno));
	close(fd);
	test_check(!test_write(TRACING "tracing_on", "1"), "tracing_on");
	test_check(!test_sh("DATA_ONLY=1 OWN=%d $NVMESTEER_BUILD/selftests/kernel/%s",
			    own, what), "%s failed", what);
	test_check(!test_write(TRACING "tracing_on", "0"), "tracing_on");
	trace_is_whole();
	read_trace();
	printf("#   pages mapped %ju times, and %ju by two devices; free after that %ju, %u flushes\n",
	       nr_mapped, nr_unsure, nr_freed, flushes);
	test_check(nr_mapped >= SEEN && nr_freed >= SEEN && flushes >= SEEN &&
		   nr_unsure * 10 <= nr_mapped, "too few for a proof");
}

int main(void)
{
	char type[16] = "";

	test_begin(380);
	if (test_exists("/sys/kernel/debug/dma-api"))
		test_skip("nothing is kept behind an IOMMU by a kernel that checks the DMA API: it says that every mapping has to be synchronised");
	test_check(test_read("/sys/class/nvme/nvme0/device/iommu_group/type",
			     type, sizeof(type)) > 0 && !strcmp(type, "DMA\n"),
		   "the IOMMU is not strict: %s", type);
	pages = test_alloc(PAGES * sizeof(*pages));
	io_pages = test_alloc(IO_PAGES * sizeof(*io_pages));
	test_check(!test_write(TRACING "trace_clock", "counter"),
		   "the trace cannot be ordered");
	test_set_file(TRACING "buffer_size_kb", "98304");
	test_check(!test_write(TRACING "tracing_on", "0"), "tracing_on");
	test_set_file(EVENTS "iommu/map/enable", "1");
	test_set_file(EVENTS "iommu/unmap/enable", "1");
	test_set_file(EVENTS "intel_iommu/qi_submit/enable", "1");
	test_set_file(EVENTS "kmem/mm_page_free/enable", "1");
	trace("kept", false);
	trace("kept", true);
	trace("data_paths", false);
	trace("kept_plain", false);
	test_pass();
}
