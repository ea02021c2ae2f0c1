"""One .bin, one result: every tensor has the same bytes with C, AVX2 and AVX-512 kernels, any number of
threads, and on Arm (under emulation, where Debian's gcc-aarch64-linux-gnu and qemu-user-static are
installed)."""
import pathlib
import shutil
import subprocess
import sys

import pytest
import shared_models as sm
import tool

sys.path.insert(0, str(tool.ROOT / "tests/hostile"))
import many_ops  # noqa: E402

HERE = pathlib.Path(__file__).parent
RUNTIME = [
    *sorted((tool.ROOT / "src/runtime").glob("*.c")),
    *sorted((tool.ROOT / "src/kernels").glob("*.c")),
    *sorted((tool.ROOT / "src/kernels/portable").glob("*.c")),
    tool.ROOT / "src/format/bin.c",
    *(tool.ROOT / "src/base" / f"{name}.c" for name in ("err", "escape", "hash", "pool")),
    *(tool.ROOT / "src/num" / f"{name}.c" for name in ("math", "math64", "half")),
]
FLAGS = [
    "-std=c11",
    "-O2",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-D_GNU_SOURCE",
    f"-I{tool.ROOT}/src",
    f"-I{tool.ROOT}/include",
]
ARM_GCC, QEMU = (
    shutil.which("aarch64-linux-gnu-gcc"),
    shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64"),
)


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """Links with the runtime and pthreads alone."""
    out = tmp_path_factory.mktemp("rthash") / "rthash"
    subprocess.run(
        ["gcc", *FLAGS, HERE / "rthash.c", tool.BUILD / "libvernier-rt.a", "-lpthread", "-o", out], check=True
    )
    return out


@pytest.fixture(scope="module")
def arm(tmp_path_factory):
    if not ARM_GCC or not QEMU:
        pytest.skip(
            "no aarch64 compiler and emulator: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static"
        )
    out = tmp_path_factory.mktemp("rthash") / "rthash-arm"
    subprocess.run(
        [ARM_GCC, "-static", *FLAGS, HERE / "rthash.c", *RUNTIME, "-lpthread", "-o", out], check=True
    )
    return out


def hashes(*command):
    lines = subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=True, timeout=300
    ).stdout.splitlines()
    assert len(lines) > 5
    return lines


def check_cpus(bin_file, native):
    want = hashes(native, bin_file, 0, 1)
    for mask in (0, 1, 3, 7, "0xffffffff"):
        for threads in (1, 2, 3):
            assert hashes(native, bin_file, mask, threads) == want, f"cpumask {mask}, {threads} threads"


def test_digits_on_every_level(digits, native):
    check_cpus(digits.bin, native)


def test_digits_on_arm(digits, native, arm):
    assert hashes(QEMU, arm, digits.bin) == hashes(native, digits.bin)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Programs with nearly every instruction, in int8, int16 and both."""
    return many_ops.convert(tmp_path_factory.mktemp("many"))


NAMES = [name for name, _, _ in many_ops.CONFIGS]


@pytest.mark.parametrize("name", NAMES)
def test_every_instruction_is_verified(name, many):
    tool.run("verify", many / f"many_{name}_quantized_model.onnx", many / f"many_{name}.bin", want=tool.DONE)


@pytest.mark.parametrize("name", NAMES)
def test_every_instruction_on_every_level(name, many, native):
    check_cpus(many / f"many_{name}.bin", native)


@pytest.mark.parametrize("name", NAMES)
def test_every_instruction_on_arm(name, many, native, arm):
    assert hashes(QEMU, arm, many / f"many_{name}.bin") == hashes(native, many / f"many_{name}.bin")


@pytest.mark.parametrize("name", sm.MODELS)
def test_real_models_on_every_level(name, products, native):
    check_cpus(products(name).bin, native)


@pytest.mark.parametrize("name", sm.MODELS)
def test_real_models_on_arm(name, products, native, arm):
    bin_file = products(name).bin
    assert hashes(QEMU, arm, bin_file) == hashes(native, bin_file)
