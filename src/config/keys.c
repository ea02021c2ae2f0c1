/* Every key of the configuration. The file format is that of the vendor flow's generations A and B; `pipeline` is ours. */
#include "config/config.h"

#define MODEL "model_parameters"
#define INPUT "input_parameters"
#define CALIB "calibration_parameters"
#define COMPILER "compiler_parameters"
#define CUSTOM "custom_op"

const struct key vn_keys[] = {
    { MODEL, "onnx_model", KEY_TEXT, KEY_WORKS, NULL, .excludes = "caffe_model", .help = "path of the float ONNX model" },
    { MODEL, "caffe_model", KEY_TEXT, KEY_WORKS, NULL, .excludes = "onnx_model", .help = "path of the trained weights of a Caffe network" },
    { MODEL, "prototxt", KEY_TEXT, KEY_WORKS, NULL, .excludes = "onnx_model", .help = "path of the Caffe network's text" },
    { MODEL, "march", KEY_TEXT, KEY_WORKS, "generic", .help = "target: a name in targets/" },
    { MODEL, "output_model_file_prefix", KEY_TEXT, KEY_WORKS, "model", .help = "first part of every product's name" },
    { MODEL, "working_dir", KEY_TEXT, KEY_WORKS, "model_output", .help = "folder of the products; made where it is missing" },
    { MODEL, "layer_out_dump", KEY_BOOL, KEY_WORKS, "False", .help = "no effect on results: every tensor of a .bin can be dumped here" },
    { MODEL, "output_nodes", KEY_LIST, KEY_LATER, NULL, .help = "these tensors become all outputs" },
    { MODEL, "remove_node_type", KEY_LIST, KEY_LATER, NULL, .help = "kinds of nodes to drop at inputs and outputs" },
    { MODEL, "remove_node_name", KEY_LIST, KEY_LATER, NULL, .help = "nodes to drop at inputs and outputs" },
    { MODEL, "set_node_data_type", KEY_TEXT, KEY_WORKS, NULL, .help = "'NODE:int16;NODE:int8': types of results; node_info says more" },
    { MODEL, "debug_mode", KEY_CHOICE, KEY_WORKS, NULL, vn_words_debug_mode, .help = "keep the calibration inputs as .npy" },
    { MODEL, "node_info", KEY_TREE, KEY_WORKS, NULL,
      .help = "{'NODE': {'ON': 'BPU', 'InputType': 'int16', 'InputType1': 'int8', 'OutputType': 'int16'}}, or 'NODE:int16;NODE:int8'" },
    { MODEL, "log_level", KEY_TEXT, KEY_VENDOR, NULL, .help = "deprecated" },
    { MODEL, "enable_vpu", KEY_BOOL, KEY_VENDOR, NULL, .help = "vendor hardware" },
    { MODEL, "enable_spu", KEY_BOOL, KEY_VENDOR, NULL, .help = "vendor hardware" },

    { INPUT, "input_name", KEY_LIST, KEY_WORKS, NULL, .help = "inputs in the order of the lists below" },
    { INPUT, "input_type_train", KEY_LIST, KEY_WORKS, NULL, vn_words_input_type_train, .help = "what the network was trained on" },
    { INPUT, "input_layout_train", KEY_LIST, KEY_WORKS, NULL, vn_words_layout, .help = "layout of the network's input" },
    { INPUT, "input_type_rt", KEY_LIST, KEY_WORKS, NULL, vn_words_input_type_rt, .help = "what the device gives" },
    { INPUT, "input_layout_rt", KEY_LIST, KEY_WORKS, NULL, vn_words_layout, .help = "layout of the device's bytes; leave out for nv12" },
    { INPUT, "input_space_and_range", KEY_LIST, KEY_WORKS, "regular", vn_words_value_range, .help = "range of nv12: regular = full" },
    { INPUT, "input_shape", KEY_LIST, KEY_WORKS, NULL, .help = "1x3x224x224; needed for dynamic inputs" },
    { INPUT, "input_batch", KEY_INT, KEY_LATER, "1", .min = 1, .max = 4096, .help = "batch of the .bin" },
    { INPUT, "norm_type", KEY_LIST, KEY_WORKS, "no_preprocess", vn_words_norm_type,
      .help = "what the preprocess node does beside colours" },
    { INPUT, "mean_value", KEY_NUMBERS, KEY_WORKS, NULL, .needs = "norm_type=data_mean|data_mean_and_scale", .help = "subtracted, in pixels (0..255)" },
    { INPUT, "scale_value", KEY_NUMBERS, KEY_WORKS, NULL, .needs = "norm_type=data_scale|data_mean_and_scale", .help = "multiplies after mean" },
    { INPUT, "std_value", KEY_NUMBERS, KEY_LATER, NULL, .excludes = "scale_value", .help = "divides after mean" },
    { INPUT, "separate_batch", KEY_BOOL, KEY_LATER, "False", .help = "one input per batch element" },
    { INPUT, "separate_name", KEY_LIST, KEY_LATER, NULL, .help = "inputs to separate" },

    { CALIB, "cal_data_dir", KEY_LIST, KEY_WORKS, NULL, .help = "one folder per input" },
    { CALIB, "cal_data_type", KEY_LIST, KEY_WORKS, NULL, vn_words_cal_data_type, .help = "type of raw calibration files" },
    { CALIB, "preprocess_on", KEY_BOOL, KEY_WORKS, "False", .help = "the folder holds pictures: decode, and resize to the input" },
    { CALIB, "pipeline", KEY_TEXT, KEY_WORKS, NULL, .needs = "preprocess_on=True", .help = "steps for the pictures instead of a plain resize: 'short_side 256; center_crop 224', or a YAML file (docs/alignment.md)" },
    { CALIB, "calibration_type", KEY_CHOICE, KEY_WORKS, "default", vn_words_calibration_type, .help = "how thresholds are found" },
    { CALIB, "max_percentile", KEY_FLOAT, KEY_WORKS, "1.0", .min = 0.5, .max = 1, .needs = "calibration_type=max", .help = "share of values inside the threshold" },
    { CALIB, "per_channel", KEY_BOOL, KEY_LATER, "False", .needs = "calibration_type=max|kl", .help = "activations per channel" },
    { CALIB, "run_on_cpu", KEY_LIST, KEY_WORKS, NULL, .help = "nodes that stay float" },
    { CALIB, "run_on_bpu", KEY_LIST, KEY_WORKS, NULL, .help = "nodes to quantize where the target would leave them float" },
    { CALIB, "optimization", KEY_TEXT, KEY_WORKS, NULL, .help = "comma list: set_model_output_int8, set_model_output_int16, set_all_nodes_int16, set_KIND_input_int16, set_KIND_output_int8, ..., asymmetric, bias_correction" },
    { CALIB, "quant_config", KEY_TEXT, KEY_WORKS, NULL, .help = "JSON, or the path of a JSON file: model_config, op_config and node_config with types (qtype)" },

    { COMPILER, "compile_mode", KEY_CHOICE, KEY_VENDOR, "latency", vn_words_compile_mode, .help = "vendor hardware" },
    { COMPILER, "balance_factor", KEY_INT, KEY_VENDOR, NULL, .min = 0, .max = 100, .needs = "compile_mode=balance", .help = "vendor hardware" },
    { COMPILER, "debug", KEY_BOOL, KEY_VENDOR, "True", .help = "layer names are always in the .bin" },
    { COMPILER, "core_num", KEY_INT, KEY_VENDOR, "1", .min = 1, .max = 4, .help = "vendor hardware; threads are chosen when the .bin runs" },
    { COMPILER, "optimize_level", KEY_CHOICE, KEY_WORKS, "O3", vn_words_optimize_level, .help = "fusion; results are the same at every level" },
    { COMPILER, "input_source", KEY_TREE, KEY_VENDOR, NULL, .help = "vendor hardware" },
    { COMPILER, "max_time_per_fc", KEY_INT, KEY_VENDOR, "0", .min = 0, .max = 4294967295.0, .help = "vendor hardware" },
    { COMPILER, "jobs", KEY_INT, KEY_VENDOR, NULL, .min = 1, .max = 1024, .help = "vendor compiler; use --threads" },
    { COMPILER, "advice", KEY_INT, KEY_VENDOR, "0", .min = 0, .max = 1e9, .help = "vendor compiler" },
    { COMPILER, "cache_mode", KEY_CHOICE, KEY_VENDOR, "disable", vn_words_cache_mode, .help = "vendor compiler" },
    { COMPILER, "cache_path", KEY_TEXT, KEY_VENDOR, NULL, .help = "vendor compiler" },
    { COMPILER, "max_l2m_size", KEY_INT, KEY_VENDOR, "0", .min = 0, .max = 25165824, .help = "vendor hardware" },
    { COMPILER, "ability_entry", KEY_TEXT, KEY_VENDOR, NULL, .help = "vendor compiler" },
    { COMPILER, "extra_params", KEY_TREE, KEY_VENDOR, NULL, .help = "vendor compiler" },

    { CUSTOM, "custom_op_method", KEY_CHOICE, KEY_LATER, NULL, vn_words_custom_op_method, .help = "operators in Python" },
    { CUSTOM, "op_register_files", KEY_LIST, KEY_LATER, NULL, .help = "operators in Python" },
    { CUSTOM, "custom_op_dir", KEY_TEXT, KEY_LATER, NULL, .help = "operators in Python" },
};
const int vn_keys_count = sizeof vn_keys / sizeof *vn_keys;
