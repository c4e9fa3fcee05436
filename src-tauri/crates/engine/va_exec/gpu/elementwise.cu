// Element by element: one thread each.
#include "function.cuh"

extern "C" __global__ void copy(value* y, const value* x, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = x[i];
}
KERNEL(copy)

extern "C" __global__ void cast_narrow(value* y, const float* x, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = narrow(x[i]);
}
KERNEL(cast_narrow)

extern "C" __global__ void cast_wide(float* y, const value* x, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = wide(x[i]);
}
KERNEL(cast_wide)

extern "C" __global__ void fill(value* y, float v, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = narrow(v);
}
KERNEL(fill)

extern "C" __global__ void scale(value* y, float factor, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = narrow(wide(y[i]) * factor);
}
KERNEL(scale)

extern "C" __global__ void add(value* y, const value* x, unsigned relu, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    float sum = wide(y[i]) + wide(x[i]);
    y[i] = narrow(relu ? activate(RELU, sum) : sum);
}
KERNEL(add)

extern "C" __global__ void mul(value* y, const value* x, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = narrow(wide(y[i]) * wide(x[i]));
}
KERNEL(mul)

extern "C" __global__ void product(value* y, const value* a, const value* b, unsigned accumulate, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    float base = accumulate ? wide(y[i]) : 0.0f;
    y[i] = narrow(base + wide(a[i]) * wide(b[i]));
}
KERNEL(product)

extern "C" __global__ void activation(value* y, const value* x, unsigned code, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = narrow(activate(code, wide(x[i])));
}
KERNEL(activation)

extern "C" __global__ void activation_grad(value* dy, const value* x, unsigned code, unsigned len) {
    unsigned i = thread_index();
    if (i < len) dy[i] = narrow(wide(dy[i]) * slope(code, wide(x[i])));
}
KERNEL(activation_grad)

// What `CounterRng::bits` gives: SplitMix64's finaliser of key and position.
__device__ __forceinline__ unsigned long long random_bits(unsigned long long key, unsigned long long index) {
    unsigned long long z = key + index * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

// Groups of `group` elements are kept or zeroed together; `threshold` is the probability in units of 2^-53.
extern "C" __global__ void leave_out(value* y, unsigned long long key, unsigned long long threshold, float factor, unsigned group, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    bool keep = (random_bits(key, i / group) >> 11) >= threshold;
    y[i] = narrow(keep ? wide(y[i]) * factor : 0.0f);
}
KERNEL(leave_out)

// Columns `at..at + narrow_channels` of a wide matrix from a narrow one.
extern "C" __global__ void concat(value* y, const value* x, unsigned narrow_channels, unsigned wide_channels, unsigned at, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i / narrow_channels * wide_channels + at + i % narrow_channels] = x[i];
}
KERNEL(concat)

extern "C" __global__ void split(value* y, const value* x, unsigned narrow_channels, unsigned wide_channels, unsigned at, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] = x[i / narrow_channels * wide_channels + at + i % narrow_channels];
}
KERNEL(split)
