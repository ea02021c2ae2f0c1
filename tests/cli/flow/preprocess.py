"""Calibration data as the manual has them written: images resized, RGB in NCHW, float32, by tofile."""
import sys
from pathlib import Path

import numpy as np
from PIL import Image

folder, height, width = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
folder.mkdir()
for path in sorted(Path("pictures").glob("*.jpg")):
    image = Image.open(path).convert("RGB").resize((width, height))
    np.asarray(image, np.float32).transpose(2, 0, 1).tofile(folder / f"{path.stem}.rgb")
