#!/bin/sh
# The manual's steps on a Caffe network whose device input is NV12, in the current folder.
set -ex
name=net_nv12
out=model_output

# 1. which operators run where
hb_mapper checker --model-type caffe --march bayes-e --proto net.prototxt --model net.caffemodel \
    --input-shape input 1x3x240x320 --output checked.onnx
test -s hb_mapper_checker.log

# 2. calibration data: raw float32 files without a header
python3 preprocess.py calibration_data_rgb_f32 240 320

# 3. convert
hb_mapper makertbin --config $name.yaml --model-type caffe
test -s hb_mapper_makertbin.log
for stage in original_float optimized_float calibrated quantized; do
    test -s $out/${name}_${stage}_model.onnx
done
hb_mapper infer --config $name.yaml --model-file $out/${name}_quantized_model.onnx --model-type caffe \
    --image-file input sample.jpg --input-layout NCHW --output-dir layers
ls layers/*_float.bin

# 4. three stages in Python
for stage in original_float optimized_float quantized; do
    python3 inference.py image $out/${name}_${stage}_model.onnx sample.jpg
done

# 5. the program
hb_verifier -m $out/${name}_quantized_model.onnx,$out/$name.bin -i sample.jpg -s True
hb_model_verifier -q $out/${name}_quantized_model.onnx -b $out/$name.bin -i sample.jpg -d 5
hb_model_info $out/$name.bin
hb_perf $out/$name.bin
ls hb_perf_result/$name/$name.html
hrt_model_exec model_info --model_file=$out/$name.bin
hrt_model_exec infer --model_file=$out/$name.bin --input_file=sample.jpg --enable_dump=true --dump_format=txt
test -s model_infer_output_0.txt
hrt_model_exec perf --model_file=$out/$name.bin --core_id=0 --thread_num=2 --frame_count=20 --profile_path=.
grep -q FPS profiler.log
test -s profiler.csv

# 6. edge nodes off
hb_model_modifier $out/$name.bin
hb_model_modifier $out/$name.bin -a Dequantize -a Transpose
hb_model_info $out/${name}_modified.bin
hrt_model_exec infer --model_file=$out/${name}_modified.bin --input_file=sample.jpg \
    --enable_dump=true --hybrid_dequantize_process=true
