"""The preprocessing by its definition, in NumPy and float64: BT.601 as the standard has it, no clamping."""
import numpy as np

PAIRS = [
    ("yuv444", "nv12"),
    ("yuv444", "yuv444"),
    *[(t, r) for t in ("rgb", "bgr") for r in ("nv12", "yuv444", "rgb", "bgr")],
    ("gray", "gray"),
]
NORMS = ("no_preprocess", "data_mean", "data_scale", "data_mean_and_scale")


def yuv_to_rgb(yuv, video):
    y, u, v = (np.asarray(c, np.float64) for c in yuv)
    if video:
        y, u, v = (y - 16) * 255 / 219, (u - 128) * 255 / 224, (v - 128) * 255 / 224
    else:
        u, v = u - 128, v - 128
    r, b = y + 2 * (1 - 0.299) * v, y + 2 * (1 - 0.114) * u
    return np.stack([r, (y - 0.299 * r - 0.114 * b) / 0.587, b])


def rgb_to_yuv(rgb):
    """Full range, rounded to bytes: what a camera gives."""
    r, g, b = (np.asarray(c, np.float64) for c in rgb)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.clip(np.rint(np.stack([y, 128 + (b - y) / 1.772, 128 + (r - y) / 1.402])), 0, 255).astype(
        np.uint8
    )


def share_chroma(yuv):
    """What NV12 keeps: one chroma pair for 2 x 2 pixels, here that of the upper left one."""
    out = yuv.copy()
    out[1:] = yuv[1:, ::2, ::2].repeat(2, 1).repeat(2, 2)
    return out


def runtime_bytes(pixels, rt, layout):
    """Raw bytes of C x H x W runtime pixels, as a device gives them."""
    if rt == "nv12":
        return pixels[0].tobytes() + pixels[1:, ::2, ::2].transpose(1, 2, 0).tobytes()
    return (pixels if layout == "NCHW" else pixels.transpose(1, 2, 0)).tobytes()


def to_training(pixels, rt, train, video=False):
    """C x H x W runtime pixels to training values, float64."""
    x = pixels.astype(np.float64)
    if rt in ("nv12", "yuv444") and train in ("rgb", "bgr"):
        x = yuv_to_rgb(x, video)
        return x if train == "rgb" else x[::-1]
    return x[::-1] if {rt, train} == {"rgb", "bgr"} else x


def normalise(x, mean, scale):
    c = lambda v, default: np.array([float(n) for n in v.split()] if v else [default]).reshape(-1, 1, 1)
    return (x - c(mean, 0)) * c(scale, 1)
