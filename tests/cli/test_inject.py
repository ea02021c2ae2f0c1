"""vernier verify finds what tools/inject_faults.py breaks, and raises no alarm where nothing is broken."""
import argparse
import os
import subprocess
import sys

import pytest
import tool

sys.path.insert(0, str(tool.ROOT / "tools"))
import binedit  # noqa: E402
import faults  # noqa: E402
import inject_faults  # noqa: E402
import subjects  # noqa: E402

NETWORKS = [(50, "generic", "int8"), (28, "bayes", "int16"), (7, "bernoulli2", "mixed")]
# kinds that are without effect in these networks by chance
SELDOM = {"memory order of a fused tensor", "table entry", "clamp bounds", "swapped inputs",
    "index or interpolation weight", "strides, offsets", "real parameter"}
PROGRAMS = {}


@pytest.fixture(autouse=True)
def program_under_test(monkeypatch):
    monkeypatch.setattr(subjects.sm, "VERNIER", tool.BUILD / "vernier")


@pytest.fixture
def converted(tmp_path_factory):
    """converted(seed, march, types): a random mixed network, converted once."""
    def get(*network):
        if network not in PROGRAMS:
            c = subjects.convert(subjects.mixed.write(tmp_path_factory.mktemp("mixed"), *network))
            assert c.bin.exists(), c.reason
            PROGRAMS[network] = c
        return PROGRAMS[network]
    return get


def test_an_unchanged_program_is_written_back_as_it_was(converted):
    data = converted(*NETWORKS[0]).bin.read_bytes()
    assert binedit.Edit(data).sealed() == data


def test_every_effective_fault_is_found(converted):
    options = argparse.Namespace(json=None, each=1, seed=1, wrong_kernels=tool.BUILD / "tests/wrongkernel")
    campaign = inject_faults.Campaign(options)
    for network in NETWORKS:
        campaign.program("-".join(map(str, network)), converted(*network))
    assert not campaign.misses, campaign.misses
    effective = {kind: inject_faults.effective(c) for kind, c in campaign.counts.items()}
    assert sum(effective.values()) >= 75, effective
    unseen = {kind for kind in faults.KINDS if not effective.get(kind)}
    assert unseen <= SELDOM and effective["wrong kernel"] >= 12, (unseen, effective)


def test_no_alarm(tmp_path):
    """In two parts at the same time, and the table of both."""
    parts = [tmp_path / f"{k}.json" for k in range(2)]
    env = {**os.environ, "VERNIER": str(tool.BUILD / "vernier")}

    def start(*words):
        return subprocess.Popen([sys.executable, tool.ROOT / "tools/false_alarms.py", *words], text=True,
                                env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def output(run):
        text = run.communicate()[0]
        assert run.returncode == 0, text
        return text
    runs = [start("--networks", "56", "--only", "", "--floor", "50000", "--shard", f"{k}/2", "--json", part)
            for k, part in enumerate(parts)]
    for run in runs:
        output(run)
    table = output(start("--merge", ",".join(map(str, parts)), "--floor", "150000"))
    assert "| **all** | 56 | 56 | 56 | 0 |" in table, table


# ---- what only a look at the whole program finds ----

class Broken:
    """The program of a network, to be changed, and what verify then reports."""

    def __init__(self, c):
        self.c, self.edit = c, binedit.Edit(c.bin.read_bytes())
        self.program = faults.Program(self.edit)
        self.tensors = self.edit.tensors

    def faults(self, tmp_path):
        """[(kind, tensor, instruction, why)]"""
        (tmp_path / "bad.bin").write_bytes(self.edit.sealed())
        status, said, error = subjects.verify(self.c.onnx, tmp_path / "bad.bin")
        assert status == tool.CHECK_FAILED and not said["passed"], error
        return [(f["kind"], f["number"], f["instruction"], f.get("why", "")) for f in said["faults"]]

    def copies(self):
        """(instruction, tensor read, tensor made) of the copies in another memory order."""
        return [(i, s["in"][0], s["out"])
                 for i, s in self.program.of("COPY") if self.tensors[s["out"]]["role"] == "copy"]


@pytest.fixture
def broken(converted):
    return Broken(converted(*NETWORKS[0]))


def test_output_overwritten_before_the_caller_reads_it(broken, tmp_path):
    last, first = (broken.edit.instructions[-1]["out"], broken.program.outputs[0])
    assert last != first
    broken.edit.set_tensor(last, "offset", broken.tensors[first]["offset"])
    overwritten = [f for f in broken.faults(tmp_path) if f[0] == "stale" and f[2] == -1]
    assert [f[1] for f in overwritten] == [first]
    said = tool.run("verify", broken.c.onnx, tmp_path / "bad.bin", "--random", "1", want=tool.CHECK_FAILED)
    assert f"the caller reads output {broken.tensors[first]['name']}" in said.out


@pytest.mark.parametrize("distance", [0, 64])
def test_input_overwritten_while_it_is_read(broken, tmp_path, distance):
    """Also where the kernel of this CPU had read it all before."""
    memory, t = broken.edit.header["arena_bytes"], broken.tensors
    room = lambda i, o: t[i]["bytes"] > 64 and t[i]["offset"] + distance + t[o]["bytes"] <= memory
    at, read, made = next((i, s["in"][0], s["out"]) for i, s in enumerate(broken.edit.instructions)
                          if s["in"][0] in broken.program.writers and room(s["in"][0], s["out"]))
    broken.edit.set_tensor(made, "offset", t[read]["offset"] + distance)
    assert ("stale", read, at, "") in broken.faults(tmp_path)
    said = tool.run("verify", broken.c.onnx, tmp_path / "bad.bin", "--random", "1", want=tool.CHECK_FAILED)
    assert f"overwrites its input {t[read]['name']} (tensor {read})" in said.out


def test_tensor_read_before_it_is_written(broken, tmp_path):
    i, _, made = broken.copies()[0]
    broken.edit.set_ref(i, 0, made)
    assert (
    "unverified",
    made,
    i,
     f"instruction {i} reads it before it is written") in broken.faults(tmp_path)


def test_copy_of_another_value(broken, tmp_path):
    """Also where the other value leads to the right numbers."""
    for i, read, made in broken.copies():
        others = [t for t in broken.program.writers if broken.program.writers[t][-1] < i and t != read and
                  broken.tensors[t]["name"] != broken.tensors[made]["name"] and
                  all(broken.tensors[t][k] == broken.tensors[read][k] for k in ("dtype", "bytes"))]
        if others:
            broken.edit.set_ref(i, 0, others[-1])
            assert made in [f[1] for f in broken.faults(tmp_path) if f[0] == "unverified"]
            return
    raise AssertionError("no copy that could read another value: choose another network")


def test_output_in_another_memory_order(broken, tmp_path):
    for _, read, made in broken.copies():
        if made in broken.program.outputs:
            broken.edit.set_output(broken.program.outputs.index(made), read)
            assert [f for f in broken.faults(tmp_path) if f[0] == "output" and "channels last" in f[3]]
            return
    raise AssertionError("no output is a copy: choose another network")


def test_fused_tensor_in_another_memory_order(broken, tmp_path):
    hidden = [t for t, x in enumerate(broken.tensors) if x["place"] == "hidden" and x["channels_last"]]
    broken.edit.set_tensor(hidden[0], "channels_last", 0)
    assert [("parameters", hidden[0])] == [f[:2] for f in broken.faults(tmp_path)]
