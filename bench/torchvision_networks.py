#!/usr/bin/env python3
"""Write a torchvision network with seeded random weights as ONNX (opset 17).

    /usr/bin/python3 bench/torchvision_networks.py NAME SAMPLES.npy OUT.onnx

Statistics of batch normalization are those of SAMPLES (N x 3 x H x W float32), so that activations neither
vanish nor overflow. Runs in the system's interpreter, which has PyTorch from Debian's packages.
"""
import inspect
import sys

import numpy as np
import torch
import torchvision

SEED = 7
HEAD_DEVIATION = 0.05  # some heads start at zero, which leaves no output to compare


def build(name):
    torch.manual_seed(SEED)
    return getattr(torchvision.models, name)(weights=None)


def set_statistics(network, samples):
    """Cumulative mean and variance of every batch normalization."""
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None
    for m in network.modules():
        m.train(isinstance(m, torch.nn.BatchNorm2d))
    if norms:
        with torch.no_grad():
            network(samples)


def set_head(network):
    head = [m for m in network.modules() if isinstance(m, torch.nn.Linear)][-1]
    torch.nn.init.normal_(head.weight, std=HEAD_DEVIATION)


def export(network, sample, path):
    """Gradients on: without, attention takes a fast path that has no ONNX form."""
    torch.onnx.export(network, sample, path, opset_version=17, input_names=["input"], output_names=["output"],
                      do_constant_folding=True)


def main():
    if len(sys.argv) != 4:
        sys.exit(inspect.getdoc(sys.modules[__name__]))
    name, samples, path = sys.argv[1:]
    torch.set_num_threads(1)
    samples = torch.from_numpy(np.load(samples))
    network = build(name)
    set_statistics(network, samples)
    set_head(network)
    network.eval()
    export(network, samples[:1], path)


if __name__ == "__main__":
    main()
