/* Counts add. */
#include "result/result_kind.h"

static int merge(void *to, const void *from, struct vn_arena *a, struct vn_err *e)
{
    (void)a, (void)e;
    ((struct counter *)to)->n += ((const struct counter *)from)->n;
    return VN_OK;
}

static void write_entry(struct result_writer *w, const void *entry)
{
    vn_result_put(w, ((const struct counter *)entry)->n);
}

static int read_entry(struct result_reader *r, void *entry)
{
    return vn_result_get(r, &((struct counter *)entry)->n, UINT64_MAX, "count");
}

const struct result_kind vn_result_counter = { "counter", sizeof(struct counter), merge, write_entry,
                                               read_entry };
