/* Alignments as text and JSON. */
#include <string.h>

#include "base/file.h"
#include "report/html_report.h"
#include "report/report.h"

static const char *const states[] = { [VN_STAGE_ALIGNED] = "aligned",
                                      [VN_STAGE_UNALIGNED] = "UNALIGNED",
                                      [VN_STAGE_FOLLOWS] = "UNALIGNED",
                                      [VN_STAGE_MISSING] = "missing" };

/* ---- text ---- */

/* Causes i to `end` whose sides are the same two texts. */
static int alike(const struct vn_align_why *x, int i)
{
    const struct vn_align_cause *c = x->causes;
    int end = i + 1;
    while (end < x->n_causes && !strcmp(c[i].side[0], c[end].side[0]) &&
           !strcmp(c[i].side[1], c[end].side[1]))
        end++;
    return end;
}

static void print_causes(FILE *f, const struct vn_align_stage *s, int i, int end, int change)
{
    const struct vn_align_cause *c = s->why->causes;
    fputs("    explained by: ", f);
    for (int k = i; k < end; k++)
        fprintf(f, "%s%s", k > i ? ", " : "", c[k].cause);
    fprintf(f, ": %s vs %s\n", c[i].side[0], c[i].side[1]);
    fprintf(f, "    to make the %s side match the other: ", change ? "right" : "left");
    if (!change && s->place)
        fprintf(f, "%s: ", s->place);
    for (int k = i; k < end; k++)
        fprintf(f, "%s%s", k > i ? ", " : "", c[k].setting);
    fprintf(f, " -> %s\n", c[i].side[!change]);
}

static void print_why(FILE *f, const struct vn_align_stage *s, int change)
{
    const struct vn_align_why *x = s->why;
    if (!x->found) {
        fprintf(f, "    unexplained: %d rules tried%s\n", x->tried,
                x->refuted ? "; some fit the first images, but not all images" : "");
        for (int i = 0; i < x->n_facts; i++)
            fprintf(f, "    %s\n", x->facts[i]);
        return;
    }
    for (int i = 0, end; i < x->n_causes; i = end) {
        end = alike(x, i);
        print_causes(f, s, i, end, change);
    }
    if (x->steps[!change] && *x->steps[!change])
        fprintf(f, "    the other side as steps: '%s'\n", x->steps[!change]);
    fprintf(f, "    remaining difference: %g", x->residual);
    if (x->checked)
        fprintf(f, "; holds on %d image%s not used in the search", x->checked, x->checked == 1 ? "" : "s");
    putc('\n', f);
}

static void print_stage(FILE *f, const struct vn_align_stage *s, int width, int change)
{
    fprintf(f, "%-*s  %-9s", width, s->name, states[s->state]);
    if (s->state == VN_STAGE_MISSING)
        fprintf(f, "  in %s", s->missing_in);
    else if (s->state != VN_STAGE_ALIGNED && !s->same_shape)
        fprintf(f, "  %s %s vs %s %s", s->shape[0], s->dtype[0], s->shape[1], s->dtype[1]);
    else if (s->state != VN_STAGE_ALIGNED)
        fprintf(f, "  max |d| %-8.4g  %.2f %% differ, first at %lld", s->max, s->share * 100,
                (long long)s->first);
    if (s->from)
        fprintf(f, "  follows from %s", s->from);
    putc('\n', f);
    if (s->why)
        print_why(f, s, change);
}

/* "result  aligned  751, 9.114606 vs 751, 9.114609": of the image that tells most. */
static void print_winners(FILE *f, const struct vn_alignment *r)
{
    const struct vn_align_summary *y = vn_alignment_summary(r);
    int n, at = 0;
    const struct vn_align_winner *w = vn_alignment_winners(r, &n);
    for (int i = n - 1; i >= 0; i--)
        if (w[i].class_id[0] != w[i].class_id[1])
            at = i;
    if (!n)
        return;
    fprintf(f, "result    %s  %d, %.6f vs %d, %.6f", y->other_winners ? "UNALIGNED" : "aligned  ",
            w[at].class_id[0], w[at].score[0], w[at].class_id[1], w[at].score[1]);
    if (n > 1)
        fprintf(f, "  (%s); %d of %d images have the same class", w[at].image, n - y->other_winners, n);
    putc('\n', f);
}

void vn_print_alignment(FILE *f, const struct vn_alignment *r)
{
    const struct vn_align_summary *y = vn_alignment_summary(r);
    int n, width = 8;
    const struct vn_align_stage *s = vn_alignment_stages(r, &n);
    for (int i = 0; i < n; i++)
        width = (int)strlen(s[i].name) > width ? (int)strlen(s[i].name) : width;
    for (int i = 0; i < n; i++)
        print_stage(f, &s[i], width, y->change);
    print_winners(f, r);
    for (int i = 0; i < 2; i++)
        if (y->left_out[i])
            fprintf(f, "not compared, only in %s: %d images\n", y->path[i], y->left_out[i]);
}

void vn_print_align_causes(FILE *f)
{
    const char *name, *seen_in, *setting;
    for (int i = 0; vn_align_known_cause(i, &name, &seen_in, &setting); i++)
        fprintf(f, "%s | %s | %s\n", name, seen_in, setting);
}

void vn_print_description(FILE *f, const struct vn_description *d)
{
    const char *all = vn_description_pipeline(d);
    int n, width = 8;
    const struct vn_described_stage *s = vn_description_stages(d, &n);
    for (int i = 0; i < n; i++)
        width = (int)strlen(s[i].name) > width ? (int)strlen(s[i].name) : width;
    for (int i = 0; i < n; i++)
        fprintf(f, "%-*s  %s\n", width, s[i].name,
                !s[i].steps   ? "unexplained"
                : *s[i].steps ? s[i].steps
                              : "nothing");
    if (all)
        fprintf(f, "pipeline: '%s'\n", all);
}

/* ---- JSON ---- */

static json_t *json_why(const struct vn_align_why *x)
{
    json_t *causes = json_array(), *facts = json_array();
    for (int i = 0; i < x->n_causes; i++) {
        const struct vn_align_cause *c = &x->causes[i];
        json_array_append_new(causes, json_pack("{s:s, s:s, s:s, s:s}", "cause", c->cause, "setting",
                                                c->setting, "left", c->side[0], "right", c->side[1]));
    }
    for (int i = 0; i < x->n_facts; i++)
        json_array_append_new(facts, json_string(x->facts[i]));
    return json_pack("{s:b, s:o, s:[s?, s?], s:o, s:o, s:i, s:i, s:i, s:f}", "found", x->found, "facts",
                     facts, "steps", x->steps[0], x->steps[1], "causes", causes, "residual",
                     vn_json_real(x->residual), "checked", x->checked, "refuted", x->refuted, "tried",
                     x->tried, "seconds", x->seconds);
}

static json_t *json_stage(const struct vn_align_stage *s)
{
    static const char *const words[] = { [VN_STAGE_ALIGNED] = "aligned",
                                         [VN_STAGE_UNALIGNED] = "unaligned",
                                         [VN_STAGE_FOLLOWS] = "follows",
                                         [VN_STAGE_MISSING] = "missing" };
    static const char *const sides[] = { "left", "right" };
    json_t *o = json_pack("{s:s, s:s, s:o, s:f, s:I, s:i}", "stage", s->name, "state", words[s->state], "max",
                          vn_json_real(s->max), "share", s->share, "first", (json_int_t)s->first, "sample",
                          s->sample);
    for (int i = 0; i < 2; i++)
        if (s->shape[i])
            json_object_set_new(o, sides[i],
                                json_pack("{s:s, s:s}", "shape", s->shape[i], "dtype", s->dtype[i]));
    if (s->from)
        json_object_set_new(o, "from", json_string(s->from));
    if (s->why)
        json_object_set_new(o, "why", json_why(s->why));
    return o;
}

json_t *vn_json_alignment(const struct vn_alignment *r)
{
    const struct vn_align_summary *y = vn_alignment_summary(r);
    json_t *list = json_array(), *winners = json_array();
    int n;
    const struct vn_align_stage *s = vn_alignment_stages(r, &n);
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_stage(&s[i]));
    json_t *o = json_pack("{s:i, s:[ii], s:i, s:o}", "pictures", y->samples, "left_out", y->left_out[0],
                          y->left_out[1], "unaligned", y->unaligned, "stages", list);
    const struct vn_align_winner *w = vn_alignment_winners(r, &n);
    for (int i = 0; i < n; i++)
        json_array_append_new(winners, json_pack("{s:s, s:[ii], s:[oo]}", "picture", w[i].image, "class",
                                                 w[i].class_id[0], w[i].class_id[1], "score",
                                                 vn_json_real(w[i].score[0]), vn_json_real(w[i].score[1])));
    if (n)
        json_object_set(o, "result", winners);
    json_decref(winners);
    return o;
}

void vn_odd_add_stages(struct vn_odd_list *l, const struct vn_alignment *r, const char *folder)
{
    struct vn_arena *a = vn_arena_new();
    struct vn_map *taken = vn_map_new(a);
    int n;
    const struct vn_align_stage *s = vn_alignment_stages(r, &n);
    for (int i = 0; i < n; i++) {
        if (s[i].state != VN_STAGE_UNALIGNED && s[i].state != VN_STAGE_FOLLOWS)
            continue;
        json_t *numbers = s[i].same_shape
                              ? json_pack("{s:o, s:f}", "max", vn_json_real(s[i].max), "share", s[i].share)
                              : json_object();
        const char *name = vn_arena_fmt(a, "%s.png", vn_file_name(a, taken, s[i].name));
        vn_odd_add_panels(l, s[i].name, numbers, vn_path_join(a, folder, name), s[i].same_shape ? 3 : 1);
    }
    vn_arena_free(&a);
}

json_t *vn_json_description(const struct vn_description *d)
{
    json_t *list = json_array();
    int n;
    const struct vn_described_stage *s = vn_description_stages(d, &n);
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s?}", "stage", s[i].name, "steps", s[i].steps));
    return json_pack("{s:o, s:s?}", "stages", list, "pipeline", vn_description_pipeline(d));
}
