"""The functions of the vendor's accuracy debugger, computed by `vernier debug`.

    import vernier.debugger as dbg
    dbg.get_sensitivity_of_nodes("net_calibrated_model.onnx", ["cosine-similarity"], "calibration_data")

Models are calibrated ONNX files. Data are the folder that `debug_mode: 'dump_calibration_data'` writes, or
any other folder of .npy files or images, with one subfolder per input. Plots are HTML pages instead of PNG
files. Failures raise `Error`.
"""
from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sysconfig
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from .errors import Error

METRICS = ("cosine-similarity", "mse", "mre", "sqnr", "chebyshev")
_STATUS = {2: "usage", 3: "input"}
Row = dict[str, str]  # metric: number as text
Names = str | Sequence[str] | None


def _program() -> str:
    """Beside a package that was not installed; else the environment's, or the one on the path."""
    here = pathlib.Path(__file__).resolve().parents
    for place in (here[2] / "vernier", pathlib.Path(sysconfig.get_path("scripts")) / "vernier"):
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    return shutil.which("vernier") or "vernier"


def _list(names: Names) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _options(**values: Any) -> list[str]:
    return [w for k, v in values.items() if v is not None for x in _list(v if isinstance(v, list) else str(v))
            for w in ("--" + k.replace("_", "-"), x)]


def _debug(what: str, model: Any, data: Any, *options: str) -> tuple[dict, str]:
    """The result of a command as JSON."""
    line = [_program(), "debug", what, os.fspath(model), os.fspath(data), *options, "--json"]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode > 1:
        first = done.stderr.strip().splitlines()
        message = first[0].removeprefix("vernier debug: ") if first else f"exit status {done.returncode}"
        raise Error(message, _STATUS.get(done.returncode, "internal"))
    return json.loads(done.stdout), done.stderr


def _table(kind: str, rows: list[dict], metrics: Sequence[str]) -> str:
    extra = ["threshold", "bit"] if kind == "activation" else []
    lines = [["node", *extra, *metrics]]
    lines += [[r["node"], *(_number(r.get(k)) for k in (*extra, *metrics))] for r in rows]
    width = [max(len(line[i]) for line in lines) + 2 for i in range(len(lines[0]))]
    text = ["".join(c.ljust(w) for c, w in zip(line, width)).rstrip() for line in lines]
    title = f"{kind} sensitivity".center(sum(width), "=")
    return "\n".join([title, text[0], "-" * sum(width), *text[1:]])


def _number(x: Any) -> str:
    return "--" if x is None else str(x) if isinstance(x, int) else f"{x:.5f}"


def get_sensitivity_of_nodes(model_or_file: Any, metrics: str | Sequence[str] = "cosine-similarity",
                             calibrated_data: Any = None, output_node: str | None = None,
                             node_type: str = "node", data_num: int | None = None, verbose: bool = False,
                             interested_nodes: Names = None, save_dir: Any = None) -> OrderedDict[str, Row]:
    """The effect of each node's quantization on the outputs, the most sensitive node first.

    Args:
        metrics: names from METRICS; rows are sorted by the first.
        node_type: "node", "weight" or "activation"; or name nodes by `interested_nodes` instead.
        data_num: maximum number of samples; None: all.
        verbose: print the table.
        save_dir: folder of sensitivity_of_KIND.log.

    Returns:
        {node: {metric: number as text}}.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node is unknown.
    """
    wanted = _list(metrics)
    result, _ = _debug("sensitivity", model_or_file, calibrated_data,
                       *_options(metric=wanted, output=output_node, node_type=node_type, samples=data_num,
                                 nodes=_list(interested_nodes) or None))
    text = _table(node_type, result["rows"], wanted)
    if verbose:
        print(text)
    if save_dir is not None:
        folder = pathlib.Path(save_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"sensitivity_of_{node_type}.log").write_text(text + "\n")
    return OrderedDict((r["node"], {m: str(r[m]) for m in wanted}) for r in result["rows"])


def _sets(nodes: Any) -> list[str]:
    """A flat list: a curve for each node; a nested one: a curve for each inner list."""
    return [n if isinstance(n, str) else ",".join(n) for n in _list(nodes)]


def plot_acc_error(save_dir: Any, calibrated_data: Any, model_or_file: Any, quantize_node: Any = None,
                   non_quantize_node: Any = None, metric: str = "cosine-similarity",
                   average_mode: bool = False) -> dict[str, list[float]]:
    """Error of each node's result, in execution order, while a part of the network is quantized.

    Args:
        save_dir: folder; accumulate_error/METRIC.html is written there.
        quantize_node: ["A", "B"]: a curve for each; [["A", "B"]]: one of both together; "weight" and
            "activation" are all of them.
        non_quantize_node: all except these. ValueError: with "weight" or "activation", or both arguments.
        average_mode: running means.

    Returns:
        The curves by their labels, a number for each node; None where a node has none.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node is unknown.
        ValueError: both or none of the two sets of nodes are given.
    """
    if (quantize_node is None) == (non_quantize_node is None):
        raise ValueError("expected one of quantize_node and non_quantize_node")
    kept = _sets(non_quantize_node)
    if {"weight", "activation"} & {n for k in kept for n in k.split(",")}:
        raise ValueError("non_quantize_node takes nodes, not 'weight' or 'activation'")
    folder = pathlib.Path(save_dir) / "accumulate_error"
    folder.mkdir(parents=True, exist_ok=True)
    options = _options(quantize=_sets(quantize_node) or None, keep=kept or None, metric=metric,
                       report=folder / f"{metric}.html")
    result, _ = _debug("accumulated", model_or_file, calibrated_data, *options, *["--average"] * average_mode)
    return {c["label"]: c[metric] for c in result["curves"]}


def tensor_analysis(model_or_file: Any, calibrated_data: Any, nodes_list: Names = None, save_dir: Any = None,
                    data_num: int | None = None) -> OrderedDict[str, dict]:
    """The error of each quantized tensor by cause: clipping, rounding, range, bias, and inherited error.
    `nodes_list` picks rows; `save_dir` gets tensor_analysis.html.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node is unknown.
    """
    page = None
    if save_dir is not None:
        pathlib.Path(save_dir).mkdir(parents=True, exist_ok=True)
        page = pathlib.Path(save_dir) / "tensor_analysis.html"
    result, _ = _debug("tensors", model_or_file, calibrated_data, *_options(samples=data_num, report=page))
    wanted = set(_list(nodes_list))
    return OrderedDict((r["node"], r) for r in result["rows"] if not wanted or r["node"] in wanted)


def sensitivity_analysis(model_or_file: Any, calibrated_data: Any, metrics: str | Sequence[str] =
                         "cosine-similarity", pick_threshold: float = 0.999, data_num: int | None = 1,
                         sensitive_nodes: Names = None, save_dir: Any = None) -> list[str]:
    """Nodes whose quantization alone takes the cosine similarity to `pick_threshold` or below, worst first.
    They are candidates for int16; `vernier tune` determines which of them gain enough.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node is unknown.
    """
    first = [m for m in ("cosine-similarity", *_list(metrics))]
    found = get_sensitivity_of_nodes(model_or_file, list(dict.fromkeys(first)), calibrated_data,
                                     data_num=data_num, interested_nodes=sensitive_nodes, save_dir=save_dir)
    return [n for n, m in found.items() if float(m["cosine-similarity"]) <= pick_threshold]


def runall(model_or_file: Any, calibrated_data: Any, save_dir: Any = "./debug_result/", ns_metrics: Any =
           "cosine-similarity", output_node: str | None = None, data_num: int | None = None,
           ac_metric: str = "cosine-similarity", average_mode: bool = False) -> None:
    """Sensitivity of weights and activations and their accumulated error, in subfolders of `save_dir`.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node is unknown.
    """
    folder = pathlib.Path(save_dir)
    for kind in ("weight", "activation"):
        get_sensitivity_of_nodes(model_or_file, ns_metrics, calibrated_data, output_node, kind, data_num,
                                 save_dir=folder / "node_sensitivity")
    plot_acc_error(folder, calibrated_data, model_or_file, ["weight", "activation"], metric=ac_metric,
                   average_mode=average_mode)
    tensor_analysis(model_or_file, calibrated_data, save_dir=folder / "data_distribution", data_num=data_num)


def plot_distribution(save_dir: Any, model_or_file: Any, calibrated_data: Any, nodes_list: Names,
                      data_num: int | None = None) -> OrderedDict[str, dict]:
    """Numbers of nodes, weights and activations before and after quantization: a plot for each in
    data_distribution of `save_dir`, and what it shows.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node is unknown.
    """
    return _distributions("distribution", save_dir, model_or_file, calibrated_data, nodes_list, data_num)


def get_channelwise_data_distribution(save_dir: Any, model_or_file: Any, calibrated_data: Any,
                                      nodes_list: Names, axis: int | None = None,
                                      data_num: int | None = None) -> OrderedDict[str, dict]:
    """Boxes of the channels of nodes, weights and activations: a plot for each in channelwise_distribution
    of `save_dir`, and what it shows.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node is unknown.
    """
    return _distributions("channels", save_dir, model_or_file, calibrated_data, nodes_list, data_num, axis)


def _distributions(what: str, save_dir: Any, model: Any, data: Any, nodes: Names, samples: int | None,
                   axis: int | None = None) -> OrderedDict[str, dict]:
    result, _ = _debug(what, model, data, *_options(nodes=_list(nodes), save_dir=save_dir, samples=samples,
                                                    axis=axis))
    return OrderedDict((r["node"], r) for r in result["rows"])
