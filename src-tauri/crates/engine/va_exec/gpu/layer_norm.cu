// Layer normalisation over the last dimension: one block a row. `moments` is `[rows, 2]`: mean and inverse deviation.
#include "columns.cuh"

extern "C" __global__ void layer_norm_moments(float* moments, const value* x, float eps, unsigned channels) {
    __shared__ float shared[ROW_THREADS];
    const value* row = x + (size_t)blockIdx.x * channels;
    float sum = 0.0f;
    for (unsigned c = threadIdx.x; c < channels; c += ROW_THREADS) sum += wide(row[c]);
    float mean = block_sum(sum, shared) / (float)channels;
    float square = 0.0f;
    for (unsigned c = threadIdx.x; c < channels; c += ROW_THREADS) {
        float d = wide(row[c]) - mean;
        square += d * d;
    }
    float var = block_sum(square, shared) / (float)channels;
    if (threadIdx.x == 0) {
        moments[2 * (size_t)blockIdx.x] = mean;
        moments[2 * (size_t)blockIdx.x + 1] = 1.0f / sqrtf(var + eps);
    }
}
KERNEL_WITH_BARRIERS(layer_norm_moments)

// `affine` is beta, then gamma.
extern "C" __global__ void layer_norm(value* y, const value* x, const float* affine, const float* moments, unsigned channels, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % channels;
    const float* moment = moments + 2 * (size_t)(i / channels);
    y[i] = narrow((wide(x[i]) - moment[0]) * moment[1] * affine[channels + c] + affine[c]);
}
KERNEL(layer_norm)

template <unsigned N> __device__ __forceinline__ void grad_sums(const Strip<N>& strip, float* part, const value* x, const value* dy, const float* moments) {
    Numbers<N> plain = all<N>(0.0f), scaled = plain;
    strip.each_row([&](unsigned row, size_t at) {
        float mean = moments[2 * (size_t)row], inverse = moments[2 * (size_t)row + 1];
        Numbers<N> v = strip.load(x, at), g = strip.load(dy, at);
        plain = map([](float sum, float g) { return sum + g; }, plain, g);
        scaled = map([=](float sum, float g, float v) { return sum + g * (v - mean) * inverse; }, scaled, g, v);
    });
    sum_rows(strip, scaled, [=](unsigned c, float sum) { part[c] = sum; });
    sum_rows(strip, plain, [=](unsigned c, float sum) { part[strip.channels + c] = sum; });
}

// `Σ dy · x̂` and `Σ dy` of part `blockIdx.y` into `[parts, 2, channels]`.
extern "C" __global__ void layer_norm_grad_sums(Columns columns, float* parts, const value* x, const value* dy, const float* moments) {
    float* part = parts + (size_t)blockIdx.y * 2 * columns.channels;
    columns.run([=](auto strip) { grad_sums(strip, part, x, dy, moments); });
}
KERNEL_WITH_BARRIERS(layer_norm_grad_sums)

// dy becomes dx.
extern "C" __global__ void layer_norm_input_grad(value* dy, const value* x, const float* gamma, const float* moments, unsigned channels) {
    __shared__ float shared[ROW_THREADS];
    size_t at = (size_t)blockIdx.x * channels;
    float mean = moments[2 * (size_t)blockIdx.x], inv = moments[2 * (size_t)blockIdx.x + 1];
    float plain = 0.0f, scaled = 0.0f;
    for (unsigned c = threadIdx.x; c < channels; c += ROW_THREADS) {
        float g = wide(dy[at + c]) * gamma[c];
        plain += g;
        scaled += g * (wide(x[at + c]) - mean);
    }
    float level = block_sum(plain, shared) / (float)channels;
    float slope = block_sum(scaled, shared) * inv * inv / (float)channels;
    for (unsigned c = threadIdx.x; c < channels; c += ROW_THREADS) {
        float g = wide(dy[at + c]) * gamma[c];
        dy[at + c] = narrow(inv * (g - level - (wide(x[at + c]) - mean) * slope));
    }
}
KERNEL_WITH_BARRIERS(layer_norm_input_grad)
