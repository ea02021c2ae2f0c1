"""Int8 models by the quantizers of other tools, all from the same float ONNX model and the same samples.

A quantizer takes a float model, samples (a list of {input: array}), the file to write and whether the network
is a transformer. `QUANTIZERS` names them with their settings: benchmarks of speed and accuracy choose there.
"""
from pathlib import Path

MIN_OPSET = 13  # onnxruntime quantizes per channel from here on


class Reader:
    """Samples as onnxruntime's calibration asks for them."""

    def __init__(self, samples):
        self.samples, self.rest = samples, iter(samples)

    def get_next(self):
        return next(self.rest, None)

    def rewind(self):
        self.rest = iter(self.samples)


def onnxruntime_static(model, samples, out, transformer=False, method="MinMax"):
    """quantize_static, as its documentation recommends for x86: preprocessed, QDQ, uint8 activations, int8
    weights per channel. Transformers have no setting of their own."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType
    from onnxruntime.quantization import quant_pre_process, quantize_static
    out = Path(out)
    source, prepared = onnx.load(model), out.with_suffix(".prepared.onnx")
    if next(o.version for o in source.opset_import if o.domain in ("", "ai.onnx")) < MIN_OPSET:
        source = onnx.version_converter.convert_version(source, MIN_OPSET)
    onnx.save(source, prepared)
    quant_pre_process(str(prepared), str(prepared), skip_symbolic_shape=True)
    quantize_static(str(prepared), str(out), Reader(samples), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=getattr(CalibrationMethod, method))
    prepared.unlink()


def nncf_ptq(model, samples, out, transformer=False, fast_bias_correction=True):
    """nncf.quantize on OpenVINO's form of the model; `out` is its .xml. convert_model folds what biases are
    computed from; of Core.read_model, NNCF finds none to correct. Transformers without SmoothQuant: with it,
    segformer_b0 has 5 dB in place of 36."""
    import nncf
    import openvino
    names = list(samples[0])
    network = openvino.convert_model(str(model))
    data = nncf.Dataset(samples, lambda s: [s[n] for n in names])
    kind = nncf.ModelType.TRANSFORMER if transformer else None
    smooth = nncf.AdvancedSmoothQuantParameters(convolution=-1, matmul=-1)
    advanced = nncf.AdvancedQuantizationParameters(smooth_quant_alphas=smooth)
    quantized = nncf.quantize(network, data, subset_size=len(samples), model_type=kind,
                              fast_bias_correction=fast_bias_correction, advanced_parameters=advanced)
    openvino.save_model(quantized, str(out), compress_to_fp16=False)


# name: function, settings, suffix of the file
QUANTIZERS = {
    "onnxruntime minmax": (onnxruntime_static, {"method": "MinMax"}, ".onnx"),
    "onnxruntime entropy": (onnxruntime_static, {"method": "Entropy"}, ".onnx"),
    "onnxruntime percentile": (onnxruntime_static, {"method": "Percentile"}, ".onnx"),
    "nncf fast": (nncf_ptq, {"fast_bias_correction": True}, ".xml"),
    "nncf accurate": (nncf_ptq, {"fast_bias_correction": False}, ".xml"),
}


def quantize(name, model, samples, folder, transformer=False):
    """The quantized model, in a folder."""
    function, settings, suffix = QUANTIZERS[name]
    out = Path(folder) / f"int8{suffix}"
    function(model, samples, out, transformer, **settings)
    return out
