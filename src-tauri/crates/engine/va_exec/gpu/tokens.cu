// An image as tokens with a class token and a position embedding: `[N, T, C]`.
#include "number.cuh"

// `y[n] = [class token, positions of x[n]]`.
extern "C" __global__ void tokens(value* y, const value* x, const float* token, unsigned tokens, unsigned channels, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % channels, t = i / channels % tokens, n = i / channels / tokens;
    y[i] = t == 0 ? narrow(token[c]) : x[((size_t)n * (tokens - 1) + t - 1) * channels + c];
}
KERNEL(tokens)

// `y += positions`, whose length is one sample's.
extern "C" __global__ void add_positions(value* y, const float* positions, unsigned sample, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = narrow(wide(y[i]) + positions[i % sample]);
}
KERNEL(add_positions)

// `grad[i] += Σ dy[n, i]` for the first `len` numbers of every sample.
extern "C" __global__ void sum_samples(float* grad, const value* dy, unsigned samples, unsigned sample, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    double sum = 0.0;
    for (unsigned n = 0; n < samples; n++) sum += (double)wide(dy[(size_t)n * sample + i]);
    grad[i] = (float)((double)grad[i] + sum);
}
KERNEL(sum_samples)

// `dx (+)= dy` without the class token.
extern "C" __global__ void tokens_input_grad(value* dx, const value* dy, unsigned tokens, unsigned channels, unsigned accumulate, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned image = (tokens - 1) * channels;
    float base = accumulate ? wide(dx[i]) : 0.0f;
    dx[i] = narrow(base + wide(dy[(size_t)(i / image) * tokens * channels + channels + i % image]));
}
KERNEL(tokens_input_grad)

extern "C" __global__ void select_token(value* y, const value* x, unsigned tokens, unsigned channels, unsigned index, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = x[((size_t)(i / channels) * tokens + index) * channels + i % channels];
}
KERNEL(select_token)

// `dx (+)= dy` at the token, zero (or as it was) elsewhere.
extern "C" __global__ void select_token_grad(value* dx, const value* dy, unsigned tokens, unsigned channels, unsigned index, unsigned accumulate, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % channels, t = i / channels % tokens, n = i / channels / tokens;
    float base = accumulate ? wide(dx[i]) : 0.0f;
    dx[i] = narrow(base + (t == index ? wide(dy[(size_t)n * channels + c]) : 0.0f));
}
KERNEL(select_token_grad)
