"""The functions of the vendor's accuracy debugger, computed by `vernier debug`.

    import vernier.debugger as dbg
    dbg.get_sensitivity_of_nodes("net_calibrated_model.onnx", ["cosine-similarity"], "calibration_data")

Models are calibrated ONNX files. Data are the folder that `debug_mode: 'dump_calibration_data'` writes, or
any other folder of .npy files or images, with one subfolder per input. Failures raise `Error`.
"""
from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sysconfig
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from .errors import Error
from .session import Session

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
                   average_mode: bool = False, data_num: int | None = None) -> dict[str, list[float]]:
    """Error of each node's result, in execution order, while a part of the network is quantized.

    Args:
        save_dir: folder; accumulate_error/METRIC.html and TITLE_METRIC.png are written there.
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
                       samples=data_num, save_dir=save_dir, report=folder / f"{metric}.html")
    result, _ = _debug("accumulated", model_or_file, calibrated_data, *options, *["--average"] * average_mode)
    return {c["label"]: c[metric] for c in result["curves"]}


def tensor_analysis(model_or_file: Any, calibration_data: Any, node_names: Names = None, save_dir: Any = None,
                    num_processes: int | None = None, data_num: int | None = None) -> OrderedDict[str, dict]:
    """The error of each quantized tensor by cause: clipping, rounding, range, bias, and inherited error.

    Args:
        node_names: rows; None: all.
        save_dir: folder of tensor_analysis.html.
        num_processes: threads; the numbers do not depend on it.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node is unknown.
    """
    page = None
    if save_dir is not None:
        pathlib.Path(save_dir).mkdir(parents=True, exist_ok=True)
        page = pathlib.Path(save_dir) / "tensor_analysis.html"
    result, _ = _debug("tensors", model_or_file, calibration_data,
                       *_options(samples=data_num, report=page, threads=num_processes))
    wanted = set(_list(node_names))
    return OrderedDict((r["node"], r) for r in result["rows"] if not wanted or r["node"] in wanted)


def _steps(model: Any, data: Any, metric: str, folder: Any, options: list[str]) -> OrderedDict[str, float]:
    result, _ = _debug("sensitivity-analysis", model, data, *options,
                       *_options(metric=metric, save_dir=folder))
    return OrderedDict((step["quantized"], step[metric]) for step in result["restored"])


def sensitivity_analysis(model_or_file: Any, calibrated_data: Any, metric: str = "cosine-similarity",
                         pick_threshold: float = 0.999, data_num: int | None = 1,
                         sensitive_nodes: Names = None, qtype: str = "float32",
                         output_separated: bool = False,
                         save_dir: Any = "./debug_result/") -> OrderedDict[str, Any]:
    """The gain at the outputs from keeping the most sensitive nodes in float32: one, two, and so on.

    Args:
        pick_threshold: nodes whose quantization alone gives a worse `metric` are sensitive, at most 30.
        sensitive_nodes: these nodes instead.
        qtype: type of the sensitive nodes: "float32".
        output_separated: analyse each output on its own, with the nodes that are sensitive for it.
        save_dir: folder of sensitivity_analysis/*.png, with a subfolder for each output if separated.

    Returns:
        {step: metric}; steps are "only_weight_calibrated", ..., "all nodes", "all but 1 (NODE)", ... With
        `output_separated`, {output: {step: metric}}.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node or `qtype` is unknown.
    """
    if qtype != "float32":
        raise Error(f"qtype: expected float32, got {qtype!r}; vernier tune chooses among int8, int16 and "
                    "float32", "unsupported")
    options = _options(pick_threshold=pick_threshold, samples=data_num, nodes=_list(sensitive_nodes) or None)
    if not output_separated:
        return _steps(model_or_file, calibrated_data, metric, save_dir, options)
    with Session(model_or_file) as s:
        names = [o.name for o in s.outputs]
    return OrderedDict((n, _steps(model_or_file, calibrated_data, metric, os.path.join(
        save_dir, re.sub("[/:]", "_", n)), [*options, "--output", n])) for n in names)


def _ranked(model: Any, data: Any, folder: pathlib.Path, node_type: str | None, interested: Names,
            **options: Any) -> list[str]:
    """Writes the tables of node_sensitivity; the five most sensitive of each."""
    kinds = ["node"] if _list(interested) else [node_type] if node_type else ["weight", "activation"]
    found = [get_sensitivity_of_nodes(model, calibrated_data=data, node_type=kind,
                                      interested_nodes=interested, save_dir=folder / "node_sensitivity",
                                      **options) for kind in kinds]
    return [name for rows in found for name in list(rows)[:5]]


def runall(model_or_file: Any, calibrated_data: Any, save_dir: Any = "./debug_result/",
           ns_metrics: str | Sequence[str] = "cosine-similarity", output_node: str | None = None,
           node_type: str | None = None, data_num: int | None = None, verbose: bool = False,
           interested_nodes: Names = None, dis_nodes_list: Names = None, cw_nodes_list: Names = None,
           axis: int | None = None, quantize_node: Any = None, non_quantize_node: Any = None,
           ae_metric: str = "cosine-similarity", average_mode: bool = False, pick_threshold: float = 0.999,
           sensitive_nodes: Names = None, *, ac_metric: str | None = None) -> None:
    """Everything above and below, in subfolders of `save_dir`.

    Args:
        ns_metrics, output_node, verbose, interested_nodes: of `get_sensitivity_of_nodes`.
        node_type: its kind; None: "weight" and "activation".
        data_num: samples of every part; None: all.
        dis_nodes_list, cw_nodes_list: nodes of `plot_distribution` and
            `get_channelwise_data_distribution`; None: the five most sensitive of each kind.
        axis: channel axis.
        quantize_node, non_quantize_node, average_mode: of `plot_acc_error`; None: weights, activations, both.
        ae_metric: its metric; older versions of the tool call it ac_metric.
        pick_threshold, sensitive_nodes: of `sensitivity_analysis`.

    Raises:
        Error: the model is not a calibrated one, the data do not fit, or a node is unknown.
        ValueError: `quantize_node` and `non_quantize_node` are both given.
    """
    folder, where = pathlib.Path(save_dir), (model_or_file, calibrated_data)
    if quantize_node is None and non_quantize_node is None:
        quantize_node = [["weight"], ["activation"], ["weight", "activation"]]
    worst = _ranked(*where, folder, node_type, interested_nodes, metrics=ns_metrics, output_node=output_node,
                    data_num=data_num, verbose=verbose)
    plotted, channels = _list(dis_nodes_list) or worst, _list(cw_nodes_list) or worst
    if plotted:
        plot_distribution(folder, *where, plotted, data_num)
    if channels:
        get_channelwise_data_distribution(folder, *where, channels, axis, data_num)
    plot_acc_error(folder, calibrated_data, model_or_file, quantize_node, non_quantize_node,
                   ac_metric or ae_metric, average_mode, data_num)
    sensitivity_analysis(*where, pick_threshold=pick_threshold, data_num=data_num,
                         sensitive_nodes=sensitive_nodes, save_dir=folder)


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
