"""Decoding against cv2.imread, PIL.Image.open(...).convert("RGB") and skimage.io.imread."""
import io
import shutil
import struct
import subprocess
import warnings
import zlib

import numpy as np
import pictures
import pytest
import tool
from pictures import noise

Image = pytest.importorskip("PIL.Image")
cv2 = pytest.importorskip("cv2")
skio = pytest.importorskip("skimage.io")
simplejpeg = pytest.importorskip("simplejpeg")
tifffile = pytest.importorskip("tifffile")

OPENCV_ANIMATES = tuple(map(int, cv2.__version__.split(".")[:2])) > (4, 10)  # older ones refuse animated WebP
SIZES = [(1, 1), (5, 7), (33, 64), (48, 31)]


@pytest.fixture(scope="module")
def our():
    return pictures.fixture()


def theirs(path, library):
    if library == "opencv":
        x = cv2.imread(str(path))
        return x[:, :, ::-1]
    if library == "pillow":
        return np.asarray(Image.open(path).convert("RGB"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return skio.imread(str(path))


def check(our, path, what, libraries=pictures.LIBRARIES, most=0):
    for library in libraries:
        want = theirs(path, library)
        if want.dtype == bool:
            want = want.astype(np.uint8) * 255
        if want.dtype == np.int32:  # 16-bit PGM through Pillow
            want = want.astype(np.uint16)
        got = our.decode(path, library)
        assert got.shape == want.shape and got.dtype == want.dtype, (
            f"{what} {library}: {got.shape} {got.dtype}, want {want.shape} {want.dtype}"
        )
        d = np.abs(got.astype(np.int64) - want)
        assert d.max() <= most, (
            f"{what} {library}: {int((d > 0).sum())} of {d.size} differ by up to {d.max()}"
        )


def picture(rng, h, w, mode):
    if mode == "P":
        return Image.fromarray(noise(rng, h, w)).quantize(37)
    if mode == "P gray":
        return Image.fromarray(noise(rng, h, w, 1)).convert("P")
    if mode == "1":
        return Image.fromarray(noise(rng, h, w, 1)).convert("1")
    if mode == "I;16":
        return Image.fromarray((noise(rng, h, w, 1, np.uint16) >> rng.integers(0, 12)).astype(np.uint16))
    if mode == "CMYK":
        return Image.fromarray(noise(rng, h, w, 4), "CMYK")
    return Image.fromarray(noise(rng, h, w, {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}[mode]))


SAVED = [
    ("png", ["RGB", "L", "RGBA", "LA", "P", "P gray", "1", "I;16"], [{}]),
    ("bmp", ["RGB", "L", "P", "1", "RGBA"], [{}]),
    ("ppm", ["RGB"], [{}]),
    ("pgm", ["L", "I;16"], [{}]),
    ("pbm", ["1"], [{}]),
    ("webp", ["RGB", "RGBA"], [{"lossless": True, "exact": True}, {"quality": 80}]),
    (
        "tiff",
        ["RGB", "L", "RGBA", "I;16", "1"],
        [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}],
    ),
]


@pytest.mark.parametrize(
    "suffix,mode,options",
    [(s, m, o) for s, modes, options in SAVED for m in modes for o in options],
    ids=lambda x: "_".join(map(str, x.values())) if isinstance(x, dict) else x,
)
def test_saved_by_pillow(our, tmp_path, suffix, mode, options):
    rng = np.random.default_rng(1)
    for h, w in SIZES:
        path = tmp_path / f"x.{suffix}"
        picture(rng, h, w, mode).save(path, **options)
        # scikit-image reads LZW only with a package that it does not require, and makes PBM three channels of unequal value
        no_skimage = options.get("compression") == "tiff_lzw" or suffix == "pbm"
        check(
            our,
            path,
            f"{mode} {w}x{h} {options}",
            pictures.LIBRARIES[:2] if no_skimage else pictures.LIBRARIES,
        )


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_saved_by_opencv(our, tmp_path, suffix, dtype, channels):
    rng = np.random.default_rng(2)
    for h, w in SIZES:
        path = tmp_path / f"x.{suffix}"
        cv2.imwrite(str(path), noise(rng, h, w, channels, dtype), [cv2.IMWRITE_TIFF_COMPRESSION, 1])
        no_pillow = suffix == "tiff" and dtype == np.uint16 and channels > 1  # Pillow does not read these
        check(
            our,
            path,
            f"{w}x{h}x{channels} {dtype}",
            [x for x in pictures.LIBRARIES if not (no_pillow and x == "pillow")],
        )


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg(our, tmp_path, mode, subsampling):
    """The libraries' wheels bring a libjpeg-turbo of their own: versions may round one step differently."""
    rng, differ, values = np.random.default_rng(3), 0, 0
    for i, (h, w) in enumerate(SIZES):
        path = tmp_path / "x.jpg"
        picture(rng, h, w, mode).save(
            path, quality=(95, 40)[i % 2], subsampling=subsampling, progressive=i % 3 == 0
        )
        check(our, path, f"{mode} {w}x{h}", most=1)
        d = our.decode(path, "pillow") != theirs(path, "pillow")
        differ, values = differ + d.sum(), values + d.size
    assert differ <= values // 1000, f"{differ} of {values}"


SAMPLING = {"444": 0x111111, "422": 0x211111, "440": 0x121111, "420": 0x221111, "411": 0x411111, "gray": None}
REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
REDUCED_GRAY = {
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def jpegs(folder, sampling):
    """Files of odd and even sizes, in one scan and progressive."""
    rng, path = np.random.default_rng(9), folder / "x.jpg"
    for h, w in [*SIZES, (1, 3), (17, 16), (50, 70)]:
        for progressive in 0, 1:
            options = [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive]
            if SAMPLING[sampling]:
                options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLING[sampling]]
            cv2.imwrite(str(path), noise(rng, h, w, 3 if SAMPLING[sampling] else 1), options)
            yield path, f"{w}x{h} progressive={progressive}"


@pytest.mark.parametrize("sampling", SAMPLING)
def test_jpeg_arithmetic(our, tmp_path, sampling):
    """TurboJPEG's flags; each setting tells itself from the others on some file."""
    made = {}
    for path, what in jpegs(tmp_path, sampling):
        for dct in "islow", "ifast":
            for upsampling in "fancy", "simple":
                want = simplejpeg.decode_jpeg(
                    path.read_bytes(), fastdct=dct == "ifast", fastupsample=upsampling == "simple"
                )
                assert np.array_equal(our.decode(path, "pillow", dct=dct, upsampling=upsampling), want), (
                    f"{what} {dct} {upsampling}"
                )
                made.setdefault((dct, upsampling), []).append(want.tobytes())
    assert made["islow", "fancy"] != made["ifast", "fancy"]
    assert (made["islow", "fancy"] != made["islow", "simple"]) == (sampling in ("422", "440", "420"))


def djpeg(path, dct, upsampling, reduce):
    words = [
        "djpeg",
        "-pnm",
        "-dct",
        {"islow": "int", "ifast": "fast", "float": "float"}[dct],
        "-scale",
        f"1/{reduce}",
    ]
    return subprocess.run(
        words + ["-nosmooth"] * (upsampling == "simple") + [path], capture_output=True, check=True
    ).stdout


@pytest.mark.parametrize("sampling", SAMPLING)
def test_jpeg_as_djpeg(our, tmp_path, sampling):
    """The library's own program, which can do everything."""
    if not shutil.which("djpeg"):
        pytest.skip("djpeg (libjpeg-turbo-progs) is not installed")
    for path, what in jpegs(tmp_path, sampling):
        for dct in "islow", "ifast", "float":
            for upsampling in "fancy", "simple":
                for reduce in 1, 2, 4, 8:
                    want = np.asarray(
                        Image.open(io.BytesIO(djpeg(path, dct, upsampling, reduce))).convert("RGB")
                    )
                    got = our.decode(path, "pillow", dct=dct, upsampling=upsampling, reduce=reduce)
                    assert np.array_equal(got, want), f"{what} {dct} {upsampling} 1/{reduce}"


@pytest.mark.parametrize(
    "words",
    [
        "-arithmetic",
        "-arithmetic -progressive",
        "-restart 1B",
        "-restart 1 -progressive",
        "-sample 2x2,1x2,2x1",
        "-sample 3x1",
        "-sample 1x1,2x2,1x1",
        "-sample 4x2",
        "-grayscale",
        "-rgb",
        "-quality 1",
        "-quality 100 -dct float",
        "-optimize",
    ],
)
def test_jpeg_by_cjpeg(our, tmp_path, words):
    if not shutil.which("djpeg") or not shutil.which("cjpeg"):
        pytest.skip("libjpeg-turbo-progs is not installed")
    path, ppm = tmp_path / "x.jpg", tmp_path / "x.ppm"
    Image.fromarray(noise(np.random.default_rng(18), 37, 61)).save(ppm)
    subprocess.run(["cjpeg", *words.split(), "-outfile", path, ppm], check=True)
    for dct, upsampling, reduce in (
        ("islow", "fancy", 1),
        ("ifast", "simple", 1),
        ("float", "fancy", 2),
        ("islow", "simple", 8),
    ):
        want = np.asarray(Image.open(io.BytesIO(djpeg(path, dct, upsampling, reduce))).convert("RGB"))
        assert np.array_equal(
            our.decode(path, "pillow", dct=dct, upsampling=upsampling, reduce=reduce), want
        ), f"{dct} {upsampling} 1/{reduce}"
    check(our, path, words)


@pytest.mark.parametrize("sampling", SAMPLING)
def test_jpeg_reduced(our, tmp_path, sampling):
    for path, what in jpegs(tmp_path, sampling):
        for n in 2, 4, 8:
            assert np.array_equal(
                our.decode(path, "opencv", bgr=1, reduce=n), cv2.imread(str(path), REDUCED[n])
            ), f"{what} 1/{n}"
            want = cv2.imread(str(path), REDUCED_GRAY[n])
            assert np.array_equal(our.decode(path, "opencv", channels=1, reduce=n), want), (
                f"{what} gray 1/{n}"
            )
        for size in (3, 4), (8, 8), (20, 20), (35, 25), (100, 1):
            image = Image.open(path)
            image.draft(None, size)
            assert np.array_equal(our.decode(path, "pillow", draft=size), np.asarray(image.convert("RGB"))), (
                f"{what} draft {size}"
            )


@pytest.mark.parametrize("adobe", [b"\0", b"\2", None], ids=["CMYK", "YCCK", "not by Adobe"])
def test_jpeg_of_four_inks(our, tmp_path, adobe):
    """The marker says whether the colours are turned as Y, Cb, Cr are; without it they are inverted all the
    same."""
    f, path = io.BytesIO(), tmp_path / "x.jpg"
    picture(np.random.default_rng(17), 41, 50, "CMYK").save(f, "jpeg", quality=90)
    at = f.getvalue().index(b"Adobe")
    path.write_bytes(
        f.getvalue()[: at + 11] + adobe + f.getvalue()[at + 12 :]
        if adobe
        else f.getvalue()[: at - 4] + f.getvalue()[at + 12 :]
    )
    check(our, path, str(adobe))
    assert np.array_equal(our.decode(path, "pillow", unchanged=1), np.asarray(Image.open(path)))
    assert np.array_equal(our.decode(path, "pillow", channels=1), np.asarray(Image.open(path).convert("L")))
    assert np.array_equal(our.decode(path, "opencv", channels=1), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    assert np.array_equal(
        our.decode(path, "opencv", unchanged=1, bgr=1), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    )
    for n in 2, 4, 8:
        assert np.array_equal(our.decode(path, "opencv", bgr=1, reduce=n), cv2.imread(str(path), REDUCED[n]))


@pytest.mark.parametrize("suffix", ["png", "bmp", "ppm", "webp", "tiff"])
def test_others_reduced(our, tmp_path, suffix):
    """OpenCV resizes what is no JPEG; Pillow's draft leaves it as it is."""
    rng, path = np.random.default_rng(10), tmp_path / f"x.{suffix}"
    for h, w in (8, 9), (33, 64), (48, 31):
        Image.fromarray(noise(rng, h, w)).save(path, **({"lossless": True} if suffix == "webp" else {}))
        for n in 2, 4, 8:
            assert np.array_equal(
                our.decode(path, "opencv", bgr=1, reduce=n), cv2.imread(str(path), REDUCED[n])
            ), f"{w}x{h} 1/{n}"
        image = Image.open(path)
        image.draft(None, (4, 4))
        assert np.array_equal(our.decode(path, "pillow", draft=(4, 4)), np.asarray(image.convert("RGB")))
    Image.fromarray(noise(rng, 7, 30)).save(path)
    with pytest.raises(cv2.error):
        cv2.imread(str(path), REDUCED[8])
    with pytest.raises(pictures.Refused, match="3 x 0 pixels"):
        our.decode(path, "opencv", reduce=8)


def test_reduced_and_turned(our, tmp_path):
    rng, path = np.random.default_rng(11), tmp_path / "x.png"
    exif = Image.Exif()
    exif[0x112] = 6
    for path in tmp_path / "x.png", tmp_path / "x.jpg":
        Image.fromarray(noise(rng, 21, 38)).save(path, exif=exif)
        assert np.array_equal(
            our.decode(path, "opencv", bgr=1, reduce=4), cv2.imread(str(path), REDUCED[4])
        ), path.suffix


def test_gray(our, tmp_path):
    rng = np.random.default_rng(4)
    for suffix in "png", "jpg":
        path = tmp_path / f"x.{suffix}"
        Image.fromarray(noise(rng, 40, 30)).save(path)
        assert np.array_equal(
            our.decode(path, "opencv", channels=1), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        ), suffix
        assert np.array_equal(
            our.decode(path, "pillow", channels=1), np.asarray(Image.open(path).convert("L"))
        ), suffix
        assert np.array_equal(our.decode(path, "opencv", bgr=1), cv2.imread(str(path))), suffix


@pytest.mark.parametrize(
    "mode,suffix,options",
    [
        ("RGB", "png", {}),
        ("RGB", "bmp", {}),
        ("RGB", "ppm", {}),
        ("RGB", "tiff", {}),
        ("RGB", "webp", {"lossless": True}),
        ("RGB", "jpg", {}),
        ("RGB", "jpg", {"keep_rgb": True}),
        ("CMYK", "jpg", {}),
        ("RGBA", "png", {}),
        ("RGBA", "bmp", {}),
        ("RGBA", "tiff", {}),
        ("RGBA", "webp", {"lossless": True, "exact": True}),
        ("P", "png", {}),
        ("P", "bmp", {}),
        ("LA", "png", {}),
        ("RGB", "tiff", {"compression": "jpeg"}),
    ],
)
def test_gray_of_colours(our, tmp_path, mode, suffix, options):
    """Each of OpenCV's readers makes gray by a rule of its own; large enough for all roundings to occur."""
    path = tmp_path / f"x.{suffix}"
    picture(np.random.default_rng(12), 120, 130, mode).save(path, **options)
    assert np.array_equal(our.decode(path, "opencv", channels=1), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    assert np.array_equal(our.decode(path, "pillow", channels=1), np.asarray(Image.open(path).convert("L")))


def test_gray_of_bmp_with_alpha_mask(our, tmp_path):
    path = tmp_path / "x.bmp"
    cv2.imwrite(str(path), noise(np.random.default_rng(13), 200, 200, 4))
    assert np.array_equal(our.decode(path, "opencv", channels=1), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


def test_unchanged(our, tmp_path):
    rng = np.random.default_rng(5)
    for dtype in np.uint8, np.uint16:
        for channels in 1, 3, 4:
            path = tmp_path / "x.png"
            cv2.imwrite(str(path), noise(rng, 20, 30, channels, dtype))
            got = our.decode(path, "opencv", unchanged=1, bgr=1)
            assert np.array_equal(got, cv2.imread(str(path), cv2.IMREAD_UNCHANGED)), f"{channels} {dtype}"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
def test_orientation(our, tmp_path, suffix, orientation):
    """OpenCV turns the picture (but not every format in every version), Pillow only TIFF, skimage none."""
    rng = np.random.default_rng(6)
    path = tmp_path / f"x.{suffix}"
    im = Image.fromarray(noise(rng, 20, 31))
    exif = Image.Exif()
    exif[0x112] = orientation
    im.save(path, exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    # OpenCV reads no TIFF that lies on its side, and turns WebP since some version between 4.10 and 4.13 only
    no_opencv = (suffix == "tiff" and orientation > 4) or (
        suffix == "webp" and cv2.__version__ < "4.13" and cv2.__version__[1] == "."
    )
    check(
        our,
        path,
        f"{suffix} {orientation}",
        ["pillow", "skimage"] if no_opencv else pictures.LIBRARIES,
        most=suffix == "jpg",
    )
    from PIL import ImageOps
    want = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB")).astype(int)
    assert np.abs(our.decode(path, "pillow", orientation=2) - want).max() <= (suffix == "jpg")
    if orientation > 4:
        assert our.decode(path, "opencv", orientation=1).shape == (20, 31, 3)


def animation(path, frames, **options):
    frames[0].save(path, save_all=True, append_images=frames[1:], background=(10, 200, 30, 255), **options)


def check_animation(our, path, what):
    check(our, path, what, pictures.LIBRARIES if OPENCV_ANIMATES else ["pillow", "skimage"])
    if OPENCV_ANIMATES:
        assert np.array_equal(
            our.decode(path, "opencv", channels=1), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        ), what
        assert np.array_equal(
            our.decode(path, "opencv", unchanged=1, bgr=1), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        ), what
    assert np.array_equal(our.decode(path, "pillow", unchanged=1), np.asarray(Image.open(path))), what


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_animated_webp(our, tmp_path, mode):
    """The first frame. OpenCV, which turns other WebP files, leaves an animation as it lies."""
    rng, path, exif = np.random.default_rng(14), tmp_path / "x.webp", Image.Exif()
    exif[0x112] = 6
    for options in {"lossless": True, "exact": True}, {"quality": 70}, {"allow_mixed": True, "exif": exif}:
        for h, w in SIZES:
            frames = [picture(rng, h, w, mode) for _ in range(3)]
            animation(path, frames, **options)
            assert Image.open(path).n_frames == 3
            check_animation(our, path, f"{w}x{h} {options}")
    assert our.decode(path, "pillow", orientation=2).shape == (w, h, 3)


def chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def one_frame(still, x, y, size, canvas, alpha):
    """A still WebP's picture as the only frame, at (x, y) of a canvas."""
    u24 = lambda *v: b"".join(struct.pack("<I", n)[:3] for n in v)
    body = chunk(b"VP8X", bytes([2 | alpha << 4, 0, 0, 0]) + u24(canvas[0] - 1, canvas[1] - 1)) + chunk(
        b"ANIM", b"\x10\x20\x30\xff\0\0"
    )
    body += chunk(b"ANMF", u24(x // 2, y // 2, size[0] - 1, size[1] - 1, 100) + b"\0" + still[12:])
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize("alpha", [0, 1])
@pytest.mark.parametrize("lossless", [False, True])
def test_animated_webp_frame_smaller_than_its_canvas(our, tmp_path, alpha, lossless):
    f, path = io.BytesIO(), tmp_path / "x.webp"
    picture(np.random.default_rng(15), 20, 31, "RGB").save(f, "webp", lossless=lossless)
    for x, y in (0, 0), (6, 2), (9, 20):
        path.write_bytes(one_frame(f.getvalue(), x, y, (31, 20), (40, 41), alpha))
        check_animation(our, path, f"at {x}, {y}")
    for x, size, canvas in (
        (10, (31, 20), (40, 41)),
        (0, (30, 20), (40, 41)),
        (0, (31, 21), (40, 41)),
        (0, (31, 20), (31, 19)),
    ):
        path.write_bytes(one_frame(f.getvalue(), x, 0, size, canvas, alpha))
        with pytest.raises(
            pictures.Refused, match="x.webp: damaged WebP: its first frame has 31 x 20 pixels; expected"
        ):
            our.decode(path, "pillow")


def bmp(pixels, w, h, bits, compression=0, palette=b"", masks=b""):
    offset = 54 + len(masks) + len(palette)
    head = struct.pack(
        "<IiiHHIIiiII", 40, w, h, 1, bits, compression, len(pixels), 2835, 2835, len(palette) // 4, 0
    )
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + head + masks + palette + pixels


def test_bmp_variants(our, tmp_path):
    rng = np.random.default_rng(7)
    palette = rng.integers(0, 256, (256, 4), dtype=np.uint8)
    palette[:, 3] = 0
    masks565 = struct.pack("<III", 0xf800, 0x7e0, 0x1f)
    w, h = 13, 9
    raw = lambda bits: rng.integers(0, 256, ((w * bits + 31) // 32 * 4 * h,), dtype=np.uint8).tobytes()
    cases = {
        "24": bmp(raw(24), w, h, 24),
        "24 down": bmp(raw(24), w, -h, 24),
        "8": bmp(raw(8), w, h, 8, palette=palette.tobytes()),
        "4": bmp(raw(4), w, h, 4, palette=palette[:16].tobytes()),
        "1": bmp(raw(1), w, h, 1, palette=palette[:2].tobytes()),
        "555": bmp(raw(16), w, h, 16),
        "565": bmp(raw(16), w, h, 16, 3, masks=masks565),
        "32": bmp(raw(32), w, h, 32),
    }
    runs = b"".join(bytes([5, y, 3, 7, 0, 5, 1, 2, 3, 4, 5, 0]) + b"\0\0" for y in range(h)) + b"\0\1"
    cases["rle8"] = bmp(runs, w, h, 8, 1, palette=palette.tobytes())
    for name, data in cases.items():
        path = tmp_path / "x.bmp"
        path.write_bytes(data)
        check(our, path, name, ["pillow", "opencv"])


def test_text_pnm(our, tmp_path):
    for name, text in {
        "P1": "P1\n# note\n3 2\n1 0 1\n010",
        "P2": "P2 3 2 255\n0 1 2 253 254 255\n",
        "P3": "P3\n1 2\n255\n1 2 3 4 5 6",
    }.items():
        path = tmp_path / f"{name}.pnm"
        path.write_text(text)
        check(our, path, name, ["pillow"])


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "ppm", "webp", "animation.webp", "tiff"])
def test_cut_off(our, tmp_path, suffix):
    """Each file cut at many places: an error that names the file, or, where only what follows the pixels is
    missing, the same pixels."""
    rng = np.random.default_rng(8)
    f, image = io.BytesIO(), Image.fromarray(noise(rng, 24, 33))
    if suffix == "animation.webp":
        animation(f, [image, image.rotate(90)], format="webp")
    else:
        image.save(f, format={"jpg": "jpeg"}.get(suffix, suffix))
    data = f.getvalue()
    whole = tmp_path / f"whole.{suffix}"
    whole.write_bytes(data)
    want, refused = our.decode(whole, "pillow"), 0
    for n in sorted({int(x) for x in np.linspace(0, len(data) - 1, 150)}):
        path = tmp_path / f"cut.{suffix}"
        path.write_bytes(data[:n])
        try:
            assert np.array_equal(our.decode(path, "pillow"), want), n
        except pictures.Refused as e:
            refused += 1
            assert f"cut.{suffix}" in str(e), e
    assert refused >= 135, refused


def png_head(w, h):
    ihdr = struct.pack(">4sIIBBBBB", b"IHDR", w, h, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + ihdr
        + struct.pack(">I", zlib.crc32(ihdr))
        + b"\0\0\1\0IDAT"
    )


def test_huge_sizes_are_refused(our, tmp_path):
    files = {
        "x.png": png_head(1 << 20, 1 << 20),
        "x.ppm": b"P6 1000000 1000000 255\n",
        "x.bmp": bmp(b"", 1 << 20, 1 << 20, 24),
        "x.tiff": tiff(8, 8, 8, 8, bytes(99), tile=(1 << 17, 1 << 16)),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(pictures.Refused, match="2\\^28|2\\^30"):
            our.decode(tmp_path / name, "pillow")


@pytest.mark.parametrize(
    "mode,compression",
    [
        ("L", "raw"),
        ("L", "packbits"),
        ("L", "tiff_lzw"),
        ("L", "tiff_adobe_deflate"),
        ("RGB", "jpeg"),
        ("1", "group3"),
        ("1", "group4"),
        ("1", "tiff_adobe_deflate"),
        ("L", "lzma"),
        ("L", "zstd"),
    ],
)
def test_tiff_that_compresses_best(our, tmp_path, mode, compression):
    """What is refused as too short for its size is none of these."""
    for w, h in (1500, 1400), (20000, 100):
        path = tmp_path / "x.tiff"
        Image.new(mode, (w, h), "white").save(path, compression=compression, strip_size=1 << 28)
        check(our, path, compression, ["pillow"])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(
    "channels,dtype", [(1, np.uint8), (3, np.uint8), (4, np.uint8), (1, np.uint16), (3, np.uint16)]
)
def test_tiles(our, tmp_path, channels, dtype, planar):
    rng, path = np.random.default_rng(16), tmp_path / "x.tiff"
    for h, w in (70, 90), (64, 32), (5, 7):
        for tile in (64, 32), (32, 80):
            x = noise(rng, h, w, channels, dtype)
            x = x.transpose(2, 0, 1) if channels > 1 and planar == "separate" else x
            tifffile.imwrite(
                path,
                x,
                tile=tile,
                compression="zlib",
                planarconfig=planar if channels > 1 else None,
                photometric="rgb" if channels > 1 else "minisblack",
            )
            check(our, path, f"{w}x{h} in {tile}")


def tiff(w, h, bits, compression, data, tile=None):
    tags = {256: w, 257: h, 258: bits, 259: compression, 262: 1, 277: 1}
    tags |= {322: tile[0], 323: tile[1], 324: 0, 325: len(data)} if tile else {273: 0, 278: h, 279: len(data)}
    tags[324 if tile else 273] = 8 + 2 + len(tags) * 12 + 4
    return (
        b"II*\0"
        + struct.pack("<IH", 8, len(tags))
        + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags.items())
        + bytes(4)
        + data
    )


def short_jpeg(progressive):
    f = io.BytesIO()
    Image.new("RGB", (8, 8)).save(f, "jpeg", progressive=progressive)
    at = f.getvalue().index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    return f.getvalue()[:at] + struct.pack(">HH", 16000, 16000) + f.getvalue()[at + 4:]


SHORT = {
    "short.ppm": b"P6 16000 16000 255\n" + bytes(999),
    "short.bmp": bmp(bytes(999), 16000, 16000, 24),
    "runs.bmp": bmp(b"\0\1", 16000, 16000, 8, 1, bytes(1024)),
    "short.png": png_head(16000, 16000) + bytes(999),
    "short.jpg": short_jpeg(False),
    "progressive.jpg": short_jpeg(True),
}
SHORT |= {f"{bits}_{c}.tiff": tiff(16000, 16000, bits, c, bytes(100)) for bits, c in
          ((8, 1), (8, 32773), (8, 5), (8, 8), (1, 4), (1, 3), (8, 7), (8, 34925), (16, 50000))}

SHORT["tile.tiff"] = tiff(8, 8, 8, 8, zlib.compress(bytes(999)), tile=(16000, 16000))


@pytest.mark.parametrize("name", SHORT)
def test_too_short_for_its_size(our, tmp_path, name):
    (tmp_path / name).write_bytes(SHORT[name])
    with pytest.raises(
        pictures.Refused,
        match=name + r": damaged [A-Z]+: \d+ bytes of data; an image of this size requires at least \d+",
    ):
        our.decode(tmp_path / name, "pillow")


def test_shared_pictures(our):
    folder = tool.SHARED / "images/imagenet_val"
    if not folder.is_dir():
        pytest.skip(f"no real pictures in {folder}")
    differ = values = 0
    for path in sorted(folder.iterdir())[:30]:
        for library in pictures.LIBRARIES:
            want = theirs(path, library)
            d = our.decode(path, library) != want
            differ, values = differ + d.sum(), values + d.size
    print(f"{differ} of {values} bytes differ")
    assert differ == 0
