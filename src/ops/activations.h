/* ops/activations.h - attributes of functions of one value that passes fill in. */
#ifndef VN_ACTIVATIONS_H
#define VN_ACTIVATIONS_H

struct hardsigmoid_attrs {
    float alpha, beta;
};
struct swish_attrs {
    float alpha;
};
struct gelu_attrs {
    int approximate; /* 1: by tanh */
};

#endif
