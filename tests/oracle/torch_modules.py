"""Modules of Debian's python3-torch as its exporter writes them; run by /usr/bin/python3: torch_modules.py
FOLDER."""

import sys
from pathlib import Path

import torch
from torch import nn


class Focus(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 8, 3, padding=1)

    def forward(self, x):
        return self.conv(
            torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)
        )


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)

    def heads(self, x):
        return x.view(1, 6, 2, 8).transpose(1, 2)

    def forward(self, x):
        q, k, v = self.heads(self.q(x)), self.heads(self.k(x)), self.heads(self.v(x))
        a = torch.softmax(q @ k.transpose(-2, -1) / 8**0.5, -1)
        return (a @ v).transpose(1, 2).reshape(1, 6, 16)


class RmsNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(16))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class Scaled(nn.Module):
    """A convolution and what follows it in detectors: a factor per channel, and a mean taken off."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.scale = nn.Parameter(torch.rand(4, 1, 1))

    def forward(self, x):
        return self.conv(x) * self.scale - 0.5


class QuickGelu(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


class SizedLike(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, stride=2, padding=1)

    def forward(self, x):
        return x + nn.functional.interpolate(
            self.conv(x), size=x.shape[2:], mode="bilinear", align_corners=False
        )


class ChannelShuffle(nn.Module):
    def forward(self, x):
        return torch.relu(x.view(1, 3, 4, 4, 6).transpose(1, 2).reshape(1, 12, 4, 6))


PICTURE, ROWS = (1, 3, 8, 12), (1, 6, 16)
MODULES = {
    "layernorm": (nn.LayerNorm(16), ROWS),
    "rmsnorm": (RmsNorm(), ROWS),
    "gelu": (nn.GELU(), ROWS),
    "gelu_tanh": (nn.GELU(approximate="tanh"), ROWS),
    "quick_gelu": (QuickGelu(), ROWS),
    "silu": (nn.SiLU(), ROWS),
    "hardswish": (nn.Hardswish(), ROWS),
    "hardsigmoid": (nn.Hardsigmoid(), ROWS),
    "mish": (nn.Mish(), ROWS),
    "relu6": (nn.ReLU6(), ROWS),
    "attention": (Attention(), ROWS),
    "pixel_shuffle": (nn.PixelShuffle(2), (1, 12, 4, 6)),
    "channel_shuffle": (ChannelShuffle(), (1, 12, 4, 6)),
    "focus": (Focus(), PICTURE),
    "scaled": (Scaled(), PICTURE),
    "conv_bn": (nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()), PICTURE),
    "sized_like": (SizedLike(), PICTURE),
    "linear_bn": (nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8)), (5, 16)),
    "groupnorm": (nn.GroupNorm(2, 12), (2, 12, 4, 6)),
    "instancenorm": (nn.InstanceNorm2d(12, affine=True), (2, 12, 4, 6)),
}

if __name__ == "__main__":
    torch.manual_seed(0)
    for name, (module, shape) in MODULES.items():
        for p in module.parameters():
            nn.init.uniform_(p, -1, 1)
        for opset in (11, 13, 16):
            try:
                torch.onnx.export(
                    module.eval(),
                    torch.rand(shape),
                    Path(sys.argv[1]) / f"{name}_{opset}.onnx",
                    opset_version=opset,
                    input_names=["x"],
                    output_names=["y"],
                    do_constant_folding=True,
                )
            except torch.onnx.errors.UnsupportedOperatorError:
                pass  # not in that operator set
