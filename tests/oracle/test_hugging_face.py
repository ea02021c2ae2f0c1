"""Pipelines against the image processors of Hugging Face's transformers, the slow ones (NumPy and Pillow):
PROCESSORS is the table of docs/images.md."""

import os
import random

import numpy as np
import pictures
import pytest
import tool

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TRANSFORMERS_NO_ADVISORY_WARNINGS="1")
transformers = pytest.importorskip("transformers")
Image = pytest.importorskip("PIL.Image")
PILLOW = ".".join(Image.__version__.split(".")[:2])

NORMALISE = {
    "imagenet": "normalise divide=255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225",
    "clip": "normalise divide=255 mean=0.48145466,0.4578275,0.40821073 std=0.26862954,0.26130258,0.27577711",
    "half": "normalise divide=255 mean=0.5 std=0.5",
    "divide": "normalise divide=255",
    "half twice": "normalise divide=255 mean=0.5 std=0.5; normalise std=0.5",
    "from -1 twice": "normalise divide=127.5 mean=1; normalise mean=0.5 std=0.5; normalise std=0.5",
}

# processor, what it is told, steps of pixels, how they become values, what comes after that
PROCESSORS = [
    ("CLIP", {}, "short_side 224 interpolation=bicubic; center_crop 224 rounding=floor", "clip", ""),
    ("ViT", {}, "resize 224", "half", ""),
    ("DeiT", {}, "resize 256 interpolation=bicubic; center_crop 224 rounding=floor", "half", ""),
    ("Beit", {}, "resize 256 interpolation=bicubic; center_crop 224 rounding=floor", "half", ""),
    (
        "Bit",
        {"size": {"shortest_edge": 256}},
        "short_side 256 interpolation=bicubic; center_crop 224 rounding=floor",
        "clip",
        "",
    ),
    ("Pvt", {}, "resize 224", "imagenet", ""),
    (
        "ConvNext",
        {"size": {"shortest_edge": 224}, "crop_pct": 0.875},
        "short_side 256; center_crop 224 rounding=floor",
        "half",
        "",
    ),
    ("ConvNext", {"size": {"shortest_edge": 384}}, "resize 384", "half", ""),
    ("Levit", {}, "short_side 256 interpolation=bicubic; center_crop 224 rounding=floor", "imagenet", ""),
    ("MobileViT", {}, "short_side 224; center_crop 256 rounding=floor pad=true; swap", "divide", ""),
    ("MobileNetV2", {}, "short_side 256; center_crop 224 rounding=floor", "half", ""),
    (
        "PoolFormer",
        {},
        "short_side 248 interpolation=bicubic; center_crop 224 rounding=floor",
        "imagenet",
        "",
    ),
    ("EfficientNet", {}, "resize 346 interpolation=nearest", "half twice", ""),
    (
        "EfficientNet",
        {"do_center_crop": True, "rescale_factor": 1 / 127.5, "rescale_offset": True},
        "resize 346 interpolation=nearest; center_crop 289 rounding=floor",
        "from -1 twice",
        "",
    ),
    ("Segformer", {}, "resize 512", "imagenet", ""),
    ("Detr", {}, "resize 800 1333 rule=short_long", "imagenet", ""),
    (
        "Detr",
        {"size": {"max_height": 300, "max_width": 400}, "pad_size": {"height": 300, "width": 400}},
        "resize 400 300 rule=fit",
        "imagenet",
        "pad_to 400 300 position=top_left",
    ),
    ("GroundingDino", {}, "resize 800 1333 rule=short_long", "imagenet", ""),
    ("RTDetr", {}, "resize 640", "divide", ""),
    ("Yolos", {}, "resize 800 1333 rule=short_long_yolos multiple=16", "imagenet", ""),
    ("GLPN", {}, "resize 1 rule=scale multiple=32", "divide", ""),
    ("DPT", {}, "resize 384 interpolation=bicubic", "half", ""),
    (
        "DPT",
        {"size": {"height": 518, "width": 518}, "ensure_multiple_of": 28},
        "resize 518 rule=each_scale interpolation=bicubic multiple=28 rounding=round",
        "half",
        "",
    ),
    (
        "DPT",
        {"size": {"height": 384, "width": 512}, "keep_aspect_ratio": True, "ensure_multiple_of": 32},
        "resize 512 384 rule=least_scale interpolation=bicubic multiple=32 rounding=round",
        "half",
        "",
    ),
    (
        "DPT",
        {
            "size": {"height": 100, "width": 150},
            "keep_aspect_ratio": True,
            "do_pad": True,
            "size_divisor": 14,
        },
        "resize 150 100 rule=least_scale interpolation=bicubic rounding=round",
        "half",
        "pad_multiple 14",
    ),
    ("Sam", {}, "resize 1024 rule=fit_half_up", "imagenet", "pad_to 1024 position=top_left"),
    ("Mask2Former", {}, "short_side 800 1333 multiple=32 rounding=ceil", "imagenet", ""),
    ("MaskFormer", {}, "short_side 800 1333 multiple=32 rounding=ceil", "imagenet", ""),
    ("OwlViT", {}, "resize 768 interpolation=bicubic", "clip", ""),
    ("Siglip", {}, "resize 224 interpolation=bicubic", "half", ""),
    ("Blip", {}, "resize 384 interpolation=bicubic", "clip", ""),
]

# the same rules with small targets, on many sizes
SMALL = [
    (
        "CLIP",
        {"size": {"shortest_edge": 31}, "crop_size": {"height": 40, "width": 25}},
        "short_side 31 interpolation=bicubic; center_crop 25 40 rounding=floor pad=true",
        "clip",
        "",
    ),
    (
        "MobileViT",
        {"size": {"shortest_edge": 20}, "crop_size": 33},
        "short_side 20; center_crop 33 rounding=floor pad=true; swap",
        "divide",
        "",
    ),
    (
        "PoolFormer",
        {"size": {"shortest_edge": 30}, "crop_size": 29},
        "short_side 33 interpolation=bicubic; center_crop 29 rounding=floor",
        "imagenet",
        "",
    ),
    (
        "EfficientNet",
        {"size": {"height": 20, "width": 33}},
        "resize 33 20 interpolation=nearest",
        "half twice",
        "",
    ),
    (
        "Detr",
        {"size": {"shortest_edge": 40, "longest_edge": 59}},
        "resize 40 59 rule=short_long",
        "imagenet",
        "",
    ),
    (
        "Yolos",
        {"size": {"shortest_edge": 70, "longest_edge": 120}},
        "resize 70 120 rule=short_long_yolos multiple=16",
        "imagenet",
        "",
    ),
    ("GLPN", {"size_divisor": 7}, "resize 1 rule=scale multiple=7", "divide", ""),
    (
        "DPT",
        {"size": {"height": 30, "width": 47}, "ensure_multiple_of": 4, "do_pad": True, "size_divisor": 9},
        "resize 47 30 rule=each_scale interpolation=bicubic multiple=4 rounding=round",
        "half",
        "pad_multiple 9",
    ),
    (
        "DPT",
        {"size": {"height": 40, "width": 47}, "keep_aspect_ratio": True},
        "resize 47 40 rule=least_scale interpolation=bicubic rounding=round",
        "half",
        "",
    ),
    (
        "Sam",
        {"size": {"longest_edge": 37}, "pad_size": {"height": 41, "width": 38}},
        "resize 37 rule=fit_half_up",
        "imagenet",
        "pad_to 38 41 position=top_left",
    ),
    (
        "Mask2Former",
        {"size": {"shortest_edge": 40, "longest_edge": 60}, "size_divisor": 8},
        "short_side 40 60 multiple=8 rounding=ceil",
        "imagenet",
        "",
    ),
]


def name_of(case):
    said = ", ".join(f"{k}={round(v, 5) if isinstance(v, float) else v}" for k, v in case[1].items())
    return f"{case[0]}({said})" if said else case[0]


def joined(*steps):
    return "; ".join(s for s in steps if s)


def of_this_pillow(pipeline):
    return "; ".join(
        s + f" version={PILLOW}" if s.startswith(("resize", "short_side")) else s
        for s in pipeline.split("; ")
    )


def drawings(folder, seed, sizes):
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for i, (w, h) in enumerate(sizes):
        Image.fromarray(pictures.noise(rng, h, w)).save(folder / f"{i:03d}.png")
    return sorted(folder.iterdir())


def sizes(seed, n, least, most):
    """Tall, wide and square ones among them."""
    pick = random.Random(seed)
    some = [(pick.randint(least, most), pick.randint(least, most)) for _ in range(n)]
    return [*some, (least, most // 2), (most // 2, least), (most // 3, most // 3)]


def compare(tmp_path, case, paths):
    name, options, pixels, values, after = case
    make = getattr(transformers, f"{name}ImageProcessor")
    no_values = {
        "do_rescale": False,
        "do_normalize": False,
        **({"include_top": False} if name == "EfficientNet" else {}),
    }
    for stage, pipeline, theirs in (("pixels", joined(pixels, after), make(**options, **no_values)),
                                    ("values", joined(pixels, NORMALISE[values], after), make(**options))):
        tool.run(
            "prep",
            paths[0].parent,
            "--pipeline",
            joined(of_this_pillow(pipeline), "layout CHW"),
            "-o",
            tmp_path / stage,
            want=tool.DONE,
        )
        for path in paths:
            want, got = (
                np.asarray(theirs(Image.open(path))["pixel_values"][0]),
                np.load(tmp_path / stage / f"{path.stem}.npy"),
            )
            what = f"{name_of(case)}: {stage} of {Image.open(path).size}: {got.dtype} {got.shape}, want {want.dtype} {want.shape}"
            assert (
                got.dtype == want.dtype == (np.uint8 if stage == "pixels" else np.float32)
                and got.shape == want.shape
            ), what
            assert np.array_equal(got, want), (
                f"{what}: {(got != want).sum()} of {got.size}, by up to {np.abs(got.astype(float) - want).max()}"
            )


@pytest.mark.parametrize("case", PROCESSORS, ids=name_of)
def test_as_published(tmp_path, case):
    compare(tmp_path, case, drawings(tmp_path / "in", len(case[2]), sizes(len(case[2]), 5, 60, 700)))


@pytest.mark.parametrize("case", SMALL, ids=name_of)
def test_many_sizes(tmp_path, case):
    compare(tmp_path, case, drawings(tmp_path / "in", len(case[2]), sizes(len(case[2]), 60, 20, 110)))


@pytest.mark.parametrize("case", PROCESSORS, ids=name_of)
def test_the_page_says_it(case):
    name, _, pixels, values, after = case
    page = (tool.ROOT / "docs/images.md").read_text()
    steps = joined(pixels, values, after)
    assert f"| {name_of(case)} | `{steps}` |\n" in page
    assert f"`{values}` is `{NORMALISE[values]}`" in page


# ---- sizes alone, by the functions of the library ----

def detr(w, h, short, most):
    from transformers.image_transforms import get_size_with_aspect_ratio
    return get_size_with_aspect_ratio((h, w), short, most)


def yolos(w, h, short, most, mod):
    from transformers.models.yolos.image_processing_yolos import get_size_with_aspect_ratio
    return get_size_with_aspect_ratio((h, w), short, most, mod)


def dpt(w, h, tw, th, multiple, keep=True):
    from transformers.models.dpt.image_processing_dpt import get_resize_output_image_size
    return get_resize_output_image_size(np.empty((h, w, 3), np.uint8), (th, tw), keep, multiple)


def dpt_stretched(w, h, tw, th, multiple):
    return dpt(w, h, tw, th, multiple, keep=False)


def mask2former(w, h, short, most, multiple):
    from transformers.models.mask2former.image_processing_mask2former import (
        get_mask2former_resize_output_image_size as size,
    )

    return size(np.empty((h, w, 3), np.uint8), short, most, multiple, default_to_square=False)


def sam(w, h, longest, _):
    return transformers.SamImageProcessor()._get_preprocess_shape((h, w), longest)


def largest(w, h, tw, th):
    from transformers.models.detr.image_processing_detr import get_image_size_for_max_height_width
    return get_image_size_for_max_height_width(np.empty((h, w, 3), np.uint8), th, tw)


@pytest.mark.parametrize(
    "rule,theirs,multiple,rounding",
    [
        ("short_long", detr, 1, "floor"),
        ("short_long_yolos", yolos, 1, "floor"),
        ("short_long_yolos", yolos, 16, "floor"),
        ("least_scale", dpt, 1, "round"),
        ("least_scale", dpt, 14, "round"),
        ("each_scale", dpt_stretched, 1, "round"),
        ("each_scale", dpt_stretched, 4, "round"),
        ("short_side", mask2former, 32, "ceil"),
        ("fit_half_up", sam, 1, "floor"),
        ("fit", largest, 1, "floor"),
    ],
)
def test_sizes(rule, theirs, multiple, rounding):
    our, pick = pictures.fixture(), random.Random(11)
    for i in range(1500):
        w, h, a = pick.randint(20, 400), pick.randint(20, 400), pick.randint(50, 200)
        b = a if rule == "fit_half_up" else a + pick.randint(1, 300)
        if i % 3 == 0:  # where rounding may leave the shorter side as it is
            h = round(b * w / (w - 0.45))
        elif i % 3 == 1:  # where sides end in a half
            w = 2 * b
        want = theirs(w, h, a, b, *([multiple] if theirs in (yolos, dpt, dpt_stretched, mask2former) else []))
        try:
            got = our.call("size", rule, a, b, multiple, rounding, picture=np.zeros((h, w), np.uint8)).shape
        except pictures.Refused:
            got = (0, 0)
        assert got == tuple(want) or min(want) < 1 and got == (0, 0), (
            f"{rule} {a} {b}, multiple {multiple}, of {w}x{h}: {got}, want {want}"
        )
