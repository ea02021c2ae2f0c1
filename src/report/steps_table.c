/* The steps of pipelines with their parameters, as text. */
#include "image/steps.h"
#include "report/report.h"

static void print_param(FILE *f, const struct vn_step_param *p)
{
    static const char *const kinds[] = { [VN_PARAM_INT] = "integer",
                                         [VN_PARAM_REAL] = "number",
                                         [VN_PARAM_TEXT] = "text",
                                         [VN_PARAM_BOOL] = "true, false" };
    char count[24] = "";
    if (p->most > 1)
        snprintf(count, sizeof count, p->least == p->most ? " x %d" : " x %d to %d", p->least, p->most);
    fprintf(f, "    %s (%s%s; %s%s): %s\n", p->name, p->kind == VN_PARAM_WORD ? p->words : kinds[p->kind],
            count,
            !p->preset   ? "required"
            : *p->preset ? "default "
                         : "optional",
            p->preset ? p->preset : "", p->help);
}

void vn_print_steps(FILE *f)
{
    int n;
    const struct vn_step_kind *k = vn_step_kinds(&n);
    for (int i = 0; i < n; i++) {
        fprintf(f, "%s: %s\n", k[i].name, k[i].help);
        for (const struct vn_step_param *p = k[i].params; p->name; p++)
            print_param(f, p);
    }
}
