"""The programs that are measured, one class per tool, all with the same three methods:

    prepare(network, folder)   make the artefact in a folder, and return its path
    open(network, artefact)    load it and feed the test sample: an object with run(times) -> nanoseconds,
                               outputs() -> arrays, close()
    key(network)               all that decides the artefact, besides the network

    engines.py ENGINE NETWORK FOLDER     prepare, run once, and write outputs.npz: a process of its own, so
                                         that a crash of one tool is a reason in the table

Everything runs on one thread: the caller pins the process to a CPU before it opens anything.
"""
import importlib.metadata
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import cache
import networks
import quantizers
from networks import sm


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


class Engine:
    """`kind` is int8, int16 or float: what is compared with what."""
    packages = ()

    def __init__(self, tool, kind):
        self.tool, self.kind, self.name = tool, kind, f"{tool} {kind}"

    def missing(self):
        """Why it cannot run here at all; None where it can."""
        absent = [p for p in self.packages if not version(p)]
        return f"no package {' '.join(absent)}: ./dev bench installs it" if absent else None

    def versions(self):
        return {p: version(p) for p in self.packages}

    def key(self, network):
        return self.versions()


def timed(run, times):
    """One run that is not timed, and the nanoseconds of `times` others."""
    run()
    result = []
    for _ in range(times):
        start = time.perf_counter_ns()
        run()
        result.append(time.perf_counter_ns() - start)
    return result


# ---- ours ----

SETTINGS = {  # kind: calibration keys
    "int8": {"calibration_type": "'max'"},
    "int16": {"calibration_type": "'max'", "optimization": "'set_all_nodes_int16'"},
    "float": {"calibration_type": "'skip'"},
}


class Vernier(Engine):
    """int8 and int16: the .bin that `convert` makes for tensors in, tensors out. float: the optimized ONNX,
    compiled in memory."""
    march = "x86-64-v4"

    def missing(self):
        return sm.missing() if not sm.VERNIER.exists() else None

    def versions(self):
        return {"vernier": cache.file_hash(sm.VERNIER)[:12]}

    def key(self, network):
        return {**self.versions(), "march": self.march, **SETTINGS[self.kind]}

    def prepare(self, network, folder):
        calibration = dict(SETTINGS[self.kind])
        if self.kind != "float":
            calibration["cal_data_dir"] = f"'{';'.join(map(str, network.sample_folders()))}'"
        config = sm.write_yaml(folder / "m.yaml", network.float, self.march, working_dir=folder / "out",
                               inputs=networks.featuremaps(network.inputs), calibration=calibration)
        networks.run(sm.VERNIER, "convert", "-c", config, "--compare", 1, "--accept-data", "--min-cosine", -1,
                     "--log", folder / "convert.log")
        return folder / "out" / ("m_optimized_float_model.onnx" if self.kind == "float" else "m.bin")

    def open(self, network, artefact):
        return RtBench(network, artefact)


class RtBench:
    """A process of its own that answers requests with times; see rtbench.c."""

    def __init__(self, network, artefact):
        self.files, self.artefact, self.names = network.test_files(), artefact, network.outputs
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [sm.VERNIER.parent / "rtbench", artefact, "--", *self.files]
        self.process = subprocess.Popen(list(map(str, command)), **pipes)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(self.process.stderr.read().strip())

    def ask(self, action, times):
        self.process.stdin.write(f"{action} 0 {times}\n")
        self.process.stdin.flush()
        return [int(t) for t in self.process.stdout.readline().split()]

    def run(self, times):
        return self.ask("run", times)

    def load(self, times):
        return self.ask("load", times)

    def outputs(self):
        with tempfile.TemporaryDirectory() as out:
            feeds = [w for f in self.files for w in ("--input", f)]
            networks.run(sm.VERNIER, "run", self.artefact, *feeds, "--output-dir", out)
            return [np.load(Path(out) / f"{sm.safe_name(name)}.npy") for name in self.names]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# ---- the others ----

class Quantizing(Engine):
    """A tool with a quantizer of its own, one of quantizers.QUANTIZERS."""
    quantizer = ""

    def key(self, network):
        settings = quantizers.QUANTIZERS[self.quantizer][1] if self.kind == "int8" else None
        return {**self.versions(), "quantizer": settings}

    def prepare(self, network, folder):
        if self.kind == "float":
            return network.float
        return quantizers.quantize(self.quantizer, network.float, network.calibration(), folder,
                                   network.network.transformer)


class Onnxruntime(Quantizing):
    packages = ("onnxruntime",)
    quantizer = "onnxruntime minmax"

    def open(self, network, artefact):
        return OnnxruntimeSession(network, artefact)


class OnnxruntimeSession:
    """Its buffers are bound, so that a run is nothing but a run."""

    def __init__(self, network, artefact):
        import onnxruntime as rt
        o = rt.SessionOptions()
        o.intra_op_num_threads = o.inter_op_num_threads = 1
        o.log_severity_level = 4
        self.session = rt.InferenceSession(str(artefact), o, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.inputs = [rt.OrtValue.ortvalue_from_numpy(x) for x in network.test()]
        for name, x in zip(network.inputs, self.inputs):
            self.binding.bind_ortvalue_input(name, x)
        for out in self.session.get_outputs():
            self.binding.bind_output(out.name)

    def run(self, times):
        return timed(lambda: self.session.run_with_iobinding(self.binding), times)

    def outputs(self):
        self.session.run_with_iobinding(self.binding)
        return self.binding.copy_outputs_to_cpu()

    def close(self):
        del self.session, self.binding


class OpenVINO(Quantizing):
    """Float is float32 (by default it computes in bfloat16 where the CPU can), also in int8 models."""
    packages = ("openvino", "nncf")
    quantizer = "nncf fast"
    config = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
              "ENABLE_CPU_PINNING": False, "INFERENCE_PRECISION_HINT": "f32"}

    def key(self, network):
        return {**super().key(network), "config": self.config}

    def open(self, network, artefact):
        return OpenVINORequest(network, artefact, self.config)


class OpenVINORequest:
    """Inputs are set once; a run is the call below the Python wrapper's handling of arguments."""

    def __init__(self, network, artefact, config, **more):
        import openvino
        self.compiled = openvino.Core().compile_model(str(artefact), "CPU", {**config, **more})
        self.request = self.compiled.create_infer_request()
        self.inputs = [openvino.Tensor(x) for x in network.test()]
        for i, x in enumerate(self.inputs):
            self.request.set_input_tensor(i, x)

    def once(self):
        self.request.infer()

    def run(self, times):
        return timed(self.once, times)

    def outputs(self):
        self.once()
        return [self.request.get_output_tensor(i).data.copy() for i in range(len(self.compiled.outputs))]

    def close(self):
        del self.request, self.compiled


class Ncnn(Engine):
    """Files by pnnx from the network before our passes (it reads old forms of operators), float32 weights."""
    packages = ("ncnn", "pnnx")

    def prepare(self, network, folder):
        (folder / "m.onnx").symlink_to(network.source)
        types = {"float32": "f32", "int32": "i32"}
        shapes = ",".join(f"[{','.join(map(str, x.shape))}]{types[x.dtype.name]}" for x in network.test())
        tool = str(importlib.metadata.distribution("pnnx").locate_file("pnnx/pnnx"))
        done = subprocess.run([tool, "m.onnx", "fp16=0", f"inputshape={shapes}"], cwd=folder,
                              capture_output=True, text=True)
        if done.returncode or not (folder / "m.ncnn.param").exists():
            raise RuntimeError(f"pnnx: {reason(done.stderr, done.returncode)}")
        unsupported = {line.split()[1] for line in done.stderr.splitlines() if line.startswith("ignore ")}
        if unsupported:
            raise RuntimeError(f"pnnx has no ncnn form of {', '.join(sorted(unsupported))}")
        return folder / "m.ncnn.param"

    def open(self, network, artefact):
        return NcnnNet(network, artefact)


class NcnnNet:
    def __init__(self, network, artefact):
        import ncnn
        self.net = ncnn.Net()
        for word in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "vulkan_compute"):
            setattr(self.net.opt, f"use_{word}", False)
        self.net.opt.num_threads = 1
        if self.net.load_param(str(artefact)) or self.net.load_model(str(artefact.with_suffix(".bin"))):
            raise RuntimeError("ncnn cannot load what pnnx wrote")
        self.arrays = [np.ascontiguousarray(x[0]) for x in network.test()]
        self.inputs = list(zip(self.net.input_names(), [ncnn.Mat(x) for x in self.arrays]))

    def once(self):
        e = self.net.create_extractor()
        for name, x in self.inputs:
            e.input(name, x)
        results = [e.extract(name) for name in self.net.output_names()]
        if any(status for status, _ in results):
            raise RuntimeError("ncnn: a layer failed")
        return [out for _, out in results]

    def run(self, times):
        return timed(self.once, times)

    def outputs(self):
        return [np.array(out) for out in self.once()]

    def close(self):
        self.net.clear()


ENGINES = {e.name: e for e in (
    Vernier("vernier", "int8"), Vernier("vernier", "float"), Vernier("vernier", "int16"),
    Onnxruntime("onnxruntime", "float"), Onnxruntime("onnxruntime", "int8"),
    OpenVINO("openvino", "float"), OpenVINO("openvino", "int8"),
    Ncnn("ncnn", "float"),
)}
# what is not measured, and why
ABSENT = {"ncnn int8": "ncnn2table and ncnn2int8 are not on PyPI"}


# ---- one engine on one network ----

class Cell:
    """What came of preparing: an artefact that ran once, or the reason why there is none."""

    def __init__(self, engine, network):
        self.engine, self.network = engine, network
        name = engine.name.replace(" ", "-")
        self.folder = cache.entry(network.folder, name, network.hashes, engine.key(network))
        self.result = self.folder / "result.json"

    def prepare(self, retry=False):
        """What failed before is tried again on request only."""
        if self.engine.missing():
            self.reason = self.engine.missing()
            return self
        if retry and self.result.exists() and "reason" in json.loads(self.result.read_text()):
            shutil.rmtree(self.folder)
        cache.fill(self.folder, self.make)
        result = json.loads(self.result.read_text())
        self.reason, self.seconds = result.get("reason"), result["seconds"]
        self.artefact = None if self.reason else self.folder / result["artefact"]
        return self

    def make(self, folder):
        start = time.monotonic()
        try:
            command = [sys.executable, __file__, self.engine.name, self.network.name, str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
            text, status = done.stdout + done.stderr, done.returncode
        except subprocess.TimeoutExpired as e:
            text, status = f"took longer than {e.timeout:.0f} seconds", 1
        (folder / "log.txt").write_text(text)
        file = folder / self.result.name
        result = {"reason": reason(text, status)} if status else json.loads(file.read_text())
        file.write_text(json.dumps({**result, "seconds": round(time.monotonic() - start, 1)}))

    def outputs(self):
        with np.load(self.folder / "outputs.npz") as z:
            return [z[k] for k in z.files]

    def open(self):
        return self.engine.open(self.network, self.artefact)


LIMIT = 900  # seconds to prepare one


def reason(text, status):
    """The last line that says something, shortened; or the signal."""
    if status < 0:
        return f"crashed with signal {-status}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-1].split())[:200] if lines else f"exit status {status}"


def main():
    name, network, folder = sys.argv[1:]
    engine, network, folder = ENGINES[name], networks.NETWORKS[network].prepare(), Path(folder)
    artefact = engine.prepare(network, folder)
    session = engine.open(network, artefact)
    np.savez(folder / "outputs.npz", *session.outputs())
    session.close()
    inside = artefact.relative_to(folder) if artefact.is_relative_to(folder) else artefact
    (folder / "result.json").write_text(json.dumps({"artefact": str(inside)}))


if __name__ == "__main__":
    main()
