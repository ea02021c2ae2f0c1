/* Layers that only training and its tests need: dropped, with a note. Silence is dropped without one. */
#include "front/caffe/layer.h"

#define TRAINING(id, name, v1_name, v0_name, label_bottom) \
    const struct caffe_layer vn_caffe_##id = { .type = name, \
                                               .v1 = v1_name, \
                                               .v0 = v0_name, \
                                               .onnx = "removed, with a note", \
                                               .fate = CAFFE_TRAINING, \
                                               .label = label_bottom, \
                                               .max_bottom = -1, \
                                               .max_top = -1 }
TRAINING(accuracy, "Accuracy", "ACCURACY", "accuracy", 1);
TRAINING(contrastiveloss, "ContrastiveLoss", "CONTRASTIVE_LOSS", NULL, 0);
TRAINING(detectionevaluate, "DetectionEvaluate", NULL, NULL, 0);
TRAINING(euclideanloss, "EuclideanLoss", "EUCLIDEAN_LOSS", "euclidean_loss", 0);
TRAINING(hdf5output, "HDF5Output", "HDF5_OUTPUT", "hdf5_output", 0);
TRAINING(hingeloss, "HingeLoss", "HINGE_LOSS", "hinge_loss", 1);
TRAINING(infogainloss, "InfogainLoss", "INFOGAIN_LOSS", "infogain_loss", 1);
TRAINING(multiboxloss, "MultiBoxLoss", NULL, NULL, 0);
TRAINING(multinomiallogisticloss, "MultinomialLogisticLoss", "MULTINOMIAL_LOGISTIC_LOSS",
         "multinomial_logistic_loss", 1);
TRAINING(sigmoidcrossentropyloss, "SigmoidCrossEntropyLoss", "SIGMOID_CROSS_ENTROPY_LOSS", NULL, 1);
TRAINING(smoothl1loss, "SmoothL1Loss", NULL, NULL, 0);
TRAINING(softmaxwithloss, "SoftmaxWithLoss", "SOFTMAX_LOSS", "softmax_loss", 1);

const struct caffe_layer vn_caffe_silence = { .type = "Silence",
                                              .v1 = "SILENCE",
                                              .onnx = "dropped",
                                              .fate = CAFFE_SILENT,
                                              .min_bottom = 1,
                                              .max_bottom = -1,
                                              .max_top = -1 };
