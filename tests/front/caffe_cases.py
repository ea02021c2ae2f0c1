"""One network for each layer of Caffe and each way to use it, and what it must compute."""
import numpy as np
from caffe_writer import Net


def rand(*shape, seed=0, low=-1.0, high=1.0):
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape).astype(np.float32)


CASES = {}


def case(name, net, want=None, low=-1.0, high=1.0, tolerance=2e-5):
    """expected: a function of the inputs that gives the outputs in the network's order; None: OpenCV knows; a
    network: what OpenCV makes of that."""
    assert name not in CASES
    CASES[name] = net, want, low, high, tolerance


def one(kind, text="", shape=(2, 4, 5, 6), blobs=()):
    return Net(data=shape).layer(kind, "data", "y", blobs, text)


# ---- functions of one value ----

for kind in ("Sigmoid", "TanH", "AbsVal", "BNLL", "ReLU", "ELU", "Dropout"):
    case(kind, one(kind))
case("ReLU negative_slope", one("ReLU", "relu_param { negative_slope: 0.25 }"))
case("ReLU6", one("ReLU6"), low=-9, high=9)
case("ELU alpha", one("ELU", "elu_param { alpha: 0.5 }"), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)))
case("Power", one("Power", "power_param { power: 3 scale: 0.5 shift: 2 }"))
case("Power 1", one("Power", "power_param { scale: -0.5 shift: 2 }"))
case("Power 0.5", one("Power", "power_param { power: 0.5 }"), low=0.1)
case("Exp", one("Exp", "exp_param { base: 2 scale: 0.5 shift: 1 }"))
case("Exp e", one("Exp"))
case("Log", one("Log", "log_param { base: 10 scale: 2 shift: 3 }"), lambda x: np.log10(2 * x + 3))
case("Log e", one("Log"), np.log, low=0.1)
case("Clip", one("Clip", "clip_param { min: -0.5 max: 0.25 }"), lambda x: x.clip(-0.5, 0.25))
case("Swish", one("Swish", "swish_param { beta: 2 }"), lambda x: x / (1 + np.exp(-2 * x)))
case("Threshold", one("Threshold", "threshold_param { threshold: 0.25 }"), lambda x: x > 0.25)
case("PReLU", one("PReLU", blobs=[rand(4, seed=1)]))
case(
    "PReLU shared",
    one("PReLU", "prelu_param { channel_shared: true }", blobs=[rand(1, seed=1)]),
    lambda x: np.where(x > 0, x, x * rand(1, seed=1)),
)

# ---- convolutions ----


def conv(kind, text, channels, weight, bias=True):
    outputs = weight[1] if kind == "Deconvolution" else weight[0]
    blobs = [rand(*weight, seed=1)] + ([rand(outputs, seed=2)] if bias else [])
    return one(
        kind,
        f"convolution_param {{ {text} {'' if bias else 'bias_term: false'} }}",
        (2, channels, 9, 8),
        blobs,
    )


case("Convolution", conv("Convolution", "num_output: 5 kernel_size: 3 stride: 2 pad: 1", 4, (5, 4, 3, 3)))
case("Convolution 1x1", conv("Convolution", "num_output: 5 kernel_size: 1", 4, (5, 4, 1, 1), bias=False))
case(
    "Convolution _h _w",
    conv(
        "Convolution",
        "num_output: 6 kernel_h: 3 kernel_w: 5 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 2 group: 2",
        4,
        (6, 2, 3, 5),
    ),
)
case(
    "Convolution dilation",
    conv("Convolution", "num_output: 5 kernel_size: 3 dilation: 2 pad: 2", 4, (5, 4, 3, 3)),
)
case("Convolution pad_w only", conv("Convolution", "num_output: 5 kernel_size: 3 pad_w: 1", 4, (5, 4, 3, 3)),
     conv("Convolution", "num_output: 5 kernel_size: 3 pad_h: 0 pad_w: 1", 4, (5, 4, 3, 3)))
case(
    "Convolution fillers",
    conv(
        "Convolution",
        'num_output: 5 kernel_size: 3 weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0.1 } engine: CAFFE',
        4,
        (5, 4, 3, 3),
    ),
)
case(
    "depthwise by group", conv("Convolution", "num_output: 4 kernel_size: 3 pad: 1 group: 4", 4, (4, 1, 3, 3))
)
case(
    "DepthwiseConvolution",
    conv("DepthwiseConvolution", "num_output: 4 kernel_size: 3 pad: 1", 4, (4, 1, 3, 3)),
    conv("Convolution", "num_output: 4 kernel_size: 3 pad: 1 group: 4", 4, (4, 1, 3, 3)),
)
case(
    "ConvolutionDepthwise",
    conv("ConvolutionDepthwise", "num_output: 8 kernel_size: 3 stride: 2", 4, (8, 1, 3, 3)),
    conv("Convolution", "num_output: 8 kernel_size: 3 stride: 2 group: 4", 4, (8, 1, 3, 3)),
)
case("Deconvolution", conv("Deconvolution", "num_output: 5 kernel_size: 4 stride: 2 pad: 1", 4, (4, 5, 4, 4)))
case(
    "Deconvolution group",
    Net(data=(1, 4, 5, 5)).layer(
        "Deconvolution",
        "data",
        "y",
        [rand(4, 1, 4, 4)],
        "convolution_param { num_output: 4 group: 4 kernel_size: 4 stride: 2 pad: 1 bias_term: false }",
    ),
)
case(
    "InnerProduct",
    one(
        "InnerProduct", "inner_product_param { num_output: 7 }", blobs=[rand(7, 120, seed=1), rand(7, seed=2)]
    ),
)
case(
    "InnerProduct of 2 axes",
    one(
        "InnerProduct",
        "inner_product_param { num_output: 7 bias_term: false }",
        (3, 10),
        [rand(7, 10, seed=1)],
    ),
)
case(
    "InnerProduct axis",
    one(
        "InnerProduct",
        "inner_product_param { num_output: 7 axis: 2 }",
        blobs=[rand(7, 30, seed=1), rand(7, seed=2)],
    ),
    lambda x: x.reshape(2, 4, 30) @ rand(7, 30, seed=1).T + rand(7, seed=2),
)
case(
    "InnerProduct axis -1",
    one(
        "InnerProduct",
        "inner_product_param { num_output: 7 axis: -1 bias_term: false }",
        blobs=[rand(7, 6, seed=1)],
    ),
    lambda x: x @ rand(7, 6, seed=1).T,
)
case(
    "InnerProduct transpose",
    one(
        "InnerProduct",
        "inner_product_param { num_output: 7 transpose: true bias_term: false }",
        blobs=[rand(120, 7, seed=1)],
    ),
    lambda x: x.reshape(2, 120) @ rand(120, 7, seed=1),
)

# ---- pooling: windows as Caffe cuts them, one by one ----


def pooled(x, kind, kernel, stride, pad, up=True):
    n, c, *size = x.shape
    count = []
    for i in range(2):
        span = size[i] + 2 * pad[i] - kernel[i]
        k = (-(-span // stride[i]) if up else span // stride[i]) + 1
        if pad[i] and (k - 1) * stride[i] >= size[i] + pad[i]:
            k -= 1
        count.append(k)
    y = np.zeros((n, c, *count), np.float32)
    for i in range(count[0]):
        for j in range(count[1]):
            from_ = [i * stride[0] - pad[0], j * stride[1] - pad[1]]
            to = [min(f + k, s + p) for f, k, s, p in zip(from_, kernel, size, pad)]
            area = (to[0] - from_[0]) * (to[1] - from_[1])
            cells = x[:, :, max(from_[0], 0):min(to[0], size[0]), max(from_[1], 0):min(to[1], size[1])]
            y[:, :, i, j] = cells.max((2, 3)) if kind == "MAX" else cells.sum((2, 3)) / area
    return y


for kind in ("MAX", "AVE", "STOCHASTIC"):
    for kernel, stride, pad in (
        ((2, 2), (2, 2), (0, 0)),
        ((3, 3), (2, 2), (0, 0)),
        ((3, 3), (2, 2), (1, 1)),
        ((3, 3), (1, 1), (1, 1)),
        ((3, 2), (2, 2), (1, 0)),
        ((4, 5), (3, 3), (2, 2)),
        ((5, 5), (4, 4), (2, 1)),
        ((2, 2), (3, 3), (1, 1)),
    ):
        text = f"pooling_param {{ pool: {kind} kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} stride_w: {stride[1]} pad_h: {pad[0]} pad_w: {pad[1]} }}"
        case(f"Pooling {kind} {kernel} {stride} {pad}", one("Pooling", text, (2, 3, 10, 9)),
             lambda x, k=kind, a=(kernel, stride, pad): pooled(x, k, *a))
    mean = kind != "MAX"
    case(f"Pooling {kind} global", one("Pooling", f"pooling_param {{ pool: {kind} global_pooling: true }}"),
         lambda x, m=mean: x.mean((2, 3), keepdims=True) if m else x.max((2, 3), keepdims=True))
case(
    "Pooling round_mode",
    one("Pooling", "pooling_param { kernel_size: 2 stride: 2 round_mode: FLOOR }", (1, 3, 7, 9)),
    lambda x: pooled(x, "MAX", (2, 2), (2, 2), (0, 0), up=False),
)
case(
    "Pooling ceil_mode",
    one(
        "Pooling",
        "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 ceil_mode: false }",
        (1, 3, 8, 8),
    ),
    lambda x: pooled(x, "AVE", (3, 3), (2, 2), (1, 1), up=False),
)
case(
    "Pooling of OpenCV", one("Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }", (2, 3, 8, 8))
)
case(
    "Pooling AVE of OpenCV",
    one("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }", (2, 3, 9, 9)),
)

# ---- normalization ----

stats = [rand(4, seed=1), rand(4, seed=2, low=0.5, high=2), np.float32([2.0])]
case("BatchNorm", one("BatchNorm", blobs=stats))
case(
    "BatchNorm eps",
    one(
        "BatchNorm",
        "batch_norm_param { use_global_stats: true eps: 0.01 moving_average_fraction: 0.99 }",
        blobs=stats,
    ),
)
case(
    "BatchNorm factor 0",
    one("BatchNorm", blobs=[*stats[:2], np.float32([0])]),
    lambda x: x / np.sqrt(1e-5),
    tolerance=1e-4,
)
case(
    "BatchNorm of 2 axes",
    one("BatchNorm", shape=(3, 4), blobs=stats),
    lambda x: (x - stats[0] / 2) / np.sqrt(stats[1] / 2 + 1e-5),
)
case("Scale", one("Scale", "scale_param { bias_term: true }", blobs=[rand(4, seed=1), rand(4, seed=2)]))
case("Scale without bias", one("Scale", blobs=[rand(4, seed=1)]))
case(
    "Scale axes",
    one(
        "Scale",
        "scale_param { axis: 2 num_axes: -1 bias_term: true }",
        blobs=[rand(5, 6, seed=1), rand(5, 6, seed=2)],
    ),
    lambda x: x * rand(5, 6, seed=1) + rand(5, 6, seed=2),
)
case(
    "Scale one number",
    one("Scale", "scale_param { num_axes: 0 }", blobs=[rand(1, seed=1).reshape(())]),
    lambda x: x * rand(1, seed=1),
)
case(
    "Scale by a bottom",
    Net(data=(2, 4, 5, 6), by=(2, 4)).layer("Scale", "data by", "y", text="scale_param { axis: 0 }"),
    lambda x, s: x * s[:, :, None, None],
)
case(
    "Scale by a bottom with bias",
    Net(data=(2, 4, 5, 6), by=(4,)).layer(
        "Scale", "data by", "y", [rand(4, seed=3)], "scale_param { axis: 1 bias_term: true }"
    ),
    lambda x, s: x * s[:, None, None] + rand(4, seed=3)[:, None, None],
)
case("Bias", one("Bias", blobs=[rand(4, seed=1)]), lambda x: x + rand(4, seed=1)[:, None, None])
case(
    "Bias by a bottom",
    Net(data=(2, 4, 5, 6), by=(5, 6)).layer("Bias", "data by", "y", text="bias_param { axis: 2 }"),
    lambda x, s: x + s,
)
case(
    "Axpy",
    Net(a=(2, 4, 1, 1), x=(2, 4, 5, 6), y=(2, 4, 5, 6)).layer("Axpy", "a x y", "z"),
    lambda a, x, y: a * x + y,
)
case(
    "LRN",
    one("LRN", "lrn_param { local_size: 3 alpha: 0.1 beta: 0.75 k: 2 }", (2, 7, 5, 6)),
    lambda x: (
        x
        / (2 + 0.1 / 3 * sum(np.pad(x * x, ((0, 0), (1, 1), (0, 0), (0, 0)))[:, i : i + 7] for i in range(3)))
        ** 0.75
    ),
)
case("LRN of OpenCV", one("LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }", (2, 7, 5, 6)))
case(
    "LRN within",
    one("LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 norm_region: WITHIN_CHANNEL }"),
    lambda x: x / (1 + 0.5 * pooled(x * x, "AVE", (3, 3), (1, 1), (1, 1))) ** 0.75,
)
case("MVN", one("MVN"), lambda x: (x - x.mean((2, 3), keepdims=True)) / (x.std((2, 3), keepdims=True) + 1e-9))
case("MVN across", one("MVN", "mvn_param { across_channels: true eps: 0.01 }"),
     lambda x: (x - x.mean((1, 2, 3), keepdims=True)) / (x.std((1, 2, 3), keepdims=True) + 0.01))
case("MVN mean", one("MVN", "mvn_param { normalize_variance: false }"))
case(
    "Normalize",
    one(
        "Normalize",
        "norm_param { across_spatial: false channel_shared: false scale_filler { type: \"constant\" value: 20 } }",
        blobs=[rand(4, seed=1)],
    ),
)
case("Normalize across", one("Normalize", blobs=[rand(1, seed=1)]),
     lambda x: x / np.sqrt((x * x).sum((1, 2, 3), keepdims=True) + 1e-10) * rand(1, seed=1))
case("Softmax", one("Softmax"))
case(
    "Softmax axis",
    one("Softmax", "softmax_param { axis: -1 }"),
    lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
)

# ---- several bottoms ----

three = {"a": (2, 4, 5, 6), "b": (2, 4, 5, 6), "c": (2, 4, 5, 6)}
case("Eltwise", Net(**three).layer("Eltwise", "a b c", "y"))
case(
    "Eltwise coeff",
    Net(**three).layer(
        "Eltwise", "a b c", "y", text="eltwise_param { operation: SUM coeff: 0.5 coeff: -1 coeff: 2 }"
    ),
)
case("Eltwise PROD", Net(**three).layer("Eltwise", "a b c", "y", text="eltwise_param { operation: PROD }"))
case("Eltwise MAX", Net(**three).layer("Eltwise", "a b c", "y", text="eltwise_param { operation: MAX }"))
case("Concat", Net(a=(2, 4, 5, 6), b=(2, 3, 5, 6)).layer("Concat", "a b", "y"))
case(
    "Concat axis",
    Net(a=(2, 4, 5, 6), b=(2, 4, 5, 2)).layer("Concat", "a b", "y", text="concat_param { axis: -1 }"),
    lambda a, b: np.concatenate([a, b], 3),
)
case(
    "Concat concat_dim",
    Net(a=(2, 4, 5, 6), b=(1, 4, 5, 6)).layer("Concat", "a b", "y", text="concat_param { concat_dim: 0 }"),
    lambda a, b: np.concatenate([a, b]),
)
case(
    "Slice",
    Net(data=(2, 4, 5, 6)).layer(
        "Slice", "data", "a b c", text="slice_param { axis: 1 slice_point: 1 slice_point: 3 }"
    ),
    lambda x: (x[:, :1], x[:, 1:3], x[:, 3:]),
)
case(
    "Slice evenly",
    Net(data=(2, 4, 5, 6)).layer("Slice", "data", "a b", text="slice_param { slice_dim: 3 }"),
    lambda x: (x[..., :3], x[..., 3:]),
)
case("Split", Net(data=(2, 4, 5, 6)).layer("Split", "data", "a b"), lambda x: (x, x))
case(
    "Crop",
    Net(data=(2, 4, 5, 6), like=(2, 4, 3, 2)).layer(
        "Crop", "data like", "y", text="crop_param { axis: 2 offset: 1 offset: 3 }"
    ),
    lambda x, _: x[:, :, 1:4, 3:5],
)
case(
    "Crop one offset",
    Net(data=(2, 4, 5, 6), like=(1, 2, 3, 4)).layer(
        "Crop", "data like", "y", text="crop_param { axis: 1 offset: 1 }"
    ),
    lambda x, _: x[:, 1:3, 1:4, 1:5],
)

# ---- shapes ----

case("Permute", one("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }"))
case("Permute some", one("Permute", "permute_param { order: 2 }"), lambda x: x.transpose(2, 0, 1, 3))
case("Flatten", one("Flatten"))
case("Flatten axes", one("Flatten", "flatten_param { axis: 1 end_axis: 2 }"), lambda x: x.reshape(2, 20, 6))
case("Reshape", one("Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 6 } }"))
case(
    "Reshape axis",
    one("Reshape", "reshape_param { shape { dim: 2 dim: 2 } axis: 1 num_axes: 1 }"),
    lambda x: x.reshape(2, 2, 2, 5, 6),
)
case(
    "Reshape -axis",
    one("Reshape", "reshape_param { shape { dim: 3 dim: -1 } axis: -2 }"),
    lambda x: x.reshape(2, 4, 5, 3, 2),
)
case(
    "Reshape insert",
    one("Reshape", "reshape_param { shape { dim: 1 } axis: 0 num_axes: 0 }"),
    lambda x: x[None],
)
case("Tile", one("Tile", "tile_param { axis: 2 tiles: 3 }"), lambda x: np.tile(x, (1, 1, 3, 1)))
case("ShuffleChannel", one("ShuffleChannel", "shuffle_channel_param { group: 2 }"))
case("Reduction", one("Reduction"), lambda x: x.sum(), tolerance=1e-4)
for op, f in (("SUM", lambda x: x), ("ASUM", abs), ("SUMSQ", np.square), ("MEAN", lambda x: x / 30)):
    case(
        f"Reduction {op}",
        one("Reduction", f"reduction_param {{ operation: {op} axis: 2 coeff: 0.5 }}"),
        lambda x, f=f: 0.5 * f(x).sum((2, 3)),
    )
case("ArgMax axis", one("ArgMax", "argmax_param { axis: 1 }"), lambda x: x.argmax(1)[:, None])
case(
    "ArgMax values",
    one("ArgMax", "argmax_param { axis: 1 out_max_val: true }"),
    lambda x: x.max(1, keepdims=True),
)
case(
    "ArgMax top_k", one("ArgMax", "argmax_param { axis: -1 top_k: 3 }"), lambda x: np.argsort(-x, -1)[..., :3]
)
case("ArgMax whole", one("ArgMax"), lambda x: x.reshape(2, 1, -1).argmax(2)[..., None])
case("ArgMax whole top_k", one("ArgMax", "argmax_param { top_k: 2 out_max_val: true }"),
     lambda x: np.stack([np.argsort(-x.reshape(2, -1))[:, :2], -np.sort(-x.reshape(2, -1))[:, :2]], 1))


def interpolated(x, h, w):
    """Bilinear, corners on corners."""
    def along(x, axis, n):
        at = np.arange(n) * ((x.shape[axis] - 1) / (n - 1) if n > 1 else 0)
        low = np.floor(at).astype(int).clip(0, x.shape[axis] - 1)
        high, part = (
            (low + 1).clip(0, x.shape[axis] - 1),
            (at - low).reshape([-1 if i == axis else 1 for i in range(4)]),
        )
        return x.take(low, axis) * (1 - part) + x.take(high, axis) * part
    return along(along(x, 2, h), 3, w)


case("Interp", one("Interp", "interp_param { height: 9 width: 4 }"), lambda x: interpolated(x, 9, 4))
case("Interp zoom", one("Interp", "interp_param { zoom_factor: 3 }"), lambda x: interpolated(x, 13, 16))
case(
    "Interp shrink",
    one("Interp", "interp_param { shrink_factor: 2 }", (1, 2, 9, 7)),
    lambda x: interpolated(x, 5, 4),
)
case(
    "Interp shrink and zoom",
    one("Interp", "interp_param { shrink_factor: 2 zoom_factor: 3 }", (1, 2, 9, 7)),
    lambda x: interpolated(x, 13, 10),
)
case(
    "Interp pads",
    one("Interp", "interp_param { height: 9 width: 4 pad_beg: -1 pad_end: -2 }"),
    lambda x: interpolated(x[:, :, 1:-2, 1:-2], 9, 4),
)
case(
    "Interp like a bottom",
    Net(data=(1, 2, 4, 5), like=(1, 3, 7, 9)).layer("Interp", "data like", "y"),
    lambda x, _: interpolated(x, 7, 9),
)
case("Upsample", one("Upsample", "upsample_param { scale: 3 }"), lambda x: x.repeat(3, 2).repeat(3, 3))
case(
    "Upsample size",
    one("Upsample", "upsample_param { upsample_h: 10 upsample_w: 12 }"),
    lambda x: x.repeat(2, 2).repeat(2, 3),
)


def unpooled(x):
    y = np.zeros_like(x)
    cells = x.reshape(2, 4, 3, 2, 4, 2).transpose(0, 1, 2, 4, 3, 5).reshape(2, 4, 3, 4, 4)
    place = cells.argmax(-1)
    i, j = np.indices((3, 4))
    for n in range(2):
        for c in range(4):
            y[n, c, 2 * i + place[n, c] // 2, 2 * j + place[n, c] % 2] = cells[n, c].max(-1)
    return y


case(
    "Upsample mask",
    Net(data=(2, 4, 6, 8))
    .layer("Pooling", "data", "pool mask", text="pooling_param { kernel_size: 2 stride: 2 }")
    .layer("Upsample", "pool mask", "y", text="upsample_param { scale: 2 }"),
    unpooled,
)

# ---- boxes ----


def prior_boxes(text):
    return Net(data=(1, 4, 3, 5), image=(1, 3, 60, 100)).layer(
        "PriorBox", "data image", "y", text=f"prior_box_param {{ {text} }}"
    )


case(
    "PriorBox",
    prior_boxes(
        "min_size: 20 max_size: 45 aspect_ratio: 2 aspect_ratio: 3 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 clip: false"
    ),
)
case(
    "PriorBox clip",
    prior_boxes(
        "min_size: 20 min_size: 30 aspect_ratio: 1 aspect_ratio: 2 flip: false clip: true offset: 0.25 variance: 0.1"
    ),
)
case(
    "PriorBox step",
    prior_boxes("min_size: 20 step: 16 img_size: 80 flip: true aspect_ratio: 1.5"),
    lambda x, _: prior_step(),
)


def prior_step():
    rows = []
    for i in range(3):
        for j in range(5):
            for ratio in (1, 1.5, 1 / 1.5):
                cx, cy, w, h = (j + 0.5) * 16, (i + 0.5) * 16, 20 * ratio ** 0.5 / 2, 20 / ratio ** 0.5 / 2
                rows += [(cx - w) / 80, (cy - h) / 80, (cx + w) / 80, (cy + h) / 80]
    return np.stack([rows, np.full(len(rows), 0.1)])[None]


# ---- detections: 15 default boxes, 3 classes, class 0 the background ----

def default_boxes(boxes=15):
    rng = np.random.default_rng(3)
    centre, size = rng.uniform(0.2, 0.8, (boxes, 2)), rng.uniform(0.1, 0.4, (boxes, 2))
    return np.stack(
        [
            np.concatenate([centre - size / 2, centre + size / 2], 1).ravel(),
            np.tile([0.1, 0.1, 0.2, 0.2], boxes),
        ]
    )[None].astype(np.float32)


def decoded(loc, prior, code, encoded):
    p, v = prior.reshape(2, -1, 4).astype(np.float64)
    d = loc.reshape(len(loc), -1, 4) * (1 if encoded else v)
    size = np.stack([p[:, 2] - p[:, 0], p[:, 3] - p[:, 1]], 1)
    if code != "CENTER_SIZE":
        return p + d * (1 if code == "CORNER" else np.tile(size, 2))
    centre, half = d[..., :2] * size + (p[:, :2] + p[:, 2:]) / 2, np.exp(d[..., 2:]) * size / 2
    return np.concatenate([centre - half, centre + half], -1)


def overlap(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = w * h if w > 0 and h > 0 else 0
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def detections(
    loc,
    conf,
    prior,
    code="CENTER_SIZE",
    encoded=False,
    classes=3,
    background=0,
    nms=0.3,
    top_k=100,
    keep=10,
    least=0.4,
):
    boxes, rows = decoded(loc, prior, code, encoded), []
    top_k = min(top_k, boxes.shape[1])
    for n, scores in enumerate(conf.reshape(len(loc), -1, classes)):
        found = []
        for c in set(range(classes)) - {background}:
            mine = []
            for i in np.argsort(-scores[:, c], kind="stable")[:top_k]:
                if scores[i, c] > least and all(overlap(boxes[n, i], boxes[n, j]) <= nms for j in mine):
                    mine.append(i)
            found += [[n, c, scores[i, c], *boxes[n, i]] for i in mine]
        best = sorted(sorted(range(len(found)), key=lambda i: -found[i][2])[:keep])
        rows += [found[i] for i in best] + [[n] + [-1] * 6] * (keep - len(best))
    return np.array(rows)[None, None]


def detector(text, pictures=2):
    inputs = {"loc": (pictures, 60), "conf": (pictures, 45), "prior": (1, 2, 60)}
    return Net(**inputs).layer(
        "DetectionOutput", "loc conf prior", "y", text=f"detection_output_param {{ num_classes: 3 {text} }}"
    )


def boxes_fed(loc, conf, prior):
    """Scores are positive, and default boxes are boxes."""
    return {"loc": loc, "conf": abs(conf), "prior": default_boxes()}


for code in ("CORNER", "CENTER_SIZE", "CORNER_SIZE"):
    for encoded in (False, True):
        case(
            f"DetectionOutput {code} {encoded}",
            detector(
                f"code_type: {code} variance_encoded_in_target: {str(encoded).lower()} keep_top_k: 10 "
                "confidence_threshold: 0.4 nms_param { nms_threshold: 0.3 top_k: 100 }"
            ),
            lambda l, c, p, code=code, e=encoded: detections(l, c, p, code, e),
        )
case(
    "DetectionOutput few",
    detector(
        "code_type: CENTER_SIZE keep_top_k: 4 confidence_threshold: 0.1 nms_param { nms_threshold: 0.6 top_k: 7 }"
    ),
    lambda l, c, p: detections(l, c, p, nms=0.6, top_k=7, keep=4, least=0.1),
)
case(
    "DetectionOutput nothing",
    detector("code_type: CENTER_SIZE keep_top_k: 4 confidence_threshold: 2", 1),
    lambda l, c, p: detections(l, c, p, keep=4, least=2),
)
case(
    "DetectionOutput all classes",
    detector("code_type: CENTER_SIZE keep_top_k: 200 background_label_id: -1 confidence_threshold: 0.01"),
    lambda l, c, p: detections(l, c, p, background=-1, keep=45, least=0.01),
)
