// SPDX-License-Identifier: GPL-2.0
/*
 * Loading and unloading the module, and its parameters.
 */
#include <linux/module.h>

#include "nvmesteer.h"

#define CREATE_TRACE_POINTS
#include "steer_trace.h"

/* Everything that frees code's last user runs here; drained at unload. */
struct workqueue_struct *nvme_steer_wq;

/* Copies, which may wait for a controller that only the other one can reset. */
struct workqueue_struct *nvme_steer_copy_wq;

unsigned int nvme_steer_bad_answers = 1000;
module_param_named(bad_answers, nvme_steer_bad_answers, uint, 0644);
MODULE_PARM_DESC(bad_answers,
	"Unfit answers within a second after which a policy is ejected");

/*
 * Registering a struct_ops type or kfuncs of a module without BTF succeeds and
 * does nothing; policies would then fail in ways nobody understands.
 */
static bool nvme_steer_has_btf(void)
{
#ifdef CONFIG_DEBUG_INFO_BTF_MODULES
	return THIS_MODULE->btf_data_size;
#else
	return false;
#endif
}

static int __init nvme_steer_init(void)
{
	int ret;

	if (!nvme_steer_has_btf()) {
		pr_err("nvmesteer: built without BTF, policies could not be verified: build it again with pahole installed and vmlinux in the kernel's build directory\n");
		return -ENOEXEC;
	}

	nvme_steer_wq = alloc_workqueue("nvmesteer", WQ_MEM_RECLAIM | WQ_UNBOUND,
					0);
	if (!nvme_steer_wq)
		return -ENOMEM;
	nvme_steer_copy_wq = alloc_workqueue("nvmesteer_copy",
					     WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!nvme_steer_copy_wq) {
		destroy_workqueue(nvme_steer_wq);
		return -ENOMEM;
	}

	ret = nvme_steer_group_init();
	if (!ret)
		ret = nvme_steer_copies_init();
	if (!ret)
		ret = nvme_steer_kfunc_register();
	if (!ret)
		ret = nvme_steer_ops_register();
	if (!ret)
		ret = nvme_steer_register(&nvmesteer_hooks);
	if (ret) {
		pr_err("nvmesteer: cannot register: %d\n", ret);
		nvme_steer_copies_exit();
		nvme_steer_group_exit();
		destroy_workqueue(nvme_steer_copy_wq);
		destroy_workqueue(nvme_steer_wq);
	}
	return ret;
}

static void __exit nvme_steer_exit(void)
{
	nvme_steer_unregister();
	nvme_steer_prog_exit();
	nvme_steer_group_exit();
	destroy_workqueue(nvme_steer_copy_wq);
	nvme_steer_copies_exit();
	nvme_steer_plug_exit();
	destroy_workqueue(nvme_steer_wq);
	/* for kfree_rcu() no code of ours is needed */
}

module_init(nvme_steer_init);
module_exit(nvme_steer_exit);
MODULE_DESCRIPTION("NVMe I/O steering by BPF policies");
MODULE_AUTHOR("nvmesteer maintainers");
MODULE_LICENSE("GPL");
