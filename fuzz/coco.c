/* Fuzz the readers of COCO's annotations and detections, and what is counted of them. The input is the
 * annotations, a zero byte, and the detections. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guarded.h"
#include "eval/evaluate.h"

/* The readers take files: one in memory, by its name. */
static const char *file_of(struct vn_arena *a, int *fd, const uint8_t *data, size_t size)
{
    *fd = memfd_create("coco", 0);
    const int whole = *fd >= 0 && write(*fd, data, size) == (ssize_t)size;
    return whole ? vn_arena_fmt(a, "/proc/self/fd/%d", *fd) : "";
}

static void evaluate(struct vn_arena *a, const char *annotations, const char *detections)
{
    struct evaluate_options o = { .n_models = 2,
                                  .models = (const char *[]){ detections, detections },
                                  .finished = 1 };
    struct evaluation *v;
    struct vn_err e;
    vn_options_default(&o.run);
    vn_eval_task_default(&o.task);
    o.task.metric = "coco";
    o.task.labels = annotations;
    o.task.bootstrap = 2;
    vn_evaluate(&v, a, &o, &e);
}

static int descriptors[2]; /* out of the reach of a jump when memory runs out */

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL, *end = data + size;
    const char *annotations = file_of(a, &descriptors[0], data, (size_t)((zero ? zero : end) - data));
    const char *detections =
        file_of(a, &descriptors[1], zero ? zero + 1 : end, (size_t)(end - (zero ? zero + 1 : end)));
    evaluate(a, annotations, detections);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    descriptors[0] = descriptors[1] = -1;
    guarded(one, data, size);
    close(descriptors[0]);
    close(descriptors[1]);
    return 0;
}

#include "main.h"
