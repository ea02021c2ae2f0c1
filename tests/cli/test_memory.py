"""Peak memory of `vernier convert`: at most five times the weights, for any number of samples."""
import os
import subprocess
import sys

import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tools"))
import scaling  # noqa: E402

MEGABYTES, LIMIT = 50, 5  # fixed costs are a tenth of such weights


@pytest.mark.parametrize("name", ["conv", "matmul"])
def test_peak(name, monkeypatch):
    monkeypatch.setattr(scaling, "VERNIER", tool.BUILD / "vernier")
    assert scaling.measure(scaling.by_weights(name, MEGABYTES), name)[1] <= LIMIT


def peak_of(digits, folder, samples):
    """Kilobytes of a conversion with so many pictures."""
    data = folder / f"data{samples}"
    data.mkdir()
    pictures = sorted(digits.calib.iterdir())
    for i in range(samples):
        (data / f"{i:04}.png").symlink_to(pictures[i % len(pictures)])
    yaml = digits.write_yaml(folder / f"{samples}.yaml", folder / f"out{samples}", data)
    command = [tool.BUILD / "vernier", "convert", "-c", yaml, "--log", "none", "--accept-data"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == tool.DONE
    return usage.ru_maxrss


def test_samples_are_not_kept(digits, tmp_path):
    few, many = (peak_of(digits, tmp_path, n) for n in (10, 1000))
    assert many - few < 1000, f"{few} KB with 10 samples, {many} KB with 1000"
