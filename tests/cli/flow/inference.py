"""The manual's inference script: image|feature MODEL FILE. Writes the outputs to MODEL.npz."""
import sys

import numpy as np
from horizon_tc_ui import HB_ONNXRuntime
from PIL import Image

kind, model, path = sys.argv[1:]
sess = HB_ONNXRuntime(model_file=model)
input_names = [i.name for i in sess.get_inputs()]
output_names = [o.name for o in sess.get_outputs()]
if kind == "feature":
    data = np.load(path)
    data = data.transpose(0, 2, 3, 1) if sess.layout[0] == "NHWC" else data
    outputs = sess.run_feature(output_names, {input_names[0]: data}, input_offset=0)
else:
    height, width = sess.get_hw()
    image = np.asarray(Image.open(path).convert("YCbCr").resize((width, height)))
    data = image[None] if sess.layout[0] == "NHWC" else image.transpose(2, 0, 1)[None]
    outputs = sess.run(output_names, {input_names[0]: data}, input_offset=128)
np.savez(model + ".npz", **dict(zip(output_names, outputs)))
print(model, {n: o.shape for n, o in zip(output_names, outputs)})
