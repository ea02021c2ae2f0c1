/* What a session has and what it has computed, as text and JSON. */
#include "base/escape.h"
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
        fprintf(f, "output %s: %s %s, min %g, max %g at flat index %lld\n",
                vn_shown(v.name, (char[VN_SHOWN]){ 0 }), vn_text_shape(v.rank, v.shape, shape),
                vn_text_dtype(v.dtype), x.min, x.max, (long long)x.top);
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

/* Bytes from an element to the next one along each axis. */
static void strides_of(const struct vn_io *io, int64_t *stride)
{
    int64_t elements = 1;
    for (int i = 0; i < io->rank; i++)
        elements *= io->shape[i];
    int64_t step = elements > 0 ? (int64_t)io->bytes / elements : 0;
    for (int i = io->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= io->shape[i];
    }
}

static void print_strides(FILE *f, const struct vn_io *io)
{
    int64_t stride[VN_MAX_RANK];
    strides_of(io, stride);
    fprintf(f, "  strides: ");
    for (int i = 0; i < io->rank; i++)
        fprintf(f, "%s%lld", i ? ", " : "", (long long)stride[i]);
    fprintf(f, " bytes\n");
}

void vn_print_io(FILE *f, const char *what, const struct vn_io *io, int n, int inputs)
{
    for (int i = 0; i < n; i++) {
        char shape[VN_TEXT_SHAPE];
        fprintf(f, "%s[%d]:\n  name: %s\n", what, i, vn_shown(io[i].name, (char[VN_SHOWN]){ 0 }));
        if (inputs)
            fprintf(f, "  type: %s%s\n", vn_text_input_type(io[i].type),
                    io[i].type == VN_IN_FEATUREMAP || io[i].type == VN_IN_NV12 ? ""
                    : io[i].channels_last                                      ? " NHWC"
                                                                               : " NCHW");
        fprintf(f, "  shape of the bytes: %s %s, %zu bytes\n", vn_text_shape(io[i].rank, io[i].shape, shape),
                vn_text_dtype(io[i].dtype), io[i].bytes);
        if (io[i].rank)
            print_strides(f, &io[i]);
        if (io[i].scale > 0 && (io[i].dtype == VN_I8 || io[i].dtype == VN_I16))
            fprintf(f, "  real = (q - %d) * %.9g\n", io[i].zero, io[i].scale);
    }
}

json_t *vn_json_io(const struct vn_io *io, int n, int inputs)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *o =
            json_pack("{s:s, s:s, s:o, s:I}", "name", io[i].name, "dtype", vn_text_dtype(io[i].dtype),
                      "shape", vn_json_shape(io[i].rank, io[i].shape), "bytes", (json_int_t)io[i].bytes);
        int64_t stride[VN_MAX_RANK];
        strides_of(&io[i], stride);
        json_object_set_new(o, "strides", vn_json_shape(io[i].rank, stride));
        if (io[i].scale > 0) { /* an output in integers */
            json_object_set_new(o, "scale", json_real(io[i].scale));
            json_object_set_new(o, "zero", json_integer(io[i].zero));
        }
        if (inputs)
            json_object_set_new(o, "type", json_string(vn_text_input_type(io[i].type)));
        json_array_append_new(list, o);
    }
    return list;
}
