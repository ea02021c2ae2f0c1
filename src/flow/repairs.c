/* What to change after a failure. */
#include "base/shell.h"
#include "flow/flow_job.h"

int vn_flow_repair(struct flow_job *j, struct vn_flow_step *s, struct vn_err *e)
{
    (void)e;
    s->failure.next_command =
        j->samples ? vn_flow_again(j, j->path)
                   : vn_arena_fmt(j->arena, "vernier check -c %s", vn_shell_word(j->arena, j->path));
    return VN_OK;
}
