// Pooling on `[N, H, W, C]`: one thread a pixel of the result and as many of its channels as it can take at once. Gradients gather what reaches an input, so that no two threads add into
// one number and every run has the same bits.
#include "columns.cuh"

// As the host packs it (`device::pool::Shape`).
struct Pool {
    unsigned batch, height, width, channels, out_height, out_width;
    unsigned kernel[2], stride[2], padding[2];
};

struct Span {
    unsigned low, high;
};

// The part of a window that lies inside the input.
__device__ __forceinline__ Span span(unsigned o, unsigned stride, unsigned padding, unsigned kernel, unsigned size) {
    unsigned start = o * stride;
    Span s;
    s.low = start > padding ? start - padding : 0;
    s.high = start + kernel > padding ? start + kernel - padding : 0;
    s.high = min(s.high, size);
    s.low = min(s.low, s.high);
    return s;
}

// The outputs whose windows hold position `i`.
__device__ __forceinline__ Span windows(unsigned i, unsigned stride, unsigned padding, unsigned kernel, unsigned out) {
    unsigned at = i + padding;
    Span s;
    s.low = at >= kernel ? (at - kernel) / stride + 1 : 0;
    s.high = min(out, at / stride + 1);
    s.low = min(s.low, s.high);
    return s;
}

// A thread's channels from `c` on of pixel (n, y, x), which is pixel `at` of all.
struct Spot {
    unsigned c, x, y, n, at;
};

__device__ __forceinline__ Spot spot(unsigned first, unsigned channels, unsigned height, unsigned width) {
    Spot s;
    s.c = first % channels;
    s.at = first / channels;
    s.x = s.at % width;
    s.y = s.at / width % height;
    s.n = s.at / width / height;
    return s;
}

template <unsigned N> struct Largest {
    Numbers<N> numbers;
    // Where they lie.
    unsigned pixels[N];
};

// The first largest element of a window for each channel, in row order; a NaN is larger than all.
template <unsigned N> __device__ __forceinline__ Largest<N> largest(const value* x, const Pool& p, unsigned n, unsigned oy, unsigned ox, unsigned c) {
    Span ys = span(oy, p.stride[0], p.padding[0], p.kernel[0], p.height);
    Span xs = span(ox, p.stride[1], p.padding[1], p.kernel[1], p.width);
    Largest<N> best;
    for (unsigned iy = ys.low; iy < ys.high; iy++) {
        for (unsigned ix = xs.low; ix < xs.high; ix++) {
            unsigned at = (n * p.height + iy) * p.width + ix;
            Numbers<N> v = load<N>(x + (size_t)at * p.channels + c);
            bool first = iy == ys.low && ix == xs.low;
#pragma unroll
            for (unsigned k = 0; k < N; k++) {
                float now = v.v[k], most = best.numbers.v[k];
                if (first || now > most || (now != now && most == most)) {
                    best.numbers.v[k] = now;
                    best.pixels[k] = at;
                }
            }
        }
    }
    return best;
}

extern "C" __global__ void max_pool(Elements elements, value* y, const value* x, Pool p) {
    elements.each([=](auto chunk) {
        Spot s = spot(chunk.at, p.channels, p.out_height, p.out_width);
        chunk.store(y, largest<chunk.width>(x, p, s.n, s.y, s.x, s.c).numbers);
    });
}
KERNEL(max_pool)

extern "C" __global__ void max_pool_grad(Elements elements, value* dx, const value* x, const value* dy, Pool p, unsigned accumulate) {
    elements.each([=](auto chunk) {
        constexpr unsigned N = chunk.width;
        Spot s = spot(chunk.at, p.channels, p.height, p.width);
        Span oys = windows(s.y, p.stride[0], p.padding[0], p.kernel[0], p.out_height);
        Span oxs = windows(s.x, p.stride[1], p.padding[1], p.kernel[1], p.out_width);
        Numbers<N> sum = accumulate ? chunk.load(dx) : chunk.all(0.0f);
        for (unsigned oy = oys.low; oy < oys.high; oy++) {
            for (unsigned ox = oxs.low; ox < oxs.high; ox++) {
                Largest<N> best = largest<N>(x, p, s.n, oy, ox, s.c);
                Numbers<N> g = load<N>(dy + ((size_t)(s.n * p.out_height + oy) * p.out_width + ox) * p.channels + s.c);
#pragma unroll
                for (unsigned k = 0; k < N; k++) sum.v[k] += best.pixels[k] == s.at ? g.v[k] : 0.0f;
            }
        }
        chunk.store(dx, sum);
    });
}
KERNEL(max_pool_grad)

// PyTorch's divisor: with padding counted, the window clipped to the padded input; without, to the input.
__device__ __forceinline__ float divisor(Pool p, unsigned count_pad, unsigned oy, unsigned ox) {
    if (count_pad) {
        unsigned y = oy * p.stride[0], x = ox * p.stride[1];
        unsigned height = min(y + p.kernel[0], p.height + 2 * p.padding[0]) - y;
        unsigned width = min(x + p.kernel[1], p.width + 2 * p.padding[1]) - x;
        return (float)(height * width);
    }
    Span ys = span(oy, p.stride[0], p.padding[0], p.kernel[0], p.height);
    Span xs = span(ox, p.stride[1], p.padding[1], p.kernel[1], p.width);
    return (float)((ys.high - ys.low) * (xs.high - xs.low));
}

extern "C" __global__ void avg_pool(Elements elements, value* y, const value* x, Pool p, unsigned count_pad) {
    elements.each([=](auto chunk) {
        constexpr unsigned N = chunk.width;
        Spot s = spot(chunk.at, p.channels, p.out_height, p.out_width);
        Span ys = span(s.y, p.stride[0], p.padding[0], p.kernel[0], p.height);
        Span xs = span(s.x, p.stride[1], p.padding[1], p.kernel[1], p.width);
        Numbers<N> sum = chunk.all(0.0f);
        for (unsigned iy = ys.low; iy < ys.high; iy++) {
            for (unsigned ix = xs.low; ix < xs.high; ix++) {
                Numbers<N> v = load<N>(x + ((size_t)(s.n * p.height + iy) * p.width + ix) * p.channels + s.c);
                sum = map([](float sum, float v) { return sum + v; }, sum, v);
            }
        }
        float count = divisor(p, count_pad, s.y, s.x);
        chunk.store(y, map([=](float sum) { return sum / count; }, sum));
    });
}
KERNEL(avg_pool)

extern "C" __global__ void avg_pool_grad(Elements elements, value* dx, const value* dy, Pool p, unsigned count_pad, unsigned accumulate) {
    elements.each([=](auto chunk) {
        constexpr unsigned N = chunk.width;
        Spot s = spot(chunk.at, p.channels, p.height, p.width);
        Span oys = windows(s.y, p.stride[0], p.padding[0], p.kernel[0], p.out_height);
        Span oxs = windows(s.x, p.stride[1], p.padding[1], p.kernel[1], p.out_width);
        Numbers<N> sum = accumulate ? chunk.load(dx) : chunk.all(0.0f);
        for (unsigned oy = oys.low; oy < oys.high; oy++) {
            for (unsigned ox = oxs.low; ox < oxs.high; ox++) {
                float count = divisor(p, count_pad, oy, ox);
                Numbers<N> g = load<N>(dy + ((size_t)(s.n * p.out_height + oy) * p.out_width + ox) * p.channels + s.c);
                sum = map([=](float sum, float g) { return sum + g / count; }, sum, g);
            }
        }
        chunk.store(dx, sum);
    });
}
KERNEL(avg_pool_grad)

// `[N, pixels, C] -> [N, C]`: sample `blockIdx.y`.
extern "C" __global__ void global_avg_pool(Columns columns, value* y, const value* x) {
    columns.run([=](auto strip) {
        auto total = strip.zero();
        strip.each([&](size_t at) { total = map([](float sum, float v) { return sum + v; }, total, strip.load(x, at)); });
        float pixels = (float)columns.rows_per_part;
        value* row = y + (size_t)blockIdx.y * columns.channels;
        sum_rows(strip, total, [=](unsigned c, float sum) { row[c] = narrow(sum / pixels); });
    });
}
KERNEL_WITH_BARRIERS(global_avg_pool)

extern "C" __global__ void global_avg_pool_grad(Elements elements, value* dx, const value* dy, unsigned pixels, unsigned channels, unsigned accumulate) {
    elements.each([=](auto chunk) {
        unsigned n = chunk.at / channels / pixels;
        auto base = accumulate ? chunk.load(dx) : chunk.all(0.0f);
        auto g = load<chunk.width>(dy + (size_t)n * channels + chunk.at % channels);
        chunk.store(dx, map([=](float base, float g) { return base + g / (float)pixels; }, base, g));
    });
}
KERNEL(global_avg_pool_grad)
