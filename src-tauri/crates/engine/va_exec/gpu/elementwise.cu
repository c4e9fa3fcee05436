// Element by element: as many for a thread as memory lets it take at once.
#include "function.cuh"

extern "C" __global__ void copy(Elements elements, value* y, const value* x) {
    elements.each([=](auto chunk) { chunk.copy(y, x); });
}
KERNEL(copy)

extern "C" __global__ void cast_narrow(Elements elements, value* y, const float* x) {
    elements.each([=](auto chunk) { chunk.store(y, chunk.load(x)); });
}
KERNEL(cast_narrow)

extern "C" __global__ void cast_wide(Elements elements, float* y, const value* x) {
    elements.each([=](auto chunk) { chunk.store(y, chunk.load(x)); });
}
KERNEL(cast_wide)

extern "C" __global__ void fill(Elements elements, value* y, float v) {
    elements.each([=](auto chunk) { chunk.store(y, chunk.all(v)); });
}
KERNEL(fill)

extern "C" __global__ void add(Elements elements, value* y, const value* x, unsigned relu) {
    elements.each([=](auto chunk) {
        auto sum = [=](float y, float x) { return relu ? activate(RELU, y + x) : y + x; };
        chunk.store(y, map(sum, chunk.load(y), chunk.load(x)));
    });
}
KERNEL(add)

extern "C" __global__ void mul(Elements elements, value* y, const value* x) {
    elements.each([=](auto chunk) {
        chunk.store(y, map([](float y, float x) { return y * x; }, chunk.load(y), chunk.load(x)));
    });
}
KERNEL(mul)

extern "C" __global__ void product(Elements elements, value* y, const value* a, const value* b, unsigned accumulate) {
    elements.each([=](auto chunk) {
        auto base = accumulate ? chunk.load(y) : chunk.all(0.0f);
        chunk.store(y, map([](float base, float a, float b) { return base + a * b; }, base, chunk.load(a), chunk.load(b)));
    });
}
KERNEL(product)

extern "C" __global__ void activation(Elements elements, value* y, const value* x, unsigned code) {
    elements.each([=](auto chunk) { chunk.store(y, activate(code, chunk.load(x))); });
}
KERNEL(activation)

extern "C" __global__ void activation_grad(Elements elements, value* dy, const value* x, unsigned code) {
    elements.each([=](auto chunk) {
        chunk.store(dy, map([=](float dy, float x) { return dy * slope(code, x); }, chunk.load(dy), chunk.load(x)));
    });
}
KERNEL(activation_grad)

// What `CounterRng::bits` gives: SplitMix64's finaliser of key and position.
__device__ __forceinline__ unsigned long long random_bits(unsigned long long key, unsigned long long index) {
    unsigned long long z = key + index * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

// Groups of `group` elements are kept or zeroed together; `threshold` is the probability in units of 2^-53. The key lies in
// memory, the lower half first, so that the same start draws anew when the host has written another.
extern "C" __global__ void leave_out(value* y, const unsigned* words, unsigned long long threshold, float factor, unsigned group, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned long long key = (unsigned long long)words[1] << 32 | words[0];
    bool keep = (random_bits(key, i / group) >> 11) >= threshold;
    y[i] = narrow(keep ? wide(y[i]) * factor : 0.0f);
}
KERNEL(leave_out)

// Columns `at..at + narrow` of a matrix of `wide` channels.
struct Place {
    unsigned narrow, wide, at;

    // Where number `i` of the narrow matrix lies in the wide one.
    __device__ __forceinline__ size_t of(unsigned i) const {
        return (size_t)(i / narrow) * wide + at + i % narrow;
    }
};

// The wide matrix from a narrow one.
extern "C" __global__ void concat(Elements elements, value* y, const value* x, Place place) {
    elements.each([=](auto chunk) { copy_numbers<chunk.width>(y + place.of(chunk.at), x + chunk.at); });
}
KERNEL(concat)

extern "C" __global__ void split(Elements elements, value* y, const value* x, Place place) {
    elements.each([=](auto chunk) { copy_numbers<chunk.width>(y + chunk.at, x + place.of(chunk.at)); });
}
KERNEL(split)
