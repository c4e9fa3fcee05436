// One number a channel on `[rows, channels]`: factors, biases, and sums of columns in parts that are joined in order.
#include "columns.cuh"
#include "function.cuh"

extern "C" __global__ void channel_scale(Columns columns, value* y, const value* x, const float* gamma) {
    columns.run([=](auto strip) {
        auto factor = strip.of_any(gamma);
        strip.each([&](size_t at) {
            strip.store(y, at, map([](float v, float factor) { return v * factor; }, strip.load(x, at), factor));
        });
    });
}
KERNEL(channel_scale)

// `bias` may be null.
extern "C" __global__ void epilogue(Columns columns, value* y, const float* bias, unsigned code) {
    columns.run([=](auto strip) {
        auto added = bias ? strip.of_any(bias) : strip.zero();
        strip.each([&](size_t at) {
            auto sum = map([](float v, float bias) { return v + bias; }, strip.load(y, at), added);
            strip.store(y, at, activate(code, sum));
        });
    });
}
KERNEL(epilogue)

template <unsigned N> __device__ __forceinline__ void sum_columns(const Strip<N>& strip, float* part, const value* x, const value* f) {
    Numbers<N> sum = all<N>(0.0f);
    strip.each([&](size_t at) {
        Numbers<N> v = strip.load(x, at), factor = f ? strip.load(f, at) : all<N>(1.0f);
        sum = map([](float sum, float v, float factor) { return sum + v * factor; }, sum, v, factor);
    });
    sum_rows(strip, sum, [=](unsigned c, float sum) { part[c] = sum; });
}

// Sums of the columns of x, or of x · f where f is not null, of part `blockIdx.y` into `[parts, channels]`.
extern "C" __global__ void column_sums(Columns columns, float* parts, const value* x, const value* f) {
    float* part = parts + (size_t)blockIdx.y * columns.channels;
    columns.run([=](auto strip) { sum_columns(strip, part, x, f); });
}
KERNEL_WITH_BARRIERS(column_sums)

// `y (+)= Σ parts`.
extern "C" __global__ void join_parts(float* y, const float* parts, unsigned count, unsigned accumulate, unsigned len) {
    unsigned i = min(joined_index(), len - 1);
    double sum = sum_of_parts(count, [=](unsigned part) { return (double)parts[(size_t)part * len + i]; });
    if (joins(len)) y[i] = (float)(accumulate ? y[i] + sum : sum);
}
KERNEL_WITH_BARRIERS(join_parts)
