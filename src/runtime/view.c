/* Tensors, instructions and the state of a run, as the public header shows them. */
#include <string.h>

#include "runtime/model.h"

/* Row-major over the live extents; channels_last: axis 1 is innermost. */
static void strides(const struct rt_tensor *t, int64_t *stride)
{
    int64_t step = 1;
    if (t->channels_last) {
        stride[1] = 1;
        step = t->live[1];
    }
    for (int k = t->rank - 1; k >= 0; k--) {
        if (t->channels_last && k == 1)
            continue;
        stride[k] = step;
        step *= t->live[k];
    }
}

void rt_view(const struct vn_model *m, const struct rt_tensor *t, const void *data, struct vn_view *out)
{
    *out = (struct vn_view){ .name = t->name,
                             .node = t->node,
                             .role = t->role,
                             .tensor = rt_id(m, t),
                             .instruction = t->last_writer,
                             .dtype = t->dtype,
                             .rank = t->rank,
                             .constant = t->place == BIN_CONST,
                             .fused = t->place == BIN_HIDDEN,
                             .data = data,
                             .bytes = rt_element(t),
                             .axis = -1,
                             .n_scale = t->scale != 0,
                             .scale = &t->scale,
                             .zero = &t->zero };
    memcpy(out->shape, t->live, (size_t)t->rank * sizeof *t->live);
    strides(t, out->stride);
    for (int k = 0; k < t->rank; k++)
        out->bytes *= (size_t)t->live[k];
}

/* The compiler's memory plan keeps a tensor from the instruction that writes it first to the one that
 * reads it last. */
static int is_intact(const struct vn_model *m, const struct rt_tensor *t)
{
    const int last = m->next - 1;
    return t->place == BIN_CONST ||
           (t->place == BIN_ARENA && t->last_writer <= last && t->last_reader >= last);
}

int vn_model_tensors(const struct vn_model *m) { return (int)m->n_tensors; }

int vn_model_tensor(const struct vn_model *m, int i, struct vn_view *out)
{
    if (i < 0 || (uint32_t)i >= m->n_tensors)
        return VN_E_USAGE;
    const struct rt_tensor *t = &m->tensors[i];
    rt_view(m, t, is_intact(m, t) ? t->data : NULL, out);
    return VN_OK;
}

_Static_assert(RT_MAX_IN <= VN_MAX_INPUTS, "an instruction's inputs fit the public record");

int vn_model_instructions(const struct vn_model *m) { return (int)m->n_steps; }

int vn_model_instruction(const struct vn_model *m, int i, struct vn_instruction *out)
{
    if (i < 0 || (uint32_t)i >= m->n_steps)
        return VN_E_USAGE;
    const struct rt_step *s = &m->steps[i];
    *out = (struct vn_instruction){ .node = s->node,
                                    .opcode = s->instr->name,
                                    .nanoseconds = s->nanoseconds,
                                    .macs = s->instr->macs ? s->instr->macs(s) : 0,
                                    .n_in = s->n_in,
                                    .out = rt_id(m, s->out),
                                    .finishes = s->finishes };
    for (int k = 0; k < s->n_in; k++)
        out->in[k] = rt_id(m, s->in[k]);
    for (int k = 0; k < 2; k++)
        out->hidden[k] = s->hidden[k] ? rt_id(m, s->hidden[k]) : -1;
    return VN_OK;
}

/* ---- the state: this header, the extents of all tensors, the arena ---- */

struct state {
    uint64_t file; /* its checksum */
    int64_t next;
};

static size_t live_bytes(const struct vn_model *m) { return m->n_tensors * sizeof *m->tensors->live * 8; }

size_t vn_model_state_bytes(const struct vn_model *m)
{
    return sizeof(struct state) + live_bytes(m) + m->header.arena_bytes;
}

void vn_model_state_save(const struct vn_model *m, void *state)
{
    const struct state s = { m->header.checksum, m->next };
    char *to = memcpy(state, &s, sizeof s);
    memcpy(to + sizeof s, m->live, live_bytes(m));
    memcpy(to + sizeof s + live_bytes(m), m->arena, m->header.arena_bytes);
}

int vn_model_state_restore(struct vn_model *m, const void *state, struct vn_err *e)
{
    struct state s;
    const char *from = state;
    memcpy(&s, from, sizeof s);
    if (s.file != m->header.checksum)
        return vn_fail(
            e, VN_E_USAGE,
            "the state is that of another program: its file has checksum %016llx, expected %016llx",
            (unsigned long long)s.file, (unsigned long long)m->header.checksum);
    m->next = (int)s.next;
    memcpy(m->live, from + sizeof s, live_bytes(m));
    memcpy(m->arena, from + sizeof s + live_bytes(m), m->header.arena_bytes);
    return VN_OK;
}

void *rt_memory(const struct vn_model *m, int i)
{
    return m->tensors[i].place == BIN_ARENA ? m->tensors[i].data : NULL;
}

void rt_follow(struct vn_model *to, const struct vn_model *from, int at)
{
    for (uint32_t i = 0; i < from->n_tensors; i++) {
        const struct rt_tensor *t = &from->tensors[i];
        if (t->place == BIN_ARENA && t->first_writer >= -1 && t->first_writer < at && t->last_reader >= at)
            memcpy(to->tensors[i].data, t->data, t->bytes);
    }
    memcpy(to->live, from->live, live_bytes(from));
    to->next = at;
}

/* ---- roles ---- */

static const struct {
    const char *word, *meaning;
} roles[VN_ROLE_COUNT] = {
    [VN_ROLE_NONE] = { "none", "" },
#define VN_ROLE(name, word, meaning) [VN_ROLE_##name] = { word, meaning },
#include <vernier/roles.def>
#undef VN_ROLE
};

static unsigned role_at(enum vn_role r) { return (unsigned)r < VN_ROLE_COUNT ? (unsigned)r : VN_ROLE_NONE; }
const char *vn_role_word(enum vn_role r) { return roles[role_at(r)].word; }
const char *vn_role_meaning(enum vn_role r) { return roles[role_at(r)].meaning; }
