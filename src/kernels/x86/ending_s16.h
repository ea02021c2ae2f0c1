/* kernels/x86/ending_s16.h - how an int16 convolution makes float32 from its sums, rounded once.
 *
 * A sum is high * 2^16 + rest + bias. Each run of products adds a number of 16 bits with sign to `high` and
 * one without to `rest`, and so does the bias; with up to MOST_RUNS of them on each of two lanes, both have
 * at most 24 bits. */
#ifndef VN_KERNELS_X86_ENDING_S16_H
#define VN_KERNELS_X86_ENDING_S16_H

#define MOST_RUNS 127

enum ending {
    IN_32_BITS, /* the whole sum fits */
    FEW_RUNS,
    MANY_RUNS
};

#endif
