/* Fuzz task files of eval: any text gives a task or an error. */
#include <sys/mman.h>
#include <unistd.h>

#include "eval/evaluate.h"
#include "guarded.h"

static int descriptor; /* out of the reach of a jump when memory runs out */

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    struct eval_task t;
    struct vn_err e;
    descriptor = memfd_create("task", 0);
    vn_eval_task_default(&t);
    if (descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size)
        vn_eval_task_read(&t, a, vn_arena_fmt(a, "/proc/self/fd/%d", descriptor), &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    descriptor = -1;
    guarded(one, data, size);
    close(descriptor);
    return 0;
}

#include "main.h"
