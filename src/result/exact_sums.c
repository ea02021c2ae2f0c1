/* Sums as integers in units of the smallest double, 2^-1074; their words below and above all terms are not
 * kept. */
#include <math.h>

#include "result/result_kind.h"

#define UNIT (-1074)
#define SUM_BITS (1074 + 1024 + 63) /* of the largest magnitude: 2^63 terms below 2^1024 */
#define MAX_WORDS (SUM_BITS / 64 + 2)
enum { HAS_PLUS_INFINITY = 1, HAS_MINUS_INFINITY = 2, HAS_NAN = 4, HAS_ANY = 7, IS_NEGATIVE = 8 };

static uint64_t sign_word(uint64_t top) { return top >> 63 ? UINT64_MAX : 0; }

void vn_exact_sums_start(struct exact_sums *s, struct vn_arena *a, int n)
{
    if (s->n)
        return;
    s->n = n;
    s->special = NEW_ARRAY(a, uint8_t, n);
}

/* Words low .. end - 1, too, without a change of the sums. */
static void extend(struct exact_sums *s, struct vn_arena *a, int low, int end)
{
    const struct exact_sums old = *s;
    if (old.words) {
        low = low < old.low ? low : old.low;
        end = end > old.low + old.words ? end : old.low + old.words;
    }
    if (old.words == end - low)
        return;
    s->low = low;
    s->words = end - low;
    s->w = NEW_ARRAY(a, uint64_t, (size_t)s->n * (size_t)s->words);
    for (int i = 0; i < s->n && old.words; i++) {
        const uint64_t *from = old.w + (size_t)i * (size_t)old.words;
        uint64_t *to = s->w + (size_t)i * (size_t)s->words;
        memcpy(to + (old.low - low), from, (size_t)old.words * sizeof *to);
        for (int k = old.low - low + old.words; k < s->words; k++)
            to[k] = sign_word(from[old.words - 1]);
    }
}

/* w += x, both two's complement; x has n words and goes on with its sign. */
static void add_words(uint64_t *w, int words, const uint64_t *x, int n, uint64_t sign)
{
    uint64_t carry = 0;
    for (int k = 0; k < words; k++) {
        const uint64_t y = k < n ? x[k] : sign, once = w[k] + y;
        w[k] = once + carry;
        carry = (once < y) | (w[k] < carry);
    }
}

static void negate(uint64_t *x, int n)
{
    uint64_t carry = 1;
    for (int k = 0; k < n; k++) {
        x[k] = ~x[k] + carry;
        carry = carry && !x[k];
    }
}

void vn_exact_sums_add(struct exact_sums *s, struct vn_arena *a, int i, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int exponent = (int)(bits >> 52 & 0x7ff), negative = (int)(bits >> 63);
    const int at = exponent ? exponent - 1 : 0; /* x is an integer of 53 bits times 2^(at + UNIT) */
    const uint64_t m = (bits & (UINT64_MAX >> 12)) | (uint64_t)(exponent != 0) << 52;
    if (exponent == 0x7ff)
        s->special[i] |= (uint8_t)(isnan(x) ? HAS_NAN : negative ? HAS_MINUS_INFINITY : HAS_PLUS_INFINITY);
    if (exponent == 0x7ff || !m)
        return;
    const int word = at / 64, shift = at % 64;
    uint64_t term[2] = { m << shift, shift ? m >> (64 - shift) : 0 };
    extend(s, a, word, (at + 53 + 63) / 64 + 1);
    if (negative)
        negate(term, 2);
    add_words(s->w + (size_t)i * (size_t)s->words + (word - s->low), s->words - (word - s->low), term, 2,
              sign_word(term[1]));
}

/* |sum i| in out, s->words words; is it below 0? */
static int magnitude(uint64_t *out, const struct exact_sums *s, int i)
{
    memcpy(out, s->w + (size_t)i * (size_t)s->words, (size_t)s->words * sizeof *out);
    const int negative = (int)(out[s->words - 1] >> 63);
    if (negative)
        negate(out, s->words);
    return negative;
}

static int top_bit(const uint64_t *w, int words)
{
    int k = words * 64 - 1;
    while (k >= 0 && !(w[k / 64] >> k % 64 & 1))
        k -= w[k / 64] ? 1 : k % 64 + 1;
    return k;
}

static uint64_t bits_from(const uint64_t *w, int words, int at)
{
    const int k = at / 64, shift = at % 64;
    return w[k] >> shift | (shift && k + 1 < words ? w[k + 1] << (64 - shift) : 0);
}

static int any_below(const uint64_t *w, int at)
{
    for (int k = 0; k < at / 64; k++)
        if (w[k])
            return 1;
    return at % 64 && w[at / 64] << (64 - at % 64);
}

/* The magnitude in units of 2^(64 low + UNIT) to nearest, ties to even. No result is subnormal and rounded:
 * those have too few bits. */
static double rounded(const uint64_t *w, int words, int low)
{
    const int top = top_bit(w, words), cut = top - 52;
    if (top < 0)
        return 0;
    if (cut <= 0)
        return ldexp((double)w[0], 64 * low + UNIT);
    uint64_t m = bits_from(w, words, cut) & (UINT64_MAX >> 11);
    const int half = (int)(bits_from(w, words, cut - 1) & 1);
    m += half && ((m & 1) || any_below(w, cut - 1));
    return ldexp((double)m, 64 * low + cut + UNIT);
}

double vn_exact_sums_value(const struct exact_sums *s, int i)
{
    uint64_t w[MAX_WORDS];
    const int special = s->special[i];
    if (special)
        return special == HAS_PLUS_INFINITY ? INFINITY : special == HAS_MINUS_INFINITY ? -INFINITY : NAN;
    if (!s->words)
        return 0;
    const int negative = magnitude(w, s, i);
    const double x = rounded(w, s->words, s->low);
    return negative ? -x : x;
}

static int merge(void *to, const void *from, struct vn_arena *a, struct vn_err *e)
{
    struct exact_sums *s = to;
    const struct exact_sums *x = from;
    if (!x->n)
        return VN_OK;
    vn_exact_sums_start(s, a, x->n);
    if (s->n != x->n)
        return vn_fail(e, VN_E_INPUT, "expected %d sums, got %d", s->n, x->n);
    for (int i = 0; i < s->n; i++)
        s->special[i] |= x->special[i];
    if (!x->words)
        return VN_OK;
    extend(s, a, x->low, x->low + x->words);
    const int skip = x->low - s->low;
    for (int i = 0; i < s->n; i++) {
        const uint64_t *w = x->w + (size_t)i * (size_t)x->words;
        add_words(s->w + (size_t)i * (size_t)s->words + skip, s->words - skip, w, x->words,
                  sign_word(w[x->words - 1]));
    }
    return VN_OK;
}

/* ---- in files: special values and sign, first byte that is not 0, number of bytes, bytes ---- */

static void write_sum(struct result_writer *w, const struct exact_sums *s, int i)
{
    uint64_t m[MAX_WORDS] = { 0 };
    const int negative = s->words ? magnitude(m, s, i) : 0;
    const uint8_t *b = (const uint8_t *)m;
    int first = 0, end = s->words * 8;
    while (end && !b[end - 1])
        end--;
    while (first < end && !b[first])
        first++;
    vn_result_put(w, (uint64_t)(s->special[i] | (negative ? IS_NEGATIVE : 0)));
    vn_result_put(w, (uint64_t)(end ? first + s->low * 8 : 0));
    vn_result_put(w, (uint64_t)(end - first));
    vn_result_put_bytes(w, b + first, (size_t)(end - first));
}

static void write_entry(struct result_writer *w, const void *entry)
{
    const struct exact_sums *s = entry;
    vn_result_put(w, (uint64_t)s->n);
    for (int i = 0; i < s->n; i++)
        write_sum(w, s, i);
}

struct stored_sum {
    uint64_t flags, first, n;
    const uint8_t *bytes;
};

static int read_sum(struct result_reader *r, struct stored_sum *x)
{
    const void *p;
    TRY(vn_result_get(r, &x->flags, HAS_ANY | IS_NEGATIVE, "flags of a sum"));
    TRY(vn_result_get(r, &x->first, SUM_BITS / 8, "offset of a sum"));
    TRY(vn_result_get(r, &x->n, SUM_BITS / 8 - x->first, "length of a sum"));
    TRY(vn_result_get_bytes(r, &p, x->n, "sum"));
    x->bytes = p;
    if (x->n ? !x->bytes[0] || !x->bytes[x->n - 1] : x->first || x->flags & IS_NEGATIVE)
        return vn_result_bad(r, "sum longer than necessary");
    return VN_OK;
}

static void set_sum(struct exact_sums *s, int i, const struct stored_sum *x)
{
    s->special[i] = (uint8_t)(x->flags & HAS_ANY);
    if (!x->n)
        return;
    uint64_t *w = s->w + (size_t)i * (size_t)s->words;
    memcpy((uint8_t *)w + (x->first - (uint64_t)s->low * 8), x->bytes, x->n);
    if (x->flags & IS_NEGATIVE)
        negate(w, s->words);
}

/* Twice: the words that are needed must be known before there are any. */
static int read_entry(struct result_reader *r, void *entry)
{
    struct exact_sums *s = entry;
    struct stored_sum x;
    int n, low = MAX_WORDS, end = 0;
    TRY(vn_result_get_count(r, &n, 3, "number of sums"));
    vn_exact_sums_start(s, r->arena, n);
    const uint8_t *start = r->at;
    for (int i = 0; i < n; i++) {
        TRY(read_sum(r, &x));
        const int first = (int)(x.first / 8), behind = (int)((x.first + x.n + 7) / 8) + 1;
        low = x.n && first < low ? first : low;
        end = x.n && behind > end ? behind : end;
    }
    if (end)
        extend(s, r->arena, low, end);
    r->at = start;
    for (int i = 0; i < n; i++) {
        TRY(read_sum(r, &x));
        set_sum(s, i, &x);
    }
    return VN_OK;
}

const struct result_kind vn_result_sums = { "sums", sizeof(struct exact_sums), merge, write_entry,
                                            read_entry };
