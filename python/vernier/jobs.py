"""The commands as functions: options as arguments, results as dataclasses.

Every function takes `log` (called with a level, 0 debug to 3 error, and a line) and `progress` (called with
a word, the number of finished steps and the total). An exception that they raise ends the job; so does Ctrl-C
in the main thread, at the next instruction of the network or the next allocation. A job that ends early
leaves no products. The GIL is released while a job runs.
"""
from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Sequence, Union

import numpy as np

from . import _native
from .errors import Error

Log = Callable[[int, str], Any]
Progress = Callable[[str, int, int], Any]
PathLike = Union[str, "os.PathLike[str]"]


# ---- results ----

@dataclass(frozen=True)
class Reason:
    """Why a node computes in float32: `id` is the same in every version, `text` is a description."""
    id: str
    args: tuple[str, ...]
    text: str
    remedy: str | None


@dataclass(frozen=True)
class Node:
    """A node, in execution order. `on`: "BPU" computes in integers, "CPU" in float32. Cosines, -1 to 1,
    compare its output with the float network (where `compared`): the first sample, least and mean of all.
    `threshold`: largest magnitude of its input, from calibration; 0: none."""
    node: str
    type: str
    on: str
    subgraph: str
    dtype: str
    compared: bool
    cosine: float
    cosine_min: float
    cosine_mean: float
    threshold: float
    why_float: Reason | None


@dataclass(frozen=True)
class Output:
    """An output against the float network: cosine of the first sample, mean |d|, ||d||_2 / N and max |d| of
    it; least and mean cosine of all. Integers (`exact`) have shares of equal elements, 0 to 1, instead."""
    output: str
    cosine: float
    l1: float
    l2: float
    chebyshev: float
    cosine_min: float
    cosine_mean: float
    exact: bool
    judged_by: str | None
    equal: float
    equal_min: float
    equal_mean: float
    worst_sample: str | None


@dataclass(frozen=True)
class Finding:
    """Something about calibration data: severity "error", "doubt" or "warning"."""
    detector: str
    severity: str
    input: str | None
    text: str


@dataclass(frozen=True)
class Conversion:
    """What convert() made: `products` has paths by stage ("original_float", "optimized_float", "calibrated",
    "quantized", "bin")."""
    nodes: list[Node]
    outputs: list[Output]
    findings: list[Finding]
    products: dict[str, Path | None]
    march: str
    method: str
    searched: bool
    bias_corrected: bool
    random: bool


@dataclass(frozen=True)
class March:
    """A target: `integers` is the number of nodes that would compute in integers."""
    march: str
    description: str
    integers: int


@dataclass(frozen=True)
class Checked:
    """The result of check(): `integers` is the number of nodes that compute in integers."""
    march: str
    integers: int
    nodes: list[Node]
    marches: list[March]


@dataclass(frozen=True)
class Tensor:
    """A tensor of the program against the quantized ONNX file, over all samples: elements that were
    `compared` and are `different`, the largest difference, the first different element and what was expected
    there."""
    name: str
    node: str
    opcode: str
    integer: bool
    fused: bool
    compared: int
    different: int
    max_step: int
    max_difference: float
    max_relative: float
    max_bound: float
    first: int
    first_sample: int
    got: float
    expected: float
    mistrusted: bool


@dataclass(frozen=True)
class Agreement:
    """A common value of both artefacts, over all samples."""
    name: str
    output: bool
    integer: bool
    samples: int
    compared: int
    different: int
    cosine_min: float
    cosine_mean: float
    sqnr_min: float
    max_difference: float
    worst_sample: int
    mistrusted: bool


@dataclass(frozen=True)
class Fault:
    """A fault of a program other than different results."""
    kind: str
    name: str
    node: str | None
    writer_node: str | None
    why: str | None


@dataclass(frozen=True)
class Verification:
    """What verify() found. `strict`: every value had to be equal. `tensors` where a program was judged by its
    ONNX file, `values` where two artefacts were compared."""
    passed: bool
    strict: bool
    samples: int
    origin: str | None
    removed: str | None
    tensors: list[Tensor]
    values: list[Agreement]
    faults: list[Fault]


@dataclass(frozen=True)
class ComparedTensor:
    """A tensor that both sides have, over all samples: `metrics` by name ("cosine", "sqnr", "max", ...; NaN:
    it has none). Integers (`exact`) have the share of equal elements as "agreement". `judged`: a threshold
    holds for it. `choices`: how often one side chose another largest element, `choices_kept`: the same one.
    `differs`: a sentence where the sizes differ."""
    name: str
    output: bool
    exact: bool
    samples: int
    elements: int
    choices: int
    choices_kept: int
    cosine_min: float
    worst_sample: int
    mistrusted: bool
    judged: bool
    passed: bool
    differs: str | None
    metrics: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """What compare() found. `only_left`, `only_right`: tensors that the other side lacks; `passed`: none of
    the `judged` tensors `failed`."""
    samples: int
    only_left: int
    only_right: int
    judged: int
    failed: int
    passed: bool
    tensors: list[ComparedTensor]


@dataclass(frozen=True)
class Score:
    """A score and its difference from the first model; `low` and `high`, where there is an `interval`, are
    the 95 % confidence interval of the difference."""
    name: str
    value: float
    difference: float
    interval: bool
    low: float
    high: float


@dataclass(frozen=True)
class Likeness:
    """Similarity of an output to the first model's, over all samples: cosines, SQNR in dB, the largest
    difference."""
    name: str
    cosine_mean: float
    cosine_min: float
    sqnr: float
    max: float


@dataclass(frozen=True)
class EvaluatedModel:
    """One model's scores."""
    path: str
    scores: list[Score]
    outputs: list[Likeness]


@dataclass(frozen=True)
class Evaluation:
    """What evaluate() found. `unit` "%": scores are shares."""
    metric: str
    unit: str
    samples: int
    labelled: int
    resumed: int
    models: list[EvaluatedModel]


@dataclass(frozen=True)
class Cause:
    """What tells the sides apart: the step and parameter of a pipeline that says it, and what each side
    does."""
    cause: str
    setting: str
    left: str
    right: str


@dataclass(frozen=True)
class Why:
    """Why a stage differs: `causes` where it was `found`, else `facts`; both sides as steps of a pipeline."""
    found: bool
    causes: list[Cause]
    facts: list[str]
    steps: tuple[str | None, str | None]
    residual: float


@dataclass(frozen=True)
class Stage:
    """A stage of two traces: "aligned", "unaligned" (it adds a difference), "follows" an earlier one, or
    "missing"."""
    name: str
    state: str
    follows: str | None
    missing_in: str | None
    shape: tuple[str | None, str | None]
    dtype: tuple[str | None, str | None]
    max: float
    share: float
    first: int
    place: str | None
    why: Why | None


@dataclass(frozen=True)
class Alignment:
    """The result of align(); aligned if `unaligned` is 0."""
    paths: tuple[str, str]
    samples: int
    unaligned: int
    other_winners: int
    stages: list[Stage]


@dataclass(frozen=True)
class PreparedFile:
    """An image and the file written for it; `kept`: an earlier run wrote it."""
    source: str
    name: str
    kept: bool


@dataclass(frozen=True)
class Prepared:
    """What prep() made: the pipeline as YAML with every parameter, and the files."""
    pipeline: str
    files: list[PreparedFile]


@dataclass(frozen=True)
class TuneGroup:
    """Tensors with a common type. By type (int8, int16, int16+weights, float32; None: not allowed): predicted
    loss that remains, latency and size added, as shares of the network as configured."""
    tensor: str
    node: str
    type: str
    loss: tuple[float | None, ...]
    latency: tuple[float | None, ...]
    size: tuple[float | None, ...]


@dataclass(frozen=True)
class TunePlan:
    """A plan that was built and measured. Loss, latency and size are relative to the network as configured;
    `types` has a digit for each group, `refined` says how weights are refined. With a task, `score` is the
    difference from float's and its 95 % interval; else NaN."""
    types: str
    refined: str
    loss: float
    sqnr: float
    predicted_loss: float
    agreement: float
    latency: float
    size: float
    predicted_latency: float
    score: float
    score_low: float
    score_high: float
    fits: bool
    best: bool
    front: bool


@dataclass(frozen=True)
class Tuning:
    """`plans` in the order of measurement, the first is the network as configured; `yaml` has the best."""
    yaml: Path
    journal: Path
    difference: str
    method: str
    samples: int
    range_samples: int
    base_ms: float
    base_bytes: int
    r_squared: float
    factor: float
    exponent: float
    latency_factor: float
    seconds: float
    stopped: bool
    plans: list[TunePlan]
    groups: list[TuneGroup]

    @property
    def best(self) -> TunePlan:
        """The plan that was written."""
        return next(p for p in self.plans if p.best)


# ---- calls ----

def _flag(d: dict, *names: str) -> dict:
    return {**d, **{n: bool(d[n]) for n in names}}


def _nodes(rows: Iterable[dict]) -> list[Node]:
    def node(r: dict) -> Node:
        return Node(**{**_flag(r, "compared"), "why_float": r["why_float"] and Reason(**r["why_float"])})
    return [node(r) for r in rows]


def _call(job: Callable, options: dict, log: Log | None, progress: Progress | None) -> dict:
    problems: list[str] = []
    options = {k: v for k, v in options.items() if v is not None}
    try:
        return job(options, log, progress, problems.append)
    except Error as e:
        e.problems = problems or [str(e)]
        raise


def _path(p: PathLike | None) -> str | None:
    return None if p is None else os.fspath(p)


def _source(model: PathLike, prototxt: PathLike | None, shapes: Mapping[str, Sequence[int]] | None) -> dict:
    shapes = shapes or {}
    return {"model": _path(model), "prototxt": _path(prototxt), "shape_names": list(shapes),
            "shapes": ["x".join(map(str, s)) for s in shapes.values()]}


def _write_data(data: Any, inputs: Sequence[str], folder: str) -> list[str]:
    """One .npy for each sample and input, as samples come: only one is in memory at a time."""
    folders = [os.path.join(folder, f"input{i}") for i in range(len(inputs))]
    for f in folders:
        os.mkdir(f)
    for n, sample in enumerate(data):
        arrays = [sample[name] for name in inputs] if isinstance(sample, Mapping) else [sample]
        if len(arrays) != len(inputs):
            raise ValueError(f"sample {n}: expected a dict with arrays for {', '.join(inputs)}")
        for f, a in zip(folders, arrays):
            np.save(os.path.join(f, f"{n:06d}.npy"), np.ascontiguousarray(a))
    return folders


def _input_names(config: Mapping) -> list[str]:
    from .session import Session
    model = config.get("model_parameters", {})
    named = config.get("input_parameters", {}).get("input_name")
    if named:
        return [n.strip() for n in named.strip(";").split(";")]
    path = model.get("onnx_model") or model.get("caffe_model")
    if not path:
        raise ValueError("data requires a configuration that names onnx_model or caffe_model")
    with Session(path, prototxt=model.get("prototxt")) as s:
        return list(s.input_names)


_PATHS = ("onnx_model", "caffe_model", "prototxt", "working_dir", "cal_data_dir", "custom_op_dir")
_MAYBE_PATHS = ("march", "quant_config", "pipeline")  # names, texts or files


def _from_here(config: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A configuration whose relative paths start in the current folder, wherever its file lies."""
    def here(key: str, value: Any) -> Any:
        text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
        if text and (key in _PATHS or (key in _MAYBE_PATHS and os.path.isfile(text))):
            return ";".join(os.path.abspath(p.strip()) for p in text.split(";") if p.strip())
        return value
    whole = {group: {k: here(k, v) for k, v in keys.items()} for group, keys in config.items()}
    whole.setdefault("model_parameters", {}).setdefault("working_dir", os.path.abspath("model_output"))
    return whole


def convert(config: PathLike | Mapping[str, Mapping[str, Any]], data: Iterable[Any] | None = None, *,
            threads: int = 1, compare_limit: int = 0, accept_data: bool = False, log: Log | None = None,
            progress: Progress | None = None) -> Conversion:
    """Convert a float network to four ONNX stages and a .bin.

    Args:
        config: path of a YAML configuration, or the same as a dict of its groups, whose relative paths start
            in the current folder.
        data: calibration samples, in place of cal_data_dir: an iterable of arrays, or of dicts of arrays by
            input; each in the training type and layout (pixels 0..255 of image inputs). A generator is read
            once, and one sample at a time is in memory. Only with a dict.
        threads: of calibration; the products do not depend on it.
        compare_limit: samples for the similarities; 0: all.
        accept_data: errors in calibration data become findings.

    Raises:
        Error: the configuration, model or data are wrong; `problems` has everything that was found.
    """
    with tempfile.TemporaryDirectory(prefix="vernier_") as folder:
        if isinstance(config, Mapping):
            whole = _from_here(config)
            if data is not None:
                dirs = _write_data(data, _input_names(whole), folder)
                whole.setdefault("calibration_parameters", {})["cal_data_dir"] = ";".join(dirs)
            config = os.path.join(folder, "config.yaml")
            Path(config).write_text(json.dumps(whole, indent=1, default=os.fspath), encoding="utf-8")
        elif data is not None:
            raise ValueError("data requires the configuration as a dict")
        options = {"config": _path(config), "threads": threads, "compare_limit": compare_limit,
                   "accept_data": int(accept_data)}
        r = _call(_native.convert, options, log, progress)
    return Conversion(nodes=_nodes(r["nodes"]), outputs=[Output(**_flag(o, "exact")) for o in r["outputs"]],
                      findings=[Finding(**f) for f in r["findings"]],
                      products={k: v and Path(v) for k, v in r["products"].items()},
                      **_flag(r["summary"], "searched", "bias_corrected", "random"))


def check(model: PathLike, *, prototxt: PathLike | None = None, march: str | None = None,
          shapes: Mapping[str, Sequence[int]] | None = None, log: Log | None = None) -> Checked:
    """Check whether a model can be converted, and which nodes compute in integers. Writes no files;
    similarities and thresholds of the nodes mean nothing.

    Raises:
        Error: it cannot; `problems` has everything that was found.
    """
    r = _call(_native.check, {**_source(model, prototxt, shapes), "march": march}, log, None)
    return Checked(r["march"], r["integers"], _nodes(r["nodes"]), [March(**m) for m in r["marches"]])


def verify(a: PathLike, b: PathLike, *, files: Sequence[PathLike] = (), folders: Sequence[PathLike] = (),
           limit: int = 0, random_samples: int = 3, min_cosine: float = 0.9, digits: int = 0,
           prototxt: PathLike | None = None, pipeline: str | None = None, threads: int = 1,
           log: Log | None = None, progress: Progress | None = None) -> Verification:
    """Check that two artefacts compute the same. A quantized ONNX file and its .bin: every tensor, integer by
    integer.

    Args:
        files, folders: samples: "FILE" or "NAME=FILE", "DIR" or "NAME=DIR"; none: `random_samples` random
            ones.
        min_cosine: minimum cosine of outputs, for artefacts that differ by quantization.
        digits: 0: floats within the rounding errors of their nodes; 1 to 9: within 10^-digits.

    Raises:
        Error: a file is damaged, or they are not the same network.
    """
    options = {"a": _path(a), "b": _path(b), "files": [_path(f) for f in files], "limit": limit,
               "folders": [_path(f) for f in folders], "random_samples": random_samples,
               "min_cosine": min_cosine, "digits": digits, "prototxt": _path(prototxt), "pipeline": pipeline,
               "threads": threads}
    r = _call(_native.verify, options, log, progress)
    tensors = [Tensor(**_flag(t, "integer", "fused", "mistrusted")) for t in r["tensors"]]
    values = [Agreement(**_flag(v, "output", "integer", "mistrusted")) for v in r["values"]]
    faults = [Fault(**f) for f in r["faults"]]
    return Verification(**{**r, "tensors": tensors, "values": values, "faults": faults})


def _side(side: PathLike | Mapping[str, Any], folder: str, name: str) -> str | None:
    """A path, or arrays as a file of them."""
    if not isinstance(side, Mapping):
        return _path(side)
    path = os.path.join(folder, f"{name}.npz")
    np.savez(path, **{k: np.ascontiguousarray(v) for k, v in side.items()})
    return path


def compare(left: PathLike | Mapping[str, Any], right: PathLike | Mapping[str, Any], *,
            files: Sequence[PathLike] = (), folders: Sequence[PathLike] = (), limit: int = 0,
            random_samples: int = 3, raw: Sequence[str] = (), thresholds: Mapping[str, float] | None = None,
            judge_all: bool = False, sort: str | None = None, prototxt: PathLike | None = None,
            pipeline: str | None = None, threads: int = 1, log: Log | None = None,
            progress: Progress | None = None) -> Comparison:
    """Compare two artefacts, or arrays of their runs, tensor by tensor (docs/compare.md).

    Args:
        left, right: paths of artefacts, of folders or files of saved arrays, or arrays by name (what
            `Session.run(observe=)` fills). Differences are from the left.
        files, folders, limit, random_samples: what artefacts are fed with, as in verify(); without files they
            read the inputs among the other side's arrays.
        raw: shapes and types of raw dumps, "NAME=1x3x224x224:float32".
        thresholds: by metric, {"cosine": 0.99, "max": 0.01}: for outputs, or, with `judge_all`, all tensors.
        sort: a metric: the least alike first; None: as they run.

    Raises:
        Error: a file is damaged, no tensor is in both, or a metric is unknown.
    """
    with tempfile.TemporaryDirectory(prefix="vernier_") as folder:
        options = {"left": _side(left, folder, "left"), "right": _side(right, folder, "right"),
                   "files": [_path(f) for f in files], "folders": [_path(f) for f in folders],
                   "limit": limit, "random_samples": random_samples, "raw": list(raw),
                   "thresholds": [f"{k}={float(v)!r}" for k, v in (thresholds or {}).items()],
                   "judge_all": int(judge_all), "sort": sort, "prototxt": _path(prototxt),
                   "pipeline": pipeline, "threads": threads}
        r = _call(_native.compare, options, log, progress)
    flags = ("output", "exact", "mistrusted", "judged", "passed")
    return Comparison(**{**r, "tensors": [ComparedTensor(**_flag(t, *flags)) for t in r["tensors"]]})


def evaluate(models: Sequence[PathLike], *, task: PathLike | None = None, state: PathLike | None = None,
             results: PathLike | None = None, prototxt: PathLike | None = None, threads: int = 1,
             log: Log | None = None, progress: Progress | None = None, **settings: Any) -> Evaluation:
    """Score models on the same images; differences are from the first one.

    Args:
        models: artefacts with one input.
        task: YAML file of settings; settings: as in docs/eval.md (metric, images, labels, ...), they win.
        state: file of results per image, continued if it exists.

    Raises:
        Error: a model, the images or their labels cannot be read, or a setting is unknown.
    """
    options = {"models": [_path(m) for m in models], "task": _path(task), "state": _path(state),
               "results": _path(results), "prototxt": _path(prototxt), "threads": threads,
               "keys": list(settings), "values": [_text(v) for v in settings.values()]}
    r = _call(_native.evaluate, options, log, progress)
    found = [EvaluatedModel(m["path"], [Score(**_flag(s, "interval")) for s in m["scores"]],
                            [Likeness(**x) for x in m["outputs"]]) for m in r["models"]]
    return Evaluation(**{**r, "models": found})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_SIDES = {"traces": 0, "pipeline": 1, "config": 2}


def align(left: PathLike, right: PathLike, *, sides: str = "traces", model: PathLike | None = None,
          images: Sequence[PathLike] = (), raw: Sequence[str] = (), tolerance: float = -1,
          explain: bool = True, differences: PathLike | None = None, threads: int = 1) -> Alignment:
    """Compare two preprocessing programs stage by stage, and explain differences (docs/alignment.md).

    Args:
        sides: what `left` is: "traces" (both are), "pipeline" (steps or a YAML file, run on `images`),
            "config" (a conversion's configuration; `right` is what the training program fed its network with
            for images[0]).
        model: an .onnx to run on the result.
        tolerance: floats are equal within this fraction of the largest value; below 0: 1e-5, for "infer"
            1e-3.
        differences: folder for images of the differences.

    Raises:
        Error: a trace or a pipeline cannot be read.
        ValueError: `sides` is another word.
    """
    if sides not in _SIDES:
        raise ValueError(f"sides: expected one of {', '.join(_SIDES)}, got '{sides}'")
    options = {"left": _path(left), "right": _path(right), "sides": _SIDES[sides], "model": _path(model),
               "images": [_path(i) for i in images], "raw": list(raw), "tolerance": tolerance,
               "explain": int(explain), "differences": _path(differences), "threads": threads}
    r = _call(_native.align, options, None, None)
    return Alignment(**{**r, "stages": [Stage(**{**s, "why": _why(s["why"])}) for s in r["stages"]]})


def _why(w: dict | None) -> Why | None:
    return w and Why(**{**w, "causes": [Cause(**c) for c in w["causes"]]})


_FORMATS = {"npy": 0, "bin": 1}


def prep(folder: PathLike, output_dir: PathLike, pipeline: str | None = None, *, format: str = "npy",
         limit: int = 0, threads: int = 1, log: Log | None = None,
         progress: Progress | None = None) -> Prepared:
    """Write calibration files for a folder of images by a pipeline: the path of a YAML file, or steps.

    Raises:
        Error: the folder has no image, or a step is wrong; of files that were made before, nothing is lost.
        ValueError: `format` is another word.
    """
    if format not in _FORMATS:
        raise ValueError(f"format: expected npy or bin, got '{format}'")
    options = {"folder": _path(folder), "output_dir": _path(output_dir), "pipeline": pipeline,
               "format": _FORMATS[format], "limit": limit, "threads": threads}
    r = _call(_native.prep, options, log, progress)
    return Prepared(r["pipeline"], [PreparedFile(**_flag(f, "kept")) for f in r["files"]])


_COSTS = {"measured": 0, "target": 1}


def tune(config: PathLike, *, latency_ratio: float = 0, size_ratio: float = 0, max_drop: float = 0,
         task: PathLike | None = None, minutes: float = 0, plans: int = 0, resume: bool = False,
         samples: int = 0, decision_axis: int = -1, cost: str = "measured", accept_data: bool = False,
         threads: int = 1, log: Log | None = None, progress: Progress | None = None) -> Tuning:
    """Find the cheapest mix of int8, int16 and float32 within the limits (docs/tune.md), and write it as
    PREFIX_tuned.yaml beside the configuration.

    Args:
        latency_ratio, size_ratio, max_drop: limits, at least one of them; 0: none.
        task: YAML file of eval; max_drop is then in points of its first score.
        plans, minutes: when to stop; 0: 16 plans, no limit.
        resume: continue from the journal of an interrupted run.
        cost: "measured" on this machine, or "target": estimated from the target file.

    Raises:
        Error: the configuration or its data are wrong, or no limit is given.
        ValueError: `cost` is another word.
    """
    if cost not in _COSTS:
        raise ValueError(f"cost: expected measured or target, got '{cost}'")
    options = {"config": _path(config),
               "latency_ratio": float(latency_ratio), "size_ratio": float(size_ratio),
               "max_drop": float(max_drop), "task": _path(task), "minutes": float(minutes),
               "plans": plans, "resume": int(resume), "samples": samples, "decision_axis": decision_axis,
               "cost": _COSTS[cost], "accept_data": int(accept_data), "threads": threads}
    r = _call(_native.tune, options, log, progress)
    summary = _flag({**r["summary"], "yaml": Path(r["summary"]["yaml"]),
                     "journal": Path(r["summary"]["journal"])}, "stopped")
    return Tuning(**summary, plans=[TunePlan(**_flag(p, "fits", "best", "front")) for p in r["plans"]],
                  groups=[TuneGroup(**g) for g in r["groups"]])
