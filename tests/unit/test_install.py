"""What `meson install` leaves is enough: examples/c is built against it alone, and computes what `vernier
run` does."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tools"))
from lint import symbols  # noqa: E402

Image = pytest.importorskip("PIL.Image")
np = pytest.importorskip("numpy")
STABLE = {
    "convert.h",
    "finding.h",
    "listener.h",
    "reason.h",
    "roles.def",
    "runtime.h",
    "session.h",
    "vernier.h",
}


class Installed:
    """The files below a folder, and how programs are built with them."""

    def __init__(self, root):
        self.root = root
        [self.include] = root.glob("**/include/vernier")
        [packages] = root.glob("**/pkgconfig")
        self.libraries = packages.parent
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(packages), "PKG_CONFIG_SYSROOT_DIR": str(root)}

    def make(self, folder, *variables):
        """examples/c, built in a copy of its folder."""
        shutil.copytree(tool.ROOT / "examples/c", folder)
        args = ["make", "-C", folder, "CFLAGS=-std=c11 -Wall -Wextra -Werror", *variables]
        done = subprocess.run(args, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return folder

    def run(self, *args):
        env = {**self.env, "LD_LIBRARY_PATH": str(self.libraries)}
        return subprocess.run([str(a) for a in args], env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("installed")
    args = ["meson", "install", "-C", tool.BUILD, "--no-rebuild", "--quiet", "--destdir", root]
    subprocess.run(args, check=True)
    return Installed(root)


@pytest.fixture(scope="module")
def archives(installed, tmp_path_factory):
    """The same without shared libraries."""
    root = tmp_path_factory.mktemp("archives") / "root"
    shutil.copytree(installed.root, root, symlinks=True, ignore=shutil.ignore_patterns("*.so*"))
    return Installed(root)


def needed(program):
    out = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
    return [line.split("[")[1].rstrip("]") for line in out.splitlines() if "(NEEDED)" in line]


@pytest.fixture(scope="module")
def cases(digits, tmp_path_factory):
    """(program, model, input, what it must print), on images of several classes."""
    folder, found = tmp_path_factory.mktemp("cases"), []
    for i, image in enumerate(sorted(digits.held_out.glob("*.png"))[:2]):
        pixels, array, raw = np.asarray(Image.open(image)), folder / f"{i}.npy", folder / f"{i}.bin"
        np.save(array, pixels.astype(np.float32)[None, None] / 255)
        raw.write_bytes(pixels.tobytes())
        for model, given in (digits.model, array), (digits.stage("quantized"), image), (digits.bin, image):
            done = tool.run("run", model, "--input", given, "--json", want=tool.DONE)
            [output] = json.loads(done.out)["outputs"]
            line = f"class {output['argmax']}, score {output['max']:g}\n"
            found.append(("top_class", model, given, line))
        found.append(("top_class_bin", digits.bin, raw, line))
    assert len({line for *_, line in found}) > 2
    return found


def check_results(built, folder, cases):
    for program, model, given, line in cases:
        done = built.run(folder / program, model, given)
        assert done.stdout == line, done.stderr


def test_shared(installed, cases, tmp_path):
    folder = installed.make(tmp_path / "c")
    assert "libvernier.so.0" in needed(folder / "top_class")
    assert "libvernier-rt.so.0" not in needed(folder / "top_class")
    assert needed(folder / "top_class_bin")[0] == "libvernier-rt.so.0"
    check_results(installed, folder, cases)


def test_static(archives, cases, tmp_path):
    folder = archives.make(tmp_path / "c", "PKG_CONFIG_FLAGS=--static")
    assert not [
        name for p in ("top_class", "top_class_bin") for name in needed(folder / p) if "vernier" in name
    ]
    check_results(archives, folder, cases)


def test_mistakes(installed, digits, tmp_path):
    """An error is one line and an exit status."""
    folder = installed.make(tmp_path / "c")
    short = tmp_path / "short.bin"
    short.write_bytes(b"short")
    cases = [("top_class", "missing.onnx", digits.picture), ("top_class", digits.bin, short),
             ("top_class_bin", short, short), ("top_class_bin", digits.bin, short)]
    for program, *args in cases:
        done = installed.run(folder / program, *args)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and not done.stdout, done


def test_exports(installed):
    headers = sorted(installed.include.glob("*.h"))
    assert symbols.exported(installed.libraries / "libvernier.so") == symbols.declared(headers)
    runtime = symbols.declared([installed.include / "runtime.h", installed.include / "custom_op.h"])
    assert symbols.exported(installed.libraries / "libvernier-rt.so") == runtime


def test_headers(installed):
    """Every public header is there, compiles alone, and says whether it is stable."""
    public = {p.name for p in (tool.ROOT / "include/vernier").iterdir()}
    assert {p.name for p in installed.include.iterdir()} == public
    for header in sorted(installed.include.glob("*.h")):
        for language, standard in ("c", "c11"), ("c++", "c++17"):
            args = ["cc", "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Werror", "-pedantic",
                    "-fsyntax-only", "-I", installed.include.parent, "-"]
            source = f"#include <vernier/{header.name}>\n"
            done = subprocess.run(args, input=source, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        assert ("NOT STABLE" in header.read_text()) == (header.name not in STABLE), header.name


def test_both_libraries(installed, cases, tmp_path):
    """A process that loads both by accident: each keeps to its own functions, results are the same."""
    folder = installed.make(tmp_path / "c", "LDFLAGS=-Wl,--no-as-needed -lvernier-rt -lvernier")
    assert {"libvernier.so.0", "libvernier-rt.so.0"} <= set(needed(folder / "top_class_bin"))
    check_results(installed, folder, cases)
