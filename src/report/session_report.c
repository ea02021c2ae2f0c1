/* What a session has and what it has computed, as text and JSON. */
#include "config/config.h"
#include "report/report.h"
#include "tensor/tensor.h"

const char *vn_text_shape(int rank, const int64_t *shape, char *buf)
{
    const struct vn_shape s = vn_shape_of(rank, shape);
    return vn_shape_text(&s, buf);
}

const char *vn_text_dtype(enum vn_dtype t) { return vn_dtype_name(t); }
const char *vn_text_input_type(enum vn_input_type t) { return vn_input_type_word(t); }

json_t *vn_json_shape(int rank, const int64_t *shape)
{
    json_t *list = json_array();
    for (int i = 0; i < rank; i++)
        json_array_append_new(list, json_integer(shape[i]));
    return list;
}

void vn_print_run(FILE *f, const struct vn_session *s)
{
    struct vn_view v;
    for (int i = 0; vn_session_output(s, i, &v, NULL) == VN_OK; i++) {
        const struct vn_extremes x = vn_view_extremes(&v);
        char shape[VN_TEXT_SHAPE];
        fprintf(f, "output %s: %s %s, min %g, max %g at flat index %lld\n", v.name,
                vn_text_shape(v.rank, v.shape, shape), vn_text_dtype(v.dtype), x.min, x.max,
                (long long)x.top);
    }
}

json_t *vn_json_run(const struct vn_session *s)
{
    struct vn_view v;
    json_t *list = json_array();
    for (int i = 0; vn_session_output(s, i, &v, NULL) == VN_OK; i++) {
        const struct vn_extremes x = vn_view_extremes(&v);
        json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:o, s:o, s:I}", "output", v.name, "shape",
                                              vn_json_shape(v.rank, v.shape), "dtype", vn_text_dtype(v.dtype),
                                              "min", vn_json_real(x.min), "max", vn_json_real(x.max),
                                              "argmax", (json_int_t)x.top));
    }
    return list;
}
