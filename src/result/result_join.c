/* Files of parts to the result of the whole. */
#include "result/result_set.h"

#define DONE "samples" /* name of the entry that says which were done */

void vn_result_did(struct vn_result *r, uint64_t sample)
{
    vn_sample_set_add(vn_result_entry(r, RESULT_samples, DONE), r->arena, sample);
}

static int add_file(struct vn_result *to, const char *path, struct vn_err *e)
{
    struct vn_result *part;
    struct vn_arena *work = vn_arena_new();
    int status = vn_result_read(&part, work, path, e);
    if (status == VN_OK)
        status = vn_result_merge(to, part, e);
    vn_arena_free(&work);
    return status;
}

int vn_result_join(struct vn_result *to, uint64_t samples, int n, const char *const *paths, struct vn_err *e)
{
    for (int i = 0; i < n; i++)
        TRY(add_file(to, paths[i], e));
    const struct sample_set *done = vn_result_entry(to, RESULT_samples, DONE);
    const uint64_t missing = vn_sample_set_missing(done, samples), count = vn_sample_set_count(done);
    if (missing < samples)
        return vn_fail(e, VN_E_INPUT, "sample %llu of %llu is missing in all %d files",
                       (unsigned long long)missing, (unsigned long long)samples, n);
    if (count != samples)
        return vn_fail(e, VN_E_INPUT, "expected %llu samples in %d files, got %llu",
                       (unsigned long long)samples, n, (unsigned long long)count);
    return VN_OK;
}
