/* ops/einsum.c - sums of products over named axes. */
#include <ctype.h>

#include "ops/portable_op.h"

struct attrs {
    const char *equation;
};
static const struct attr_spec specs[] = {
    { .onnx = "equation", .kind = ATTR_STRING, .offset = offsetof(struct attrs, equation), .required = 1 },
    A_END
};

enum { MOST_INPUTS = 3, MOST_LETTERS = 16 };

/* Letters of each operand and of the output as small numbers; those of "..." come first. */
struct terms {
    int letters, rank[MOST_INPUTS + 1], at[MOST_INPUTS + 1][VN_MAX_RANK];
    int64_t extent[MOST_LETTERS];
};

struct parse {
    const struct node *n;
    struct vn_err *e;
    char of[MOST_LETTERS];
    int ellipsis; /* axes that "..." stands for */
    struct terms *t;
};

static int letter(struct parse *p, char c)
{
    for (int i = p->ellipsis; i < p->t->letters; i++)
        if (p->of[i] == c)
            return i;
    if (p->t->letters == MOST_LETTERS)
        return vn_node_fail(p->n, p->e, VN_E_UNSUPPORTED, "the equation has more than %d letters",
                            MOST_LETTERS);
    p->of[p->t->letters] = c;
    return p->t->letters++;
}

/* Term k: text up to `end`; `rank` of its operand, -1: the output. */
static int term(struct parse *p, int k, const char *text, const char *end, int rank)
{
    int axes = 0, named = 0;
    for (const char *c = text; c < end; c++)
        named += isalpha((unsigned char)*c) != 0;
    for (const char *c = text; c < end; c++) {
        int id, repeat = 1, from = 0;
        if (*c == ' ')
            continue;
        if (!strncmp(c, "...", 3)) {
            repeat = rank < 0 ? p->ellipsis : rank - named;
            from = p->ellipsis - repeat;
            c += 2;
        } else if (!isalpha((unsigned char)*c)) {
            return vn_node_fail(p->n, p->e, VN_E_INPUT, "the equation '%.200s' has '%c' in place of an axis",
                                ((const struct attrs *)p->n->attrs)->equation, *c);
        } else {
            TRY(from = letter(p, *c));
        }
        if (repeat < 0 || axes + repeat > VN_MAX_RANK)
            return vn_node_fail(p->n, p->e, VN_E_INPUT, "term %d of the equation does not match its operand",
                                k);
        for (id = from; id < from + repeat; id++)
            p->t->at[k][axes++] = id;
    }
    p->t->rank[k] = axes;
    if (rank >= 0 && axes != rank)
        return vn_node_fail(p->n, p->e, VN_E_INPUT, "term %d of the equation names %d axes, %s has %d", k,
                            axes, p->n->in[k]->name, rank);
    return VN_OK;
}

/* How many axes "..." stands for: the most of any operand. */
static int ellipsis_axes(const struct node *n, const char *text)
{
    int most = 0;
    for (int k = 0; k < n->n_in; k++) {
        const size_t length = strcspn(text, ",-");
        int named = 0, has = 0;
        for (size_t i = 0; i < length; i++)
            named += isalpha((unsigned char)text[i]) != 0, has |= text[i] == '.';
        if (has && n->in[k]->shape.rank - named > most)
            most = n->in[k]->shape.rank - named;
        text += length + (text[length] == ',');
    }
    return most;
}

/* Without "->": the dots, then every letter that occurs once, in the order of the alphabet. */
static int implied_output(struct parse *p, const char *text)
{
    struct terms *t = p->t;
    int axes = 0, k = p->n->n_in;
    for (int i = 0; i < p->ellipsis; i++)
        t->at[k][axes++] = i;
    for (int c = 'A'; c <= 'z'; c++) {
        int times = 0;
        for (const char *s = text; *s; s++)
            times += *s == c;
        if (times == 1 && isalpha(c) && axes < VN_MAX_RANK)
            t->at[k][axes++] = letter(p, (char)c);
    }
    t->rank[k] = axes;
    return VN_OK;
}

static int parse(struct terms *t, const struct node *n, struct vn_err *e)
{
    const char *equation = ((const struct attrs *)n->attrs)->equation, *text = equation,
               *arrow = strstr(equation, "->");
    struct parse p = { n, e, "", 0, t };
    *t = (struct terms){ 0 };
    if (n->n_in > MOST_INPUTS)
        return vn_node_fail(n, e, VN_E_UNSUPPORTED, "%d operands, expected at most %d", n->n_in, MOST_INPUTS);
    p.ellipsis = t->letters = ellipsis_axes(n, text);
    if (p.ellipsis > VN_MAX_RANK)
        return vn_node_fail(n, e, VN_E_INPUT, "the ellipsis of the equation stands for too many axes");
    for (int k = 0; k < n->n_in; k++) {
        const char *end = text + strcspn(text, ",-");
        TRY(term(&p, k, text, end, n->in[k]->shape.rank));
        if ((*end == ',') != (k + 1 < n->n_in))
            return vn_node_fail(n, e, VN_E_INPUT, "the equation '%.200s' must have %d terms", equation,
                                n->n_in);
        text = end + (*end == ',');
    }
    TRY(arrow ? term(&p, n->n_in, arrow + 2, equation + strlen(equation), -1) : implied_output(&p, equation));
    for (int l = 0; l < t->letters; l++)
        t->extent[l] = -1;
    for (int k = 0; k < n->n_in; k++)
        for (int d = 0; d < t->rank[k]; d++) {
            int64_t *have = &t->extent[t->at[k][d]], extent = n->in[k]->shape.d[d];
            if (*have > 1 && extent != 1 && extent != *have)
                return vn_node_fail(n, e, VN_E_INPUT,
                                    "axis %d of %s has %lld elements, another axis with the same letter %lld",
                                    d, n->in[k]->name, (long long)extent, (long long)*have);
            *have = *have > 1 || *have == 0 ? *have : extent;
        }
    for (int d = 0; d < t->rank[n->n_in]; d++)
        if (t->extent[t->at[n->n_in][d]] < 0)
            return vn_node_fail(n, e, VN_E_INPUT,
                                "the output of the equation has a letter that no operand has");
    return VN_OK;
}

static int infer(struct node *n, struct vn_err *e)
{
    struct terms t;
    TRY(vn_infer_begin(n, e));
    TRY(parse(&t, n, e));
    struct vn_shape s = { .rank = t.rank[n->n_in] };
    for (int d = 0; d < s.rank; d++)
        s.d[d] = t.extent[t.at[n->n_in][d]];
    return vn_infer_out(n, 0, n->in[0]->dtype, &s, e);
}

static void call(const struct node *n, struct portable_params *p)
{
    struct terms t;
    parse(&t, n, NULL);
    p->id = VN_PORTABLE_einsum;
    p->i[0] = t.letters;
    for (int k = 0; k <= n->n_in; k++)
        for (int d = 0; d < t.rank[k]; d++)
            p->i[1 + k * 4 + d / 2] |= (int32_t)((uint32_t)t.at[k][d] << (d % 2 * 16));
}

const struct op_def vn_op_einsum = {
    .name = "einsum",
    .onnx = "Einsum",
    .min_in = 1,
    .max_in = MOST_INPUTS,
    .attrs = specs,
    .attrs_size = sizeof(struct attrs),
    .infer = infer,
    .eval = vn_eval_portable,
    .lower = vn_low_portable,
    .portable = call,
};
