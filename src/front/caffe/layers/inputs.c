/* Input and the layers that read training data: inputs of the network; labels are no part of it. */
#include "front/caffe/layer.h"

struct dims {
    struct text_ints dim;
};
static const struct text_field dims_fields[] = { T_INTS(struct dims, dim, "dim", 0, INT32_MAX), T_END };
static const struct text_message dims = { sizeof(struct dims), dims_fields };

struct params {
    struct text_list shape; /* struct dims */
    struct text_ints num, channels, height, width;
    int64_t batch;
};

static void one_shape(struct caffe_builder *b, struct vn_shape *s, const struct text_ints *d)
{
    if (d->n > VN_MAX_RANK)
        vn_caffe_fail(b, VN_E_UNSUPPORTED, "a shape with %d axes, expected at most %d", d->n, VN_MAX_RANK);
    else
        *s = vn_shape_of(d->n, d->v);
}

static int64_t item(const struct text_ints *l, int i) { return l->n ? l->v[i < l->n ? i : l->n - 1] : 0; }

/* shape, of which one may serve all tops, or num, channels, height and width. */
static void build_input(struct caffe_builder *b)
{
    const struct params *p = b->params;
    const struct dims *d = p->shape.v;
    b->unread = b->n_out;
    for (int i = 0; i < b->n_out; i++) {
        b->shape[i] = vn_shape_unknown();
        if (p->shape.n)
            one_shape(b, &b->shape[i], &d[p->shape.n == 1 ? 0 : i < p->shape.n ? i : p->shape.n - 1].dim);
        else if (p->num.n)
            b->shape[i] = vn_shape_of(4, (int64_t[]){ item(&p->num, i), item(&p->channels, i),
                                                      item(&p->height, i), item(&p->width, i) });
    }
}

static const struct text_field input_fields[] = { T_MESSAGES(struct params, shape, "shape", dims), T_END };
static const struct text_message input = { sizeof(struct params), input_fields };
const struct caffe_layer vn_caffe_input = { .type = "Input",
                                            .onnx = "an input",
                                            .param = "input_param",
                                            .params = &input,
                                            .fate = CAFFE_INPUT,
                                            .max_top = -1,
                                            .build = build_input };

static const struct text_field dummy_fields[] = {
    T_MESSAGES(struct params, shape, "shape", dims),
    T_INTS(struct params, num, "num", 0, INT32_MAX),
    T_INTS(struct params, channels, "channels", 0, INT32_MAX),
    T_INTS(struct params, height, "height", 0, INT32_MAX),
    T_INTS(struct params, width, "width", 0, INT32_MAX),
    T_ANY("data_filler"),
    T_END,
};
static const struct text_message dummy = { sizeof(struct params), dummy_fields };
const struct caffe_layer vn_caffe_dummydata = { .type = "DummyData",
                                                .v1 = "DUMMY_DATA",
                                                .onnx = "an input",
                                                .param = "dummy_data_param",
                                                .params = &dummy,
                                                .fate = CAFFE_INPUT,
                                                .max_top = -1,
                                                .build = build_input };

/* Data and label. */
static void build_memory(struct caffe_builder *b)
{
    const struct params *p = b->params;
    const int given = p->batch && p->channels.n && p->height.n && p->width.n;
    b->unread = 1;
    b->shape[0] =
        given ? vn_shape_of(4, (int64_t[]){ p->batch, p->channels.v[0], p->height.v[0], p->width.v[0] })
              : vn_shape_unknown();
}

static const struct text_field memory_fields[] = {
    T_INT(struct params, batch, "batch_size", 0, 1, 65536),
    T_INTS(struct params, channels, "channels", 1, INT32_MAX),
    T_INTS(struct params, height, "height", 1, INT32_MAX),
    T_INTS(struct params, width, "width", 1, INT32_MAX),
    T_END,
};
static const struct text_message memory = { sizeof(struct params), memory_fields };
const struct caffe_layer vn_caffe_memorydata = { .type = "MemoryData",
                                                 .v1 = "MEMORY_DATA",
                                                 .onnx = "an input; the label is removed",
                                                 .param = "memory_data_param",
                                                 .params = &memory,
                                                 .fate = CAFFE_INPUT,
                                                 .max_top = 2,
                                                 .build = build_memory };

/* The size of images in a database is known only where they are cropped: one image of three channels, or
 * one where gray. */
static void build_database(struct caffe_builder *b)
{
    b->unread = 1;
    b->shape[0] =
        b->crop ? vn_shape_of(4, (int64_t[]){ 1, b->gray ? 1 : 3, b->crop, b->crop }) : vn_shape_unknown();
}

#define DATABASE(id, name, v1_name, v0_name) \
    const struct caffe_layer vn_caffe_##id = { .type = name, \
                                               .v1 = v1_name, \
                                               .v0 = v0_name, \
                                               .onnx = "an input; labels are removed", \
                                               .fate = CAFFE_INPUT, \
                                               .max_top = 4, \
                                               .build = build_database }
DATABASE(data, "Data", "DATA", "data");
DATABASE(imagedata, "ImageData", "IMAGE_DATA", "images");
DATABASE(hdf5data, "HDF5Data", "HDF5_DATA", "hdf5_data");
DATABASE(windowdata, "WindowData", "WINDOW_DATA", "window_data");
DATABASE(annotateddata, "AnnotatedData", NULL, NULL);
