#!/bin/sh
# The manual's steps on an ONNX network that is fed feature maps, in the current folder.
set -ex
name=net_feature
out=model_output

hb_mapper checker --model-type onnx --march bernoulli2 --model net.onnx
hb_mapper makertbin -c $name.yaml --model-type onnx
hb_mapper makertbin --fast-perf --model net.onnx --model-type onnx --march bayes-e

for stage in original_float optimized_float quantized; do
    python3 inference.py feature $out/${name}_${stage}_model.onnx feature.npy
done
python3 inference.py feature $out/$name.bin feature.npy

hb_verifier -m $out/${name}_quantized_model.onnx,$out/$name.bin -i feature.bin
hb_model_info $out/$name.bin
hb_perf $out/$name.bin
hrt_model_exec model_info --model_file $out/$name.bin
hrt_model_exec infer --model_file $out/$name.bin --input_file feature.bin --enable_dump --dump_precision 6
hrt_model_exec infer --model_file $out/$name.bin --input_file feature.txt --dump_intermediate 2
hrt_model_exec perf --model_file $out/$name.bin --frame_count 20 --profile_path .
hb_model_modifier $out/$name.bin
hb_model_modifier $out/$name.bin -a Quantize -o raw.bin
hrt_model_exec model_info --model_file raw.bin
