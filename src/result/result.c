/* A set of named entries, and how two sets join. */
#include "result/result_set.h"

#define RESULT(name) extern const struct result_kind vn_result_##name;
#include "result/results.def"
#undef RESULT

const struct result_kind *const vn_result_kinds[] = {
#define RESULT(name) &vn_result_##name,
#include "result/results.def"
#undef RESULT
};

struct vn_result *vn_result_new(struct vn_arena *a, const char *job)
{
    struct vn_result *r = NEW(a, struct vn_result);
    r->arena = a;
    r->job = vn_arena_str(a, job);
    r->name = "this result";
    for (int k = 0; k < RESULT_KINDS; k++)
        r->by_name[k] = vn_map_new(a);
    return r;
}

void vn_result_set_name(struct vn_result *r, const char *name) { r->name = vn_arena_str(r->arena, name); }

void vn_result_belongs(struct vn_result *r, const char *to, uint64_t hash)
{
    const struct result_key key = { vn_arena_str(r->arena, to), hash };
    VEC_PUSH(r->arena, &r->keys, key);
}

const void *vn_result_find(const struct vn_result *r, enum result_id kind, const char *name)
{
    return vn_map_get(r->by_name[kind], name);
}

void *vn_result_entry(struct vn_result *r, enum result_id kind, const char *name)
{
    void *old = vn_map_get(r->by_name[kind], name);
    if (old)
        return old;
    const struct result_entry new = { vn_arena_str(r->arena, name), kind,
                                      vn_arena_alloc(r->arena, vn_result_kinds[kind]->size) };
    VEC_PUSH(r->arena, &r->entries, new);
    vn_map_set(r->by_name[kind], new.name, new.data);
    return new.data;
}

static int same_keys(const struct vn_result *r, const struct vn_result *other, struct vn_err *e)
{
    if (r->keys.n != other->keys.n)
        return vn_fail(e, VN_E_INPUT, "%s: expected %d hashes as in %s, got %d", other->name, r->keys.n,
                       r->name, other->keys.n);
    for (int i = 0; i < r->keys.n; i++) {
        const struct result_key *x = &r->keys.v[i], *y = &other->keys.v[i];
        if (strcmp(x->to, y->to))
            return vn_fail(e, VN_E_INPUT, "%s: expected the hash of a %s as in %s, got that of a %s",
                           other->name, x->to, r->name, y->to);
        if (x->hash != y->hash)
            return vn_fail(e, VN_E_INPUT, "%s: %s has hash %016llx, expected %016llx as in %s", other->name,
                           x->to, (unsigned long long)y->hash, (unsigned long long)x->hash, r->name);
    }
    return VN_OK;
}

int vn_result_same_job(const struct vn_result *r, const struct vn_result *other, struct vn_err *e)
{
    if (strcmp(r->job, other->job))
        return vn_fail(e, VN_E_INPUT, "%s: result of a job %s, expected %s as in %s", other->name, other->job,
                       r->job, r->name);
    return same_keys(r, other, e);
}

int vn_result_merge(struct vn_result *to, const struct vn_result *from, struct vn_err *e)
{
    TRY(vn_result_same_job(to, from, e));
    for (int i = 0; i < from->entries.n; i++) {
        const struct result_entry *x = &from->entries.v[i];
        const struct result_kind *kind = vn_result_kinds[x->kind];
        if (kind->merge(vn_result_entry(to, x->kind, x->name), x->data, to->arena, e) < 0)
            return vn_fail_at(e, "%s and %s: %s %s", to->name, from->name, kind->name, x->name);
    }
    return VN_OK;
}

int vn_shard_check(const struct vn_shard *s, struct vn_err *e)
{
    if (s->index >= 0 && s->of >= 0 && (s->index < s->of || !s->index))
        return VN_OK;
    return vn_fail(e, VN_E_USAGE, "part %d of %d: expected a part from 0 to %d", s->index, s->of, s->of - 1);
}
