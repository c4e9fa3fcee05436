// Pooling on `[N, H, W, C]`: one thread a result. Gradients gather what reaches an input, so that no two threads add into
// one number and every run has the same bits.
#include "number.cuh"

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

// Place of the first largest element of a window, in row order; a NaN is larger than all.
__device__ __forceinline__ size_t largest(const value* x, Pool p, unsigned n, unsigned oy, unsigned ox, unsigned c) {
    Span ys = span(oy, p.stride[0], p.padding[0], p.kernel[0], p.height);
    Span xs = span(ox, p.stride[1], p.padding[1], p.kernel[1], p.width);
    size_t place = ((size_t)(n * p.height + ys.low) * p.width + xs.low) * p.channels + c;
    float best = wide(x[place]);
    for (unsigned iy = ys.low; iy < ys.high; iy++) {
        for (unsigned ix = xs.low; ix < xs.high; ix++) {
            size_t at = ((size_t)(n * p.height + iy) * p.width + ix) * p.channels + c;
            float v = wide(x[at]);
            if (v > best || (v != v && best == best)) {
                best = v;
                place = at;
            }
        }
    }
    return place;
}

extern "C" __global__ void max_pool(value* y, const value* x, Pool p, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % p.channels, o = i / p.channels;
    unsigned ox = o % p.out_width, oy = o / p.out_width % p.out_height, n = o / p.out_width / p.out_height;
    y[i] = x[largest(x, p, n, oy, ox, c)];
}
KERNEL(max_pool)

extern "C" __global__ void max_pool_grad(value* dx, const value* x, const value* dy, Pool p, unsigned accumulate, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % p.channels, at = i / p.channels;
    unsigned ix = at % p.width, iy = at / p.width % p.height, n = at / p.width / p.height;
    Span oys = windows(iy, p.stride[0], p.padding[0], p.kernel[0], p.out_height);
    Span oxs = windows(ix, p.stride[1], p.padding[1], p.kernel[1], p.out_width);
    float sum = accumulate ? wide(dx[i]) : 0.0f;
    for (unsigned oy = oys.low; oy < oys.high; oy++) {
        for (unsigned ox = oxs.low; ox < oxs.high; ox++) {
            if (largest(x, p, n, oy, ox, c) == i) {
                sum += wide(dy[((size_t)(n * p.out_height + oy) * p.out_width + ox) * p.channels + c]);
            }
        }
    }
    dx[i] = narrow(sum);
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

extern "C" __global__ void avg_pool(value* y, const value* x, Pool p, unsigned count_pad, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % p.channels, o = i / p.channels;
    unsigned ox = o % p.out_width, oy = o / p.out_width % p.out_height, n = o / p.out_width / p.out_height;
    Span ys = span(oy, p.stride[0], p.padding[0], p.kernel[0], p.height);
    Span xs = span(ox, p.stride[1], p.padding[1], p.kernel[1], p.width);
    float sum = 0.0f;
    for (unsigned iy = ys.low; iy < ys.high; iy++) {
        for (unsigned ix = xs.low; ix < xs.high; ix++) {
            sum += wide(x[((size_t)(n * p.height + iy) * p.width + ix) * p.channels + c]);
        }
    }
    y[i] = narrow(sum / divisor(p, count_pad, oy, ox));
}
KERNEL(avg_pool)

extern "C" __global__ void avg_pool_grad(value* dx, const value* dy, Pool p, unsigned count_pad, unsigned accumulate, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % p.channels, at = i / p.channels;
    unsigned ix = at % p.width, iy = at / p.width % p.height, n = at / p.width / p.height;
    Span oys = windows(iy, p.stride[0], p.padding[0], p.kernel[0], p.out_height);
    Span oxs = windows(ix, p.stride[1], p.padding[1], p.kernel[1], p.out_width);
    float sum = accumulate ? wide(dx[i]) : 0.0f;
    for (unsigned oy = oys.low; oy < oys.high; oy++) {
        for (unsigned ox = oxs.low; ox < oxs.high; ox++) {
            float g = wide(dy[((size_t)(n * p.out_height + oy) * p.out_width + ox) * p.channels + c]);
            sum += g / divisor(p, count_pad, oy, ox);
        }
    }
    dx[i] = narrow(sum);
}
KERNEL(avg_pool_grad)

// `[N, pixels, C] -> [N, C]`.
extern "C" __global__ void global_avg_pool(value* y, const value* x, unsigned pixels, unsigned channels, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    const value* from = x + (size_t)(i / channels) * pixels * channels + i % channels;
    float sum = 0.0f;
    for (unsigned p = 0; p < pixels; p++) sum += wide(from[(size_t)p * channels]);
    y[i] = narrow(sum / (float)pixels);
}
KERNEL(global_avg_pool)

extern "C" __global__ void global_avg_pool_grad(value* dx, const value* dy, unsigned pixels, unsigned channels, unsigned accumulate, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned n = i / channels / pixels;
    float base = accumulate ? wide(dx[i]) : 0.0f;
    dx[i] = narrow(base + wide(dy[(size_t)n * channels + i % channels]) / (float)pixels);
}
KERNEL(global_avg_pool_grad)
