#include "front/wire.h"

#include <limits.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 }; /* what follows a tag */

#define MAX_VARINT 10

struct cursor {
    const uint8_t *p, *end;
};

/* One message that is being read. */
struct frame {
    const uint8_t *end;
    const struct wire_message *message;
    char *out;
};

struct reader {
    struct vn_arena *arena;
    struct cursor at;
    const uint8_t *start;
    const char *path;
    struct frame stack[WIRE_MAX_DEPTH];
    int depth;
    struct vn_err *e;
};

void *vn_wire_append(struct vn_arena *a, struct wire_list *l, size_t size)
{
    if (l->n == l->cap)
        l->v = vn_vec_grow(a, l->v, l->n, &l->cap, size);
    return (char *)l->v + (size_t)l->n++ * size;
}

static const char *file_kind(const struct reader *r)
{
    const char *file = r->stack[0].message->file;
    return file ? file : "a message of this kind";
}

static int damaged(struct reader *r, const char *what)
{
    return vn_fail(r->e, VN_E_INPUT, "%s: not %s, or damaged: %s at byte %zu, in %s", r->path, file_kind(r),
                   what, (size_t)(r->at.p - r->start), r->stack[r->depth - 1].message->name);
}

/* 0, or -1 where the bytes end too early or the number has more than 64 bits. */
static int get_varint(struct cursor *c, uint64_t *x)
{
    *x = 0;
    for (int i = 0; i < MAX_VARINT && c->p < c->end; i++) {
        const uint8_t b = *c->p++;
        if (i == MAX_VARINT - 1 && b > 1)
            return -1;
        *x |= (uint64_t)(b & 0x7f) << (7 * i);
        if (b < 0x80)
            return 0;
    }
    return -1;
}

/* The bytes of one field's contents; a varint's own bytes. */
static int get_contents(struct reader *r, int type, struct wire_bytes *b)
{
    uint64_t n = 0;
    b->p = r->at.p;
    switch (type) {
    case VARINT:
        if (get_varint(&r->at, &n) < 0)
            return damaged(r, "an integer is truncated or has more than 64 bits");
        b->n = (size_t)(r->at.p - b->p);
        return VN_OK;
    case LENGTH:
        if (get_varint(&r->at, &n) < 0)
            return damaged(r, "a length is truncated");
        b->p = r->at.p;
        break;
    case FIXED64: n = 8; break;
    case FIXED32: n = 4; break;
    default:
        return damaged(r, type == 3 || type == 4 ? "a group, which this format does not have"
                                                 : "an unknown wire type");
    }
    if (n > (uint64_t)(r->at.end - r->at.p))
        return damaged(r, "a field is longer than its message");
    b->n = (size_t)n;
    r->at.p += n;
    return VN_OK;
}

static int wants(enum wire_kind kind)
{
    switch (kind) {
    case WIRE_INT:
    case WIRE_OPTIONAL:
    case WIRE_INTS: return VARINT;
    case WIRE_FLOAT:
    case WIRE_FLOATS:
    case WIRE_FLOAT_RUNS: return FIXED32;
    case WIRE_DOUBLES:
    case WIRE_DOUBLE_RUNS: return FIXED64;
    default: return LENGTH;
    }
}

static size_t element_size(const struct wire_field *f)
{
    switch (f->kind) {
    case WIRE_INTS: return sizeof(int64_t);
    case WIRE_FLOATS: return sizeof(float);
    case WIRE_DOUBLES: return sizeof(double);
    case WIRE_STRINGS: return sizeof(char *);
    case WIRE_BLOBS: return sizeof(struct wire_bytes);
    default: return f->message->size;
    }
}

/* Numbers of a repeated field, packed or one alone: the bytes are the same. */
static int add_ints(struct reader *r, struct wire_list *l, struct wire_bytes b)
{
    struct cursor c = { b.p, b.p + b.n };
    while (c.p < c.end) {
        uint64_t x;
        if (get_varint(&c, &x) < 0)
            return damaged(r, "a packed integer is truncated");
        *(int64_t *)vn_wire_append(r->arena, l, sizeof(int64_t)) = (int64_t)x;
    }
    return VN_OK;
}

static int add_fixed(struct reader *r, struct wire_list *l, struct wire_bytes b, size_t size)
{
    const size_t n = b.n / size;
    if (b.n % size)
        return damaged(r, "packed values do not match their length");
    if (n > (size_t)(INT_MAX - l->n))
        return damaged(r, "too many values");
    if (n > (size_t)(l->cap - l->n)) {
        const size_t cap = (size_t)l->n + n;
        void *v = vn_arena_array(r->arena, cap, size);
        if (l->n)
            memcpy(v, l->v, (size_t)l->n * size);
        l->v = v;
        l->cap = (int)cap;
    }
    if (n)
        memcpy((char *)l->v + (size_t)l->n * size, b.p, b.n);
    l->n += (int)n;
    return VN_OK;
}

static int add_run(struct reader *r, struct wire_list *l, struct wire_bytes b, size_t size)
{
    if (b.n % size)
        return damaged(r, "packed values do not match their length");
    *(struct wire_bytes *)vn_wire_append(r->arena, l, sizeof b) = b;
    return VN_OK;
}

static int get_string(struct reader *r, const char **out, struct wire_bytes b)
{
    if (b.n && memchr(b.p, 0, b.n))
        return damaged(r, "a string contains a zero byte");
    *out = vn_arena_strn(r->arena, (const char *)b.p, b.n);
    return VN_OK;
}

static int push(struct reader *r, const struct wire_message *m, char *out, struct wire_bytes b)
{
    if (r->depth == WIRE_MAX_DEPTH)
        return damaged(r, "messages are nested too deeply");
    r->at.p = b.p;
    r->at.end = b.p + b.n;
    r->stack[r->depth++] = (struct frame){ r->at.end, m, out };
    return VN_OK;
}

static int store_message(struct reader *r, const struct wire_field *f, char *place, struct wire_bytes b)
{
    char **single = (char **)place;
    if (f->kind == WIRE_MESSAGES)
        return push(r, f->message, vn_wire_append(r->arena, (struct wire_list *)place, f->message->size), b);
    if (!*single)
        *single = vn_arena_alloc(r->arena, f->message->size);
    return push(r, f->message, *single, b);
}

static int store(struct reader *r, const struct wire_field *f, char *place, struct wire_bytes b)
{
    struct wire_list *list = (struct wire_list *)place;
    struct cursor c = { b.p, b.p + b.n };
    uint64_t x = 0;
    switch (f->kind) {
    case WIRE_INT:
        get_varint(&c, &x);
        *(int64_t *)place = (int64_t)x;
        return VN_OK;
    case WIRE_OPTIONAL:
        get_varint(&c, &x);
        *(struct wire_optional *)place = (struct wire_optional){ (int64_t)x, 1 };
        return VN_OK;
    case WIRE_FLOAT: memcpy(place, b.p, sizeof(float)); return VN_OK;
    case WIRE_STRING: return get_string(r, (const char **)place, b);
    case WIRE_BYTES: *(struct wire_bytes *)place = b; return VN_OK;
    case WIRE_INTS: return add_ints(r, list, b);
    case WIRE_FLOATS:
    case WIRE_DOUBLES: return add_fixed(r, list, b, element_size(f));
    case WIRE_STRINGS: return get_string(r, vn_wire_append(r->arena, list, sizeof(char *)), b);
    case WIRE_BLOBS: *(struct wire_bytes *)vn_wire_append(r->arena, list, sizeof b) = b; return VN_OK;
    case WIRE_FLOAT_RUNS:
    case WIRE_DOUBLE_RUNS:
        return add_run(r, list, b, f->kind == WIRE_FLOAT_RUNS ? sizeof(float) : sizeof(double));
    case WIRE_MESSAGE:
    case WIRE_MESSAGES: return store_message(r, f, place, b);
    case WIRE_COUNT: ++*(int64_t *)place; return VN_OK;
    }
    return VN_OK;
}

static const struct wire_field *find_field(const struct wire_message *m, uint64_t number)
{
    for (const struct wire_field *f = m->fields; f->number; f++)
        if (f->number == number)
            return f;
    return NULL;
}

static int is_packable(enum wire_kind k)
{
    return k == WIRE_INTS || k == WIRE_FLOATS || k == WIRE_DOUBLES || k == WIRE_FLOAT_RUNS ||
           k == WIRE_DOUBLE_RUNS;
}

static int read_field(struct reader *r)
{
    const struct frame top = r->stack[r->depth - 1];
    uint64_t tag;
    if (get_varint(&r->at, &tag) < 0 || tag > UINT32_MAX || tag >> 3 == 0)
        return damaged(r, "missing field tag");
    const int type = (int)(tag & 7);
    struct wire_bytes b = { NULL, 0 };
    TRY(get_contents(r, type, &b));
    const struct wire_field *f = find_field(top.message, tag >> 3);
    if (!f)
        return VN_OK;
    if (type != wants(f->kind) && !(type == LENGTH && is_packable(f->kind)) && f->kind != WIRE_COUNT)
        return vn_fail(r->e, VN_E_INPUT,
                       "%s: not %s, or damaged: field %u of %s has wire type %d, expected %d", r->path,
                       file_kind(r), f->number, top.message->name, type, wants(f->kind));
    return store(r, f, top.out + f->offset, b);
}

int vn_wire_read(void *out, const struct wire_message *m, struct vn_arena *a, struct wire_bytes image,
                 const char *path, struct vn_err *e)
{
    struct reader r = { .arena = a, .start = image.p, .path = path, .e = e };
    TRY(push(&r, m, out, image));
    while (r.depth > 0) {
        if (r.at.p < r.at.end) {
            TRY(read_field(&r));
            continue;
        }
        if (--r.depth > 0)
            r.at.end = r.stack[r.depth - 1].end;
    }
    return VN_OK;
}

/* ---- writing: from back to front, so that each length is known when its prefix is put down ---- */

enum { SMALLEST_PIECE = 4096, BUFFER_BYTES = 1 << 16 };

struct writer {
    struct vn_arena *arena;
    uint8_t *buf;
    size_t at, end; /* buf[at..end) is written and belongs to no piece yet */
    size_t n; /* bytes written */
    struct wire_list pieces; /* the last one first */
};

static void add_piece(struct writer *w, const uint8_t *p, size_t n)
{
    if (n)
        *(struct wire_bytes *)vn_wire_append(w->arena, &w->pieces, sizeof(struct wire_bytes)) =
            (struct wire_bytes){ p, n };
}

static void end_piece(struct writer *w)
{
    if (w->end == w->at) /* there may be no buffer yet */
        return;
    add_piece(w, w->buf + w->at, w->end - w->at);
    w->end = w->at;
}

static void make_room(struct writer *w, size_t n)
{
    if (w->at >= n)
        return;
    end_piece(w);
    w->at = w->end = n > BUFFER_BYTES ? n : BUFFER_BYTES;
    w->buf = vn_arena_alloc(w->arena, w->at);
}

static void put_bytes(struct writer *w, const void *p, size_t n)
{
    if (!n)
        return;
    w->n += n;
    if (n >= SMALLEST_PIECE) {
        end_piece(w);
        add_piece(w, p, n);
        return;
    }
    make_room(w, n);
    w->at -= n;
    memcpy(w->buf + w->at, p, n);
}

static void put_varint(struct writer *w, uint64_t x)
{
    uint8_t b[MAX_VARINT];
    int n = 0;
    for (; x >= 0x80; x >>= 7)
        b[n++] = (uint8_t)(x | 0x80);
    b[n++] = (uint8_t)x;
    put_bytes(w, b, (size_t)n);
}

static void put_tag(struct writer *w, const struct wire_field *f, int type)
{
    put_varint(w, (uint64_t)f->number << 3 | (unsigned)type);
}

static void put_int(struct writer *w, const struct wire_field *f, int64_t x)
{
    put_varint(w, (uint64_t)x);
    put_tag(w, f, VARINT);
}

static void put_blob(struct writer *w, const struct wire_field *f, const void *p, size_t n)
{
    put_bytes(w, p, n);
    put_varint(w, n);
    put_tag(w, f, LENGTH);
}

static void put_fields(struct writer *w, const char *in, const struct wire_message *m);

static void put_message(struct writer *w, const struct wire_field *f, const char *in)
{
    const size_t before = w->n;
    put_fields(w, in, f->message);
    put_varint(w, w->n - before);
    put_tag(w, f, LENGTH);
}

static void put_element(struct writer *w, const struct wire_field *f, const char *x)
{
    const struct wire_bytes *b = (const void *)x;
    const char *const *s = (const void *)x;
    switch (f->kind) {
    case WIRE_INTS: put_int(w, f, *(const int64_t *)x); break;
    case WIRE_FLOATS:
    case WIRE_DOUBLES:
        put_bytes(w, x, element_size(f));
        put_tag(w, f, wants(f->kind));
        break;
    case WIRE_STRINGS: put_blob(w, f, *s, strlen(*s)); break;
    case WIRE_BLOBS: put_blob(w, f, b->p, b->n); break;
    default: put_message(w, f, x); break;
    }
}

static void put_list(struct writer *w, const struct wire_field *f, const struct wire_list *l)
{
    const size_t size = element_size(f);
    for (int i = l->n - 1; i >= 0; i--)
        put_element(w, f, (const char *)l->v + (size_t)i * size);
}

static void put_field(struct writer *w, const struct wire_field *f, const char *place)
{
    const struct wire_optional *optional = (const void *)place;
    const struct wire_bytes *b = (const void *)place;
    const char *const *pointer = (const void *)place;
    uint32_t bits;
    switch (f->kind) {
    case WIRE_INT:
        if (*(const int64_t *)place)
            put_int(w, f, *(const int64_t *)place);
        break;
    case WIRE_OPTIONAL:
        if (optional->present)
            put_int(w, f, optional->value);
        break;
    case WIRE_FLOAT:
        memcpy(&bits, place, sizeof bits);
        if (bits)
            put_element(w, &(struct wire_field){ f->number, WIRE_FLOATS, 0, NULL }, place);
        break;
    case WIRE_STRING:
        if (*pointer)
            put_blob(w, f, *pointer, strlen(*pointer));
        break;
    case WIRE_BYTES:
        if (b->p)
            put_blob(w, f, b->p, b->n);
        break;
    case WIRE_MESSAGE:
        if (*pointer)
            put_message(w, f, *pointer);
        break;
    case WIRE_FLOAT_RUNS:
    case WIRE_DOUBLE_RUNS:
    case WIRE_COUNT: break;
    default: put_list(w, f, (const struct wire_list *)place); break;
    }
}

static void put_fields(struct writer *w, const char *in, const struct wire_message *m)
{
    int n = 0;
    while (m->fields[n].number)
        n++;
    while (n-- > 0)
        put_field(w, &m->fields[n], in + m->fields[n].offset);
}

struct wire_image vn_wire_write(const void *in, const struct wire_message *m, struct vn_arena *a)
{
    struct writer w = { .arena = a };
    put_fields(&w, in, m);
    end_piece(&w);
    struct wire_bytes *v = w.pieces.v;
    for (int i = 0, j = w.pieces.n - 1; i < j; i++, j--) {
        const struct wire_bytes t = v[i];
        v[i] = v[j];
        v[j] = t;
    }
    return (struct wire_image){ v, w.pieces.n, w.n };
}

struct wire_bytes vn_wire_join(const struct wire_image *image, struct vn_arena *a)
{
    uint8_t *all = vn_arena_alloc(a, image->bytes), *at = all;
    for (int i = 0; i < image->n; i++) {
        memcpy(at, image->pieces[i].p, image->pieces[i].n);
        at += image->pieces[i].n;
    }
    return (struct wire_bytes){ all, image->bytes };
}
