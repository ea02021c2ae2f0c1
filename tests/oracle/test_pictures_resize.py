"""Resizing against the libraries themselves, over random sizes in both directions."""
import itertools
import random

import numpy as np
import pictures
import pytest
from pictures import noise

PIL = pytest.importorskip("PIL")
from PIL import Image  # noqa: E402

PILLOW = [int(x) for x in PIL.__version__.split(".")[:2]]
PILLOW_FILTERS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]


@pytest.fixture(scope="module")
def our():
    return pictures.fixture()


def sizes(seed, n=40, least=1, most=160):
    """n tuples (h, w, new h, new w): any, and some with one side kept, odd ratios, whole ratios."""
    pick = random.Random(seed)
    for i in range(n):
        h, w = pick.randint(least, most), pick.randint(least, most)
        nh, nw = pick.randint(1, most), pick.randint(1, most)
        if i % 8 == 0:
            nh = h
        elif i % 8 == 1:
            nw = w
        elif i % 8 == 2:
            k = pick.randint(1, 4)
            nh, nw = max(1, h // k), max(1, w // k)
            h, w = nh * k, nw * k
        elif i % 8 == 3:
            nh, nw = h * 2, w * 2
        yield h, w, nh, nw


def equal(got, want, what, most=0):
    assert got.shape == want.shape and got.dtype == want.dtype, (
        f"{what}: {got.shape} {got.dtype}, want {want.shape} {want.dtype}"
    )
    d = np.abs(got.astype(np.int64) - want)
    assert d.max() <= most, f"{what}: {int((d > most).sum())} of {d.size} differ by up to {d.max()}"
    return d


def near(got, want, what, relative=1e-6):
    """Relative to the largest value: single values may cancel."""
    assert got.shape == want.shape, f"{what}: {got.shape}, want {want.shape}"
    d = np.abs(got.astype(np.float64) - want).max() / max(np.abs(want).max(), 1e-30)
    assert d <= relative, f"{what}: {d:.3g}"


@pytest.mark.parametrize("interpolation", PILLOW_FILTERS)
@pytest.mark.parametrize("mode", ["RGB", "L", "F"])
def test_pillow(our, interpolation, mode):
    rng = np.random.default_rng(1)
    for h, w, nh, nw in sizes(1):
        x = noise(rng, h, w, 3 if mode == "RGB" else 1, np.float32 if mode == "F" else np.uint8)
        want = np.asarray(Image.fromarray(x).resize((nw, nh), Image.Resampling[interpolation.upper()]))
        got = our.resize(x, "pillow", interpolation, (nw, nh), version=PIL.__version__)
        (near if mode == "F" else equal)(got, want, f"{interpolation} {mode} {w}x{h} to {nw}x{nh}")


@pytest.mark.parametrize("interpolation", PILLOW_FILTERS[1:])
def test_pillow_versions(our, interpolation):
    """Up to 12 the horizontal pass always came first: one axis at a time is the same in all versions."""
    rng, differ = np.random.default_rng(2), 0
    f = Image.Resampling[interpolation.upper()]
    for h, w, nh, nw in sizes(2):
        x = noise(rng, h, w)
        want = np.asarray(Image.fromarray(x).resize((nw, h), f).resize((nw, nh), f))
        got = our.resize(x, "pillow", interpolation, (nw, nh), version="12.2")
        equal(got, want, f"{interpolation} {w}x{h} to {nw}x{nh}")
        differ += (our.resize(x, "pillow", interpolation, (nw, nh)) != got).any()
    assert differ, "both versions gave the same everywhere"


@pytest.mark.parametrize("interpolation", PILLOW_FILTERS)
def test_pillow_box_and_reducing_gap(our, interpolation):
    rng, pick = np.random.default_rng(3), random.Random(3)
    f = Image.Resampling[interpolation.upper()]
    for h, w, nh, nw in sizes(3, 30, 8):
        x = noise(rng, h, w)
        gap = pick.choice([1.0, 2.0, 3.0])
        equal(
            our.call("resize_box", interpolation, PIL.__version__, nw, nh, gap, picture=x),
            np.asarray(Image.fromarray(x).resize((nw, nh), f, reducing_gap=gap)),
            f"{interpolation} {w}x{h} to {nw}x{nh} gap {gap}",
        )
        x0, y0 = pick.uniform(0, w / 2), pick.uniform(0, h / 2)
        box = (x0, y0, pick.uniform(x0 + 1, w), pick.uniform(y0 + 1, h))
        want = np.asarray(Image.fromarray(x).resize((nw, nh), f, box=box))
        equal(
            our.call("resize_box", interpolation, PIL.__version__, nw, nh, 0, *map(repr, box), picture=x),
            want,
            f"{interpolation} {w}x{h} box {box}",
        )


OPENCV = {
    "nearest": 0,
    "nearest_exact": 6,
    "linear": 1,
    "linear_exact": 5,
    "area": 3,
    "cubic": 2,
    "lanczos4": 4,
}  # cv2.INTER_*


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("interpolation", OPENCV)
def test_opencv_uint8(our, interpolation, channels):
    cv2 = pytest.importorskip("cv2")
    rng, differ, values = np.random.default_rng(5), 0, 0
    for h, w, nh, nw in sizes(5, 120):
        x = noise(rng, h, w, channels)
        want = cv2.resize(x, (nw, nh), interpolation=OPENCV[interpolation])
        got = our.resize(x, "opencv", interpolation, (nw, nh), version=cv2.__version__)
        # cubic: the library hands all but 2 channels to IPP, whose weights are not known to the last bit
        d = equal(
            got,
            want,
            f"{interpolation} {w}x{h}x{channels} to {nw}x{nh}",
            int(interpolation == "cubic" and channels != 2),
        )
        differ, values = differ + (d > 0).sum(), values + d.size
    assert differ <= values / 50000, f"{differ} of {values}"


def test_opencv_nearest_exact_versions(our):
    """5 advances by repeated addition, as Pillow: where the version at hand is another one, Pillow stands for
    it."""
    rng, differ = np.random.default_rng(12), 0
    for h, w, nh, nw in sizes(12, 60):
        x = noise(rng, h, w)
        got = our.resize(x, "opencv", "nearest_exact", (nw, nh), version="5.0")
        equal(
            got,
            np.asarray(Image.fromarray(x).resize((nw, nh), Image.Resampling.NEAREST)),
            f"{w}x{h} to {nw}x{nh}",
        )
        differ += (our.resize(x, "opencv", "nearest_exact", (nw, nh), version="4.13") != got).any()
    assert differ, "both versions gave the same everywhere"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("interpolation", OPENCV)
def test_opencv_float(our, interpolation, channels):
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(6)
    for h, w, nh, nw in sizes(6, 80):
        x = noise(rng, h, w, channels, np.float32)
        want = cv2.resize(x, (nw, nh), interpolation=OPENCV[interpolation])
        near(
            our.resize(x, "opencv", interpolation, (nw, nh), version=cv2.__version__),
            want,
            f"{interpolation} {w}x{h}x{channels} to {nw}x{nh}",
        )


# at order 0, whether it filters without being asked (-1) depends on the type
SKIMAGE = set(itertools.product([0, 1, 3], [0, 1, -1], [np.uint8, np.uint16, np.float32]))
SKIMAGE = sorted(SKIMAGE - {(0, -1, np.float32)}, key=str)


@pytest.mark.parametrize("order,antialias,dtype", SKIMAGE)
def test_skimage(our, order, antialias, dtype):
    transform = pytest.importorskip("skimage.transform")
    rng, differ, values = np.random.default_rng(7), 0, 0
    for h, w, nh, nw in sizes(7, 40):
        x = noise(rng, h, w, 3, dtype)
        want = transform.resize(
            x, (nh, nw), order=order, anti_aliasing={0: False, 1: True, -1: None}[antialias]
        )
        got = our.resize(x, "skimage", f"order{order}", (nw, nh), antialias)
        assert got.dtype == (dtype if order == 0 else np.float32)
        if order == 0 and dtype != np.float32:
            # the filter cuts off behind the point, and NumPy's exp differs from CPU to CPU in the last bit
            d = equal(got, want, f"order 0 {w}x{h} to {nw}x{nh}", int(antialias == 1))
            differ, values = differ + (d > 0).sum(), values + d.size
        else:
            near(got, want, f"order {order} {w}x{h} to {nw}x{nh}")
    assert differ <= values / 50000, f"{differ} of {values}"


TORCHVISION = r"""
import sys, numpy as np, torch, torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode as M
cases = np.load(sys.argv[1])
out = {}
for key in cases:
    name, nh, nw, antialias = key.split("_")[1:]
    x = torch.from_numpy(cases[key].transpose(2, 0, 1).copy())
    out[key] = F.resize(x, [int(nh), int(nw)], M[name.upper()], antialias=bool(int(antialias))).numpy().transpose(1, 2, 0)
np.savez(sys.argv[2], **out)
"""


TORCH_MODES = [("nearest", 0), ("bilinear", 0), ("bilinear", 1), ("bicubic", 0), ("bicubic", 1)]


def torch_cases(interpolation, antialias, dtype, channels):
    rng = np.random.default_rng(8)
    return {
        f"{i} {dtype} {channels}_{interpolation}_{nh}_{nw}_{antialias}": noise(
            rng, h, w, channels, np.dtype(dtype)
        ).reshape(h, w, channels)
        for i, (h, w, nh, nw) in enumerate(sizes(8, 60))
    }


@pytest.fixture(scope="module")
def torch_answers(tmp_path_factory):
    """All at once: importing torch takes longer than resizing."""
    cases = {}
    for mode in TORCH_MODES:
        for dtype in "uint8", "float32":
            for channels in 1, 3, 4:
                cases |= torch_cases(*mode, dtype, channels)
    return pictures.with_torchvision(TORCHVISION, cases, tmp_path_factory.mktemp("torch"))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("interpolation,antialias", TORCH_MODES)
def test_torchvision_tensors(our, torch_answers, interpolation, antialias, dtype, channels):
    """Every bit, of float32 too: the order of its sums is known. One channel has a kernel of its own for
    bilinear."""
    for key, x in torch_cases(interpolation, antialias, dtype, channels).items():
        nh, nw = map(int, key.split("_")[2:4])
        got = our.resize(x, "torchvision", interpolation, (nw, nh), antialias).reshape(nh, nw, channels)
        bits = np.uint32 if dtype == "float32" else np.uint8
        zero = got.dtype.type(0)  # + 0: there is one zero only
        equal((got + zero).view(bits), (torch_answers[key] + zero).view(bits), f"{key} from {x.shape}")


RULES = [("opencv", f, -1) for f in OPENCV] + [("pillow", f, -1) for f in PILLOW_FILTERS]
RULES += [
    ("torchvision", "bilinear", 0),
    ("torchvision", "bilinear", 1),
    ("torchvision", "bicubic", 0),
    ("torchvision", "bicubic", 1),
]
RULES += [("skimage", "order1", 1), ("skimage", "order3", 0)]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("library,interpolation,antialias", RULES)
def test_same_on_every_cpu(our, library, interpolation, antialias, dtype):
    """C alone gives the same bytes."""
    plain, rng = pictures.Pictures(0), np.random.default_rng(9)
    wide = [(9, 700, 30, 1500), (40, 1500, 11, 640), (64, 96, 32, 48), (60, 90, 15, 30)]
    for h, w, nh, nw in [*sizes(9, 16), *wide[: 4 if library == "opencv" else 1]]:
        for channels in 1, 2, 3, 4:
            x = noise(rng, h, w, channels, dtype)
            words = library, interpolation, (nw, nh), antialias
            got, want = our.resize(x, *words), plain.resize(x, *words)
            assert got.tobytes() == want.tobytes(), f"{words} from {w}x{h}x{channels}"
