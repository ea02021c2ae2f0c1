"""The published transformer functions by name: defaults, layouts, and what they give, against OpenCV, Pillow,
skimage and NumPy."""

import numpy as np
import pictures
import pytest
from pictures import noise

Image = pytest.importorskip("PIL.Image")
cv2 = pytest.importorskip("cv2")

X = noise(np.random.default_rng(1), 30, 44)
CHW = np.ascontiguousarray(X.transpose(2, 0, 1))
F = X.astype(np.float32)


@pytest.fixture(scope="module")
def our():
    return pictures.fixture()


def yuv(x, video=False):
    x = x.astype(np.float64)
    y = x @ [0.299, 0.587, 0.114]
    u, v = (x[:, :, 2] - y) / 1.772, (x[:, :, 0] - y) / 1.402
    planes = (
        [16 + y * 219 / 255, 128 + u * 224 / 255, 128 + v * 224 / 255] if video else [y, 128 + u, 128 + v]
    )
    return np.rint(np.clip(np.stack(planes, -1), 0, 255)).astype(np.uint8)


def chw(x):
    return np.ascontiguousarray((x if x.ndim == 3 else x[:, :, None]).transpose(2, 0, 1))


def minus_128(x):
    return (x.astype(np.int16) - 128).astype(np.int8)


def bgr(x):
    return np.ascontiguousarray(x[:, :, ::-1])


def nv12_opencv(x):
    i420 = cv2.cvtColor(x, cv2.COLOR_RGB2YUV_I420).ravel()
    n = x.shape[0] * x.shape[1]
    uv = np.stack([i420[n:n * 5 // 4], i420[n * 5 // 4:]], -1)
    return np.concatenate([i420[:n], uv.ravel()]).reshape(-1, x.shape[1], 1)


GRAY, RGRAY = cv2.cvtColor(X, cv2.COLOR_RGB2GRAY), cv2.cvtColor(X, cv2.COLOR_BGR2GRAY)
MEANS = np.array([1.5, 2, 3], np.float32)
CASES = {
    "AddTransformer(1.5)": (F, F + np.float32(1.5)),
    "MeanTransformer([1.5,2,3])": (CHW.astype(np.float32), CHW - MEANS[:, None, None]),
    "MeanTransformer(means=[1.5,2,3],data_format='HWC')": (F, F - MEANS),
    "ScaleTransformer(0.017)": (F, F * np.float32(0.017)),
    "NormalizeTransformer(128)": (F, F / np.float32(128)),
    "TransposeTransformer((2,0,1))": (X, CHW),
    "TransposeTransformer(order=(1,0,2))": (X, X.transpose(1, 0, 2)),
    "HWC2CHW": (X, CHW),
    "HWC2CHWTransformer()": (X, CHW),
    "CHW2HWC": (CHW, X),
    "CenterCropTransformer(21)": (X, X[4:25, 11:32].astype(np.float32)),
    "CenterCropTransformer(crop_size=21,data_type='uint8')": (X, X[4:25, 11:32]),
    "PILCenterCrop(21)": (X, X[4:25, 12:33]),
    "LongSideCrop": (X, X[:, 7:37]),
    "PaddedCenterCrop": (X, X[2:28, 9:35]),
    "PaddedCenterCrop(image_size=20,crop_pad=10)": (X, X[5:25, 12:32]),
    "PadResizeTransformer((64,64))": (
        X,
        cv2.copyMakeBorder(cv2.resize(X, (64, 43)), 10, 11, 0, 0, cv2.BORDER_CONSTANT, value=[127] * 3),
    ),
    "PadResizeTransformer((64,64),114,pad_position='bottom_right')": (
        X,
        cv2.copyMakeBorder(cv2.resize(X, (64, 43)), 0, 21, 0, 0, cv2.BORDER_CONSTANT, value=[114] * 3),
    ),
    "ResizeTransformer((20,50),mode='opencv')": (X, cv2.resize(X, (50, 20)).astype(np.float32)),
    "ResizeTransformer((20,50),mode='opencv',data_type='uint8',interpolation='area')": (
        X,
        cv2.resize(X, (50, 20), interpolation=cv2.INTER_AREA),
    ),
    "PILResize((25,20))": (X, np.asarray(Image.fromarray(X).resize((20, 25), Image.BILINEAR))),
    "PILResize((25,20),NEAREST)": (X, np.asarray(Image.fromarray(X).resize((20, 25), Image.NEAREST))),
    "ShortSideResizeTransformer(20)": (X, cv2.resize(X, (29, 20))),
    "ShortLongResize(60,70)": (X, cv2.resize(X, (70, 48))),
    "PadTransformer(16,32)": (X, cv2.copyMakeBorder(X, 0, 2, 0, 4, cv2.BORDER_CONSTANT)),
    "PadTransformer": (X, cv2.copyMakeBorder(X, 0, 482, 0, 468, cv2.BORDER_CONSTANT)),
    "BGR2RGB": (CHW, CHW[::-1]),
    "RGB2BGR(data_format='HWC')": (X, X[:, :, ::-1]),
    "RGB2GRAY": (CHW, GRAY[None]),
    "BGR2GRAY('HWC')": (X, RGRAY[:, :, None]),
    "RGB2GRAY_128": (CHW, minus_128(GRAY[None])),
    "BGR2GRAY_128": (CHW, minus_128(RGRAY[None])),
    "RGB2RGB_128": (CHW, minus_128(CHW)),
    "BGR2BGR_128": (CHW, minus_128(CHW)),
    "RGB2YUV444": (CHW, chw(yuv(X))),
    "BGR2YUV444(data_format='HWC')": (X, yuv(bgr(X))),
    "RGB2YUV444_128": (CHW, minus_128(chw(yuv(X)))),
    "BGR2YUV444_128": (CHW, minus_128(chw(yuv(bgr(X))))),
    "RGB2YUVBT601VIDEO": (CHW, chw(yuv(X, True))),
    "BGR2YUVBT601VIDEO": (CHW, chw(yuv(bgr(X), True))),
    "RGB2YUVBT601VIDEO_128": (CHW, minus_128(chw(yuv(X, True)))),
    "BGR2YUVBT601VIDEO_128": (CHW, minus_128(chw(yuv(bgr(X), True)))),
    "ReduceChannel": (CHW, CHW[:1]),
    "YUVTransformer('RGB')": (X, yuv(X)),
    "YUVTransformer(color_sequence='BGR')": (X, yuv(bgr(X))),
    "RGB2NV12(cvt_mode='opencv')": (CHW, nv12_opencv(X)),
    "BGR2NV12('HWC','opencv')": (X, nv12_opencv(bgr(X))),
    "F32ToS8": (F - 128, (F - 128).astype(np.int8)),
    "F32ToU8": (F + np.float32(0.75), np.clip(F + 0.75, 0, 255).astype(np.uint8)),
}


@pytest.mark.parametrize("text", CASES)
def test_transformer(our, text):
    x, want = CASES[text]
    got = our.transform(text, x)
    assert got.shape == want.shape and got.dtype == want.dtype, (
        f"{got.shape} {got.dtype}, want {want.shape} {want.dtype}"
    )
    if "YUV" in text or "NV12" in text:  # a value that lies on a half may fall to either side
        assert (got != want).mean() <= 1e-3
    else:
        assert np.array_equal(got, want), f"{int((got != want).sum())} of {want.size} differ"


def test_resize_by_skimage(our):
    transform = pytest.importorskip("skimage.transform")
    for text, order in (("ResizeTransformer((20,50))", 1), ("ResizeTransformer((20,50),method=3)", 3)):
        want = transform.resize(F, (20, 50), order=order)
        got = our.transform(text, X)
        assert got.dtype == np.float32 and np.abs(got - want).max() <= 1e-4


def test_nv12_there_and_back(our):
    planes = our.transform("RGB2NV12", CHW)
    assert planes.shape == (45, 44, 1)
    got = our.transform("NV12ToYUV444((30,44))", planes)
    want = yuv(X).astype(int)
    assert np.array_equal(got[:, :, 0], want[:, :, 0])
    uv = want[:, :, 1:]
    mean = (uv[0::2, 0::2] + uv[1::2, 0::2] + uv[0::2, 1::2] + uv[1::2, 1::2] + 2) // 4
    assert np.array_equal(got[:, :, 1:], mean.repeat(2, 0).repeat(2, 1))
    assert np.array_equal(our.transform("NV12ToYUV444((30,44),yuv444_output_layout='CHW')", planes), chw(got))


def test_warp_keeps_the_centre(our):
    got = our.transform("WarpAffine((1,3,88,88),1.0)", X)
    m = np.array([[2, 0, 0], [0, 2, 44 - 30.0]])
    want = cv2.warpAffine(X, m, (88, 88))
    assert got.shape == want.shape
    assert np.abs(got.astype(int) - want).max() <= (1 if cv2.__version__[:2] == "5." else 0)


@pytest.mark.parametrize(
    "text,message",
    [
        ("Rotate(3)", "unknown transformer 'Rotate'"),
        ("AddTransformer", "argument value is missing"),
        ("AddTransformer(x)", "value is 'x'"),
        ("AddTransformer(1,2)", "unknown argument '2'"),
        ("AddTransformer(speed=2)", "unknown argument 'speed=2'"),
        ("HWC2CHW(", "expected NAME"),
        ("BGR2RGB('NHWC')", "expected CHW|HWC"),
        ("TransposeTransformer((0,0,1))", "once each"),
        ("CenterCropTransformer(400)", "exceeds the image of 44 x 30"),
        ("PadResizeTransformer((1,2,3,4,5))", "1 to 4 numbers"),
        ("ResizeTransformer((0,5))", "0 pixels"),
        ("PadTransformer(0)", "size_divisor"),
        ("MeanTransformer([1,2])", "2 values for 30 channels"),
        ("NV12ToYUV444((30,44))", "expected 1980 values"),
        ("BGR2RGB", "BGR2RGB"),
        ("ResizeTransformer((5,5),method=2)", "order0, order1, order3"),
        ("ResizeTransformer((99999999,99999999))", "pixels"),
    ],
)
def test_mistakes(our, text, message):
    with pytest.raises(pictures.Refused) as e:
        our.transform(text, X)
    assert message in str(e.value)
