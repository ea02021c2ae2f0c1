"""A run that is watched, or cut at any instruction, saved and restored, gives the bytes of a whole run."""
import pathlib
import struct
import subprocess
import sys

import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tests/hostile"))
import damage  # noqa: E402
import many_ops  # noqa: E402

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Links with the runtime and pthreads alone."""
    out = tmp_path_factory.mktemp("rtparts") / "rtparts"
    subprocess.run(
        [
            "gcc",
            "-std=c11",
            "-O1",
            "-D_GNU_SOURCE",
            f"-I{tool.ROOT}/include",
            HERE / "rtparts.c",
            tool.BUILD / "libvernier-rt.a",
            "-lpthread",
            "-o",
            out,
        ],
        check=True,
    )
    return out


def check(parts, bin_file, threads="1"):
    done = subprocess.run([parts, bin_file, threads], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "same\n"), done.stdout + done.stderr


@pytest.mark.parametrize("threads", ["1", "3"])
def test_digits(digits, parts, threads):
    check(parts, digits.bin, threads)


def test_every_instruction(parts, tmp_path):
    folder = many_ops.convert(tmp_path)
    for name, _, _ in many_ops.CONFIGS:
        check(parts, folder / f"many_{name}.bin")


@pytest.mark.parametrize("version, advice", [(1, "convert the model again"), (4, "convert the model again"),
                                             (6, "written by a newer Vernier")])
def test_other_versions_are_refused(digits, tmp_path, version, advice):
    data = bytearray(digits.bin.read_bytes())
    struct.pack_into("<I", data, 8, version)
    path = tmp_path / "old.bin"
    path.write_bytes(damage.repaired(data))
    done = tool.run("info", path, want=tool.BAD_INPUT)
    assert done.err.strip().endswith(f"{path}: format version {version}, expected 5: {advice}")


def test_a_tensor_without_a_role_is_refused(digits, tmp_path):
    data = bytearray(digits.bin.read_bytes())
    for role in 0, 11:
        struct.pack_into("<I", data, damage.sections(data)["tensors"][0] + 52, role)
        path = tmp_path / "role.bin"
        path.write_bytes(damage.repaired(data))
        assert f"has role {role}, expected 1 to 10" in tool.run("info", path, want=tool.BAD_INPUT).err
