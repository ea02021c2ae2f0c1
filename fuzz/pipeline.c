/* Fuzz pipelines: any text, short or YAML, gives steps or an error, the steps written out are the same steps
 * again, and on a small picture they give a result or an error. */
#include <stdlib.h>

#include "guarded.h"
#include "image/steps.h"

#define MOST_NUMBER 64
#define MOST_VALUES 4096

static void same_again(struct vn_arena *a, const struct vn_pipeline *p)
{
    const char *text = vn_pipeline_text(p, a), *line = vn_pipeline_line(p, a);
    struct vn_pipeline *q;
    struct vn_err e;
    if (vn_pipeline_yaml(&q, a, text, strlen(text), "text", &e) < 0 || strcmp(vn_pipeline_text(q, a), text))
        abort();
    if (vn_pipeline_yaml(&q, a, line, strlen(line), "line", &e) < 0 || strcmp(vn_pipeline_text(q, a), text))
        abort();
}

static int is_small(const struct vn_pipe_step *s)
{
    for (int i = 0; s->kind && s->kind->params[i].name; i++)
        for (int k = 0; k < s->value[i].n; k++)
            if (s->kind->params[i].kind == VN_PARAM_INT && s->value[i].v[k] > MOST_NUMBER)
                return 0;
    for (int i = 0; s->transform && s->transform->args[i].name; i++)
        for (int k = 0; k < s->arg[i].n; k++)
            if (!(s->arg[i].v[k] <= 4 * MOST_NUMBER))
                return 0;
    return 1;
}

static void run(struct vn_arena *a, const struct vn_pipeline *p)
{
    struct vn_picture in, out;
    struct vn_err e;
    vn_picture_new(&in, a, 9, 5, 3, VN_PIXEL_U8, &e);
    for (size_t i = 0; i < vn_picture_values(&in); i++)
        in.data[i] = (uint8_t)(i * i);
    struct vn_frame f = { .p = in, .colours = VN_COLOURS_RGB };
    for (int i = 0; i < p->steps.n; i++) {
        if (!is_small(&p->steps.v[i]) || vn_shape_count(&vn_frame_tensor(&f, a)->shape) > MOST_VALUES)
            return;
        if (vn_pipe_step_run(&f, a, &p->steps.v[i], &e) < 0)
            break;
    }
    vn_pipeline_run(&out, a, p, &in, &e);
}

static void one(struct vn_arena *a, const uint8_t *data, size_t size)
{
    const char *text = vn_arena_strn(a, (const char *)data, size);
    struct vn_pipeline *p[2];
    struct vn_err e;
    const int read[] = { !vn_pipeline_is_file(text) && vn_pipeline_parse(&p[0], a, text, &e) == VN_OK,
                         vn_pipeline_yaml(&p[1], a, (const char *)data, size, "fuzz.yaml", &e) == VN_OK };
    for (int i = 0; i < 2; i++)
        if (read[i]) {
            same_again(a, p[i]);
            run(a, p[i]);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return guarded(one, data, size); }

#include "main.h"
