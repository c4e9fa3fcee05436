// The row-wise parts of attention; the products around them are cuBLAS's. One block a row of scores.
#include "number.cuh"

// `p = softmax(scale · s)` along rows of `width`.
extern "C" __global__ void softmax(value* p, const float* s, float scale, unsigned width) {
    __shared__ float shared[ROW_THREADS / WARP_THREADS];
    const float* row = s + (size_t)blockIdx.x * width;
    value* out = p + (size_t)blockIdx.x * width;
    float max = -CUDART_INF_F;
    for (unsigned i = threadIdx.x; i < width; i += ROW_THREADS) max = fmaxf(max, row[i]);
    max = block_max(max, shared);
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < width; i += ROW_THREADS) sum += expf((row[i] - max) * scale);
    float inverse = 1.0f / block_sum(sum, shared);
    for (unsigned i = threadIdx.x; i < width; i += ROW_THREADS) out[i] = narrow(expf((row[i] - max) * scale) * inverse);
}
KERNEL_WITH_BARRIERS(softmax)

// `ds = scale · p · (dp - Σ p · dp)`.
extern "C" __global__ void softmax_grad(value* ds, const value* p, const float* dp, float scale, unsigned width) {
    __shared__ float shared[ROW_THREADS / WARP_THREADS];
    size_t at = (size_t)blockIdx.x * width;
    float sum = 0.0f;
    for (unsigned i = threadIdx.x; i < width; i += ROW_THREADS) sum += wide(p[at + i]) * dp[at + i];
    sum = block_sum(sum, shared);
    for (unsigned i = threadIdx.x; i < width; i += ROW_THREADS) {
        ds[at + i] = narrow(scale * wide(p[at + i]) * (dp[at + i] - sum));
    }
}
KERNEL_WITH_BARRIERS(softmax_grad)
