// Losses of logits and their gradients, from what the batch wants of them, which the host has divided by the batch already.
#include "number.cuh"

// Softmax cross-entropy: `mass * softmax - wanted`, one block a row. No number where the loss is none.
extern "C" __global__ void cross_entropy_grad(value* grad, const float* logits, const float* wanted, unsigned classes) {
    __shared__ float shared[ROW_THREADS];
    size_t row = (size_t)blockIdx.x * classes;
    float largest = -CUDART_INF_F, mass = 0.0f, sum = 0.0f;
    for (unsigned c = threadIdx.x; c < classes; c += ROW_THREADS) {
        largest = fmaxf(largest, logits[row + c]);
        mass += wanted[row + c];
    }
    largest = block_max(largest, shared);
    mass = block_sum(mass, shared);
    for (unsigned c = threadIdx.x; c < classes; c += ROW_THREADS) sum += expf(logits[row + c] - largest);
    sum = block_sum(sum, shared);
    for (unsigned c = threadIdx.x; c < classes; c += ROW_THREADS) {
        float x = logits[row + c];
        float g = mass * (expf(x - largest) / sum) - wanted[row + c];
        grad[row + c] = narrow(fabsf(x) < CUDART_INF_F ? g : __uint_as_float(0x7fc00000u));
    }
}
KERNEL_WITH_BARRIERS(cross_entropy_grad)

// Of every class by itself: `wanted` is first what speaks for each, then what speaks against it.
extern "C" __global__ void binary_cross_entropy_grad(value* grad, const float* logits, const float* wanted, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    float x = logits[i];
    // Never the exponential of a large number.
    float small = expf(-fabsf(x));
    float large = 1.0f / (1.0f + small), rest = small / (1.0f + small);
    float present = x >= 0.0f ? rest : large, absent = x >= 0.0f ? large : rest;
    float g = wanted[(size_t)len + i] * absent - wanted[i] * present;
    grad[i] = narrow(fabsf(x) < CUDART_INF_F ? g : __uint_as_float(0x7fc00000u));
}
KERNEL(binary_cross_entropy_grad)

// The loss of each row, one block a row.
extern "C" __global__ void cross_entropy(float* losses, const float* logits, const float* wanted, unsigned classes) {
    __shared__ float shared[ROW_THREADS];
    size_t row = (size_t)blockIdx.x * classes;
    float largest = -CUDART_INF_F, sum = 0.0f, loss = 0.0f;
    for (unsigned c = threadIdx.x; c < classes; c += ROW_THREADS) largest = fmaxf(largest, logits[row + c]);
    largest = block_max(largest, shared);
    for (unsigned c = threadIdx.x; c < classes; c += ROW_THREADS) sum += expf(logits[row + c] - largest);
    float log_sum = logf(block_sum(sum, shared));
    for (unsigned c = threadIdx.x; c < classes; c += ROW_THREADS) loss += wanted[row + c] * (largest - logits[row + c] + log_sum);
    loss = block_sum(loss, shared);
    if (threadIdx.x == 0) losses[blockIdx.x] = loss;
}
KERNEL_WITH_BARRIERS(cross_entropy)

extern "C" __global__ void binary_cross_entropy(float* losses, const float* logits, const float* wanted, unsigned classes, unsigned entries) {
    __shared__ float shared[ROW_THREADS];
    float loss = 0.0f;
    for (unsigned c = threadIdx.x; c < classes; c += ROW_THREADS) {
        size_t i = (size_t)blockIdx.x * classes + c;
        // `ln(1 + exp(-|x|))` is what both terms have beside the linear one.
        float x = logits[i], small = log1pf(expf(-fabsf(x)));
        loss += wanted[i] * (fmaxf(-x, 0.0f) + small) + wanted[entries + i] * (fmaxf(x, 0.0f) + small);
    }
    loss = block_sum(loss, shared);
    if (threadIdx.x == 0) losses[blockIdx.x] = loss;
}
KERNEL_WITH_BARRIERS(binary_cross_entropy)
