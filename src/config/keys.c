/* Every key of the configuration. The file format is that of the vendor flow's generations A and B;
 * `pipeline` is ours. */
#include "config/config.h"

#define MODEL "model_parameters"
#define INPUT "input_parameters"
#define CALIB "calibration_parameters"
#define COMPILER "compiler_parameters"
#define CUSTOM "custom_op"

const struct key vn_keys[] = {
    { MODEL, "onnx_model", KEY_TEXT, KEY_WORKS, NULL, .excludes = "caffe_model",
      .help = "path of the float ONNX model" },
    { MODEL, "caffe_model", KEY_TEXT, KEY_WORKS, NULL, .excludes = "onnx_model",
      .help = "path of the caffemodel of a Caffe network" },
    { MODEL, "prototxt", KEY_TEXT, KEY_WORKS, NULL, .excludes = "onnx_model",
      .help = "path of the prototxt of a Caffe network" },
    { MODEL, "march", KEY_TEXT, KEY_WORKS, "generic", .help = "target: a name in targets/" },
    { MODEL, "output_model_file_prefix", KEY_TEXT, KEY_WORKS, "model",
      .help = "prefix of the products' file names" },
    { MODEL, "working_dir", KEY_TEXT, KEY_WORKS, "model_output",
      .help = "folder of the products; created if absent" },
    { MODEL, "quantized_layout", KEY_CHOICE, KEY_WORKS, "march", vn_words_quantized_layout,
      .help = "layout of the inputs of the quantized model and the .bin: march: as the vendor's tools write "
              "it (bayes and bayes-e: N,H,W,C for nv12; bernoulli2: for all 4-D inputs); original: the "
              "training layout" },
    { MODEL, "layer_out_dump", KEY_BOOL, KEY_WORKS, "False",
      .help = "write PREFIX_quantized_model_conv_output_map.json, which hrt_bin_dump reads" },
    { MODEL, "output_nodes", KEY_LIST, KEY_WORKS, NULL,
      .help = "outputs that replace the model's: names of tensors, or of nodes for their results" },
    { MODEL, "remove_node_type", KEY_LIST, KEY_WORKS, NULL, vn_words_remove_type,
      .help = "types of nodes to remove at the inputs and outputs of the .bin, in this order" },
    { MODEL, "remove_node_name", KEY_LIST, KEY_WORKS, NULL,
      .help = "nodes to remove at the inputs and outputs of the .bin, in this order" },
    { MODEL, "set_node_data_type", KEY_TEXT, KEY_WORKS, NULL,
      .help = "result types: 'NODE:int16;NODE:int8'; see node_info" },
    { MODEL, "debug_mode", KEY_CHOICE, KEY_WORKS, NULL, vn_words_debug_mode,
      .help = "save the calibration inputs as .npy" },
    { MODEL, "node_info", KEY_TREE, KEY_WORKS, NULL,
      .help = "{'NODE': {'ON': 'BPU', 'InputType': 'int16', 'InputType1': 'int8', 'OutputType': 'int16'}}, "
              "or 'NODE:int16;NODE:int8'; or auto: the best plan of tune with --latency-ratio 1.2; 'auto "
              "latency_ratio=1.1', size_ratio=R or max_drop=P set another limit" },
    { MODEL, "log_level", KEY_TEXT, KEY_VENDOR, NULL, .help = "deprecated" },
    { MODEL, "enable_vpu", KEY_BOOL, KEY_VENDOR, NULL, .help = "vendor hardware" },
    { MODEL, "enable_spu", KEY_BOOL, KEY_VENDOR, NULL, .help = "vendor hardware" },

    { INPUT, "input_name", KEY_LIST, KEY_WORKS, NULL,
      .help = "names of the inputs, in the order of the lists below" },
    { INPUT, "input_type_train", KEY_LIST, KEY_WORKS, NULL, vn_words_input_type_train,
      .help = "type of the training input" },
    { INPUT, "input_layout_train", KEY_LIST, KEY_WORKS, NULL, vn_words_layout,
      .help = "layout of the network's input" },
    { INPUT, "input_type_rt", KEY_LIST, KEY_WORKS, NULL, vn_words_input_type_rt,
      .help = "type of the device's input" },
    { INPUT, "input_layout_rt", KEY_LIST, KEY_WORKS, NULL, vn_words_layout,
      .help = "layout of the device's input; omit for nv12; NHWC for a 4-D featuremap: the quantized model "
              "and the .bin then take N,H,W,C" },
    { INPUT, "input_space_and_range", KEY_LIST, KEY_WORKS, "regular", vn_words_value_range,
      .help = "range of nv12: regular = full" },
    { INPUT, "input_shape", KEY_LIST, KEY_WORKS, NULL, .help = "1x3x224x224; required for dynamic inputs" },
    { INPUT, "input_value", KEY_LIST, KEY_WORKS, NULL,
      .help = "constants for inputs that are not listed above: 'sr=16000; flags=1,0,1'" },
    { INPUT, "input_batch", KEY_INT, KEY_WORKS, "1", .min = 1, .max = 4096,
      .help = "batch size of the .bin; the ONNX files keep batch 1" },
    { INPUT, "norm_type", KEY_LIST, KEY_WORKS, "no_preprocess", vn_words_norm_type,
      .help = "normalization in the preprocess node" },
    { INPUT, "mean_value", KEY_NUMBERS, KEY_WORKS, NULL,
      .needs = "norm_type=data_mean|data_mean_and_scale|data_mean_and_std", .idle = "0",
      .help = "mean to subtract, in pixels (0..255)" },
    { INPUT, "scale_value", KEY_NUMBERS, KEY_WORKS, NULL, .needs = "norm_type=data_scale|data_mean_and_scale",
      .idle = "1", .help = "factor, applied after the mean" },
    { INPUT, "std_value", KEY_NUMBERS, KEY_WORKS, NULL, .needs = "norm_type=data_std|data_mean_and_std",
      .idle = "1", .excludes = "scale_value", .help = "divisor, applied after the mean" },
    { INPUT, "separate_batch", KEY_BOOL, KEY_WORKS, "False",
      .help = "with input_batch: the .bin has one input per image: NAME_0, NAME_1, ..." },
    { INPUT, "separate_name", KEY_LIST, KEY_WORKS, NULL, .excludes = "separate_batch",
      .help = "separate_batch for these inputs only" },

    { CALIB, "cal_data_dir", KEY_LIST, KEY_WORKS, NULL, .help = "one folder per input" },
    { CALIB, "cal_data_type", KEY_LIST, KEY_WORKS, NULL, vn_words_cal_data_type,
      .help = "type of raw calibration files" },
    { CALIB, "preprocess_on", KEY_BOOL, KEY_WORKS, "False",
      .help = "cal_data_dir holds images: decode them and resize them to the input size; in a mixed model, "
              "the folders of featuremap inputs hold arrays" },
    { CALIB, "pipeline", KEY_TEXT, KEY_WORKS, NULL, .needs = "preprocess_on=True",
      .help = "image steps instead of a plain resize: 'short_side 256; center_crop 224', or a YAML file "
              "(docs/alignment.md)" },
    { CALIB, "calibration_type", KEY_CHOICE, KEY_WORKS, "default", vn_words_calibration_type,
      .help = "calibration method" },
    { CALIB, "max_percentile", KEY_FLOAT, KEY_WORKS, "1.0", .min = 0.5, .max = 1,
      .needs = "calibration_type=max", .idle = "*", .help = "fraction of the values within the threshold" },
    { CALIB, "search", KEY_CHOICE, KEY_WORKS, "held", vn_words_search, .needs = "calibration_type=default",
      .idle = "held",
      .help = "how calibration_type default selects a method: held: by samples held out from the range "
              "calibration; vendor: by the vendor's five steps, on the first sample" },
    { CALIB, "effort", KEY_CHOICE, KEY_WORKS, "normal", vn_words_effort,
      .needs = "calibration_type=default|max|kl|mse|mix", .idle = "*",
      .help = "fast: default tries max only; high: also tries rounding and sequential_bias, and keeps each "
              "if it helps on held-out samples (takes minutes)" },
    { CALIB, "rounding", KEY_CHOICE, KEY_WORKS, "auto", vn_words_refine,
      .needs = "calibration_type=default|max|kl|mse|mix", .idle = "*",
      .help = "round weights to minimize the change of their layer's output, instead of each to nearest; "
              "auto: with effort high, if it helps" },
    { CALIB, "sequential_bias", KEY_CHOICE, KEY_WORKS, "auto", vn_words_refine,
      .needs = "calibration_type=default|max|kl|mse|mix", .idle = "*",
      .help = "correct biases for the shift of channel means that all preceding layers cause; auto: with "
              "effort high, if it helps" },
    { CALIB, "bottlenecks", KEY_CHOICE, KEY_WORKS, "auto", vn_words_refine,
      .needs = "calibration_type=default|max|kl|mse|mix", .idle = "*",
      .help = "hold tensors in int16 if the nodes that read them amplify the error of rounding them to int8; "
              "auto: with calibration_type default, if it gains 3 dB or more on held-out samples" },
    { CALIB, "per_channel", KEY_BOOL, KEY_WORKS, "False", .needs = "calibration_type=default|max|kl|mse|mix",
      .idle = "False",
      .help = "per-channel activation scales, powers of two apart, for tensors between operators with "
              "constant weights; no cost at run time" },
    { CALIB, "equalization", KEY_CHOICE, KEY_WORKS, "auto", vn_words_equalization,
      .help = "equalize channel ranges before depthwise convolutions, by powers of two; auto: if it gains 1 "
              "dB or more" },
    { CALIB, "run_on_cpu", KEY_LIST, KEY_WORKS, NULL, .help = "nodes to keep in float" },
    { CALIB, "run_on_bpu", KEY_LIST, KEY_WORKS, NULL,
      .help = "nodes to quantize even if the target keeps them in float" },
    { CALIB, "optimization", KEY_TEXT, KEY_WORKS, NULL,
      .help = "comma-separated: set_model_output_int8, set_model_output_int16, set_all_nodes_int16, "
              "set_KIND_input_int16, set_KIND_output_int8, ..., asymmetric, bias_correction, run_fast (every "
              "node that has an integer form computes in integers), lstm_batch_last (an LSTM reads its "
              "weights once for all sequences of a batch, using more working memory)" },
    { CALIB, "quant_config", KEY_TEXT, KEY_WORKS, NULL,
      .help =
          "JSON, or the path of a JSON file: model_config, op_config and node_config, with types (qtype)" },

    { COMPILER, "compile_mode", KEY_CHOICE, KEY_WORKS, "latency", vn_words_compile_mode,
      .help = "instruction order: latency: that of the network; bandwidth: least working memory; balance: in "
              "between (balance_factor)" },
    { COMPILER, "balance_factor", KEY_INT, KEY_WORKS, NULL, .min = 0, .max = 100,
      .needs = "compile_mode=balance", .idle = "*", .help = "0 (bandwidth) to 100 (latency)" },
    { COMPILER, "debug", KEY_BOOL, KEY_WORKS, "True", .help = "per-layer figures on the page of hb_perf" },
    { COMPILER, "core_num", KEY_INT, KEY_VENDOR, "1", .min = 1, .max = 4,
      .help = "vendor hardware; the number of threads is chosen at run time" },
    { COMPILER, "optimize_level", KEY_CHOICE, KEY_WORKS, "O3", vn_words_optimize_level,
      .help = "fusion level; results are equal at every level" },
    { COMPILER, "input_source", KEY_MAP, KEY_WORKS, NULL,
      .help = "{NAME: ddr}, or pyramid (default of nv12 and gray), or resizer" },
    { COMPILER, "max_time_per_fc", KEY_INT, KEY_VENDOR, "0", .min = 0, .max = 4294967295.0,
      .help = "vendor hardware" },
    { COMPILER, "jobs", KEY_INT, KEY_VENDOR, NULL, .min = 1, .max = 1024,
      .help = "vendor compiler; use --threads" },
    { COMPILER, "advice", KEY_INT, KEY_WORKS, "0", .min = 0, .max = 1e9,
      .help = "list the instructions that take this many microseconds longer than the roofline predicts; 0: "
              "none" },
    { COMPILER, "cache_mode", KEY_CHOICE, KEY_VENDOR, "disable", vn_words_cache_mode,
      .help = "vendor compiler" },
    { COMPILER, "cache_path", KEY_TEXT, KEY_VENDOR, NULL, .help = "vendor compiler" },
    { COMPILER, "max_l2m_size", KEY_INT, KEY_VENDOR, "0", .min = 0, .max = 25165824,
      .help = "vendor hardware" },
    { COMPILER, "ability_entry", KEY_TEXT, KEY_VENDOR, NULL, .help = "vendor compiler" },
    { COMPILER, "extra_params", KEY_TREE, KEY_VENDOR, NULL, .help = "vendor compiler" },

    { CUSTOM, "custom_op_method", KEY_CHOICE, KEY_WORKS, NULL, vn_words_custom_op_method,
      .help = "register: requires op_register_files" },
    { CUSTOM, "op_register_files", KEY_LIST, KEY_WORKS, NULL,
      .help = "shared libraries of custom operators: 'a.so;b.so' (docs/custom-operators.md)" },
    { CUSTOM, "custom_op_dir", KEY_TEXT, KEY_WORKS, NULL,
      .help = "folder of op_register_files, relative to this file" },
};
const int vn_keys_count = sizeof vn_keys / sizeof *vn_keys;
