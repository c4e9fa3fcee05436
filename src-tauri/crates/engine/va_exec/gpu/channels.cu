// One number a channel on `[rows, channels]`: factors, biases, and sums of columns in parts that are joined in order.
#include "function.cuh"

extern "C" __global__ void channel_scale(value* y, const value* x, const float* gamma, unsigned channels, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = narrow(wide(x[i]) * gamma[i % channels]);
}
KERNEL(channel_scale)

// `bias` may be null.
extern "C" __global__ void epilogue(value* y, const float* bias, unsigned code, unsigned channels, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    float v = wide(y[i]);
    if (bias) v += bias[i % channels];
    y[i] = narrow(activate(code, v));
}
KERNEL(epilogue)

// Sums of the columns of x, or of x · f where f is not null, of part `blockIdx.y` into `[parts, channels]`.
extern "C" __global__ void column_sums(float* parts, const value* x, const value* f, unsigned rows, unsigned channels, unsigned rows_per_part) {
    __shared__ float shared[LANES * ROWS];
    unsigned c = blockIdx.x * LANES + threadIdx.x % LANES;
    unsigned first = blockIdx.y * rows_per_part;
    unsigned end = min(rows, first + rows_per_part);
    float sum = 0.0f;
    if (c < channels) {
        for (unsigned r = first + threadIdx.x / LANES; r < end; r += ROWS) {
            size_t at = (size_t)r * channels + c;
            sum += f ? wide(x[at]) * wide(f[at]) : wide(x[at]);
        }
    }
    sum = sum_of_rows(sum, shared);
    if (threadIdx.x < LANES && c < channels) parts[(size_t)blockIdx.y * channels + c] = sum;
}
KERNEL_WITH_BARRIERS(column_sums)

// `y (+)= Σ parts`, one thread a number.
extern "C" __global__ void join_parts(float* y, const float* parts, unsigned count, unsigned accumulate, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    double sum = 0.0;
    for (unsigned part = 0; part < count; part++) sum += parts[(size_t)part * len + i];
    y[i] = (float)(accumulate ? y[i] + sum : sum);
}
KERNEL(join_parts)
