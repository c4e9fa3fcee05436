// Convolution on `[N, H, W, C]`: windows as the rows of a matrix and back for the products of cuBLAS, and depthwise
// convolutions whole. Weights are `[kh, kw, C / groups, K]` in f32.
#include "columns.cuh"

// As the host packs it (`device::convolution::Shape`).
struct Conv {
    unsigned batch, height, width, channels, out_height, out_width, out_channels;
    unsigned kernel[2], stride[2], padding[2], dilation[2];
    unsigned groups;
};

// The input position under tap `k` of output `o`; false in the padding.
__device__ __forceinline__ bool source(unsigned o, unsigned k, unsigned stride, unsigned padding, unsigned dilation, unsigned size, unsigned* i) {
    unsigned at = o * stride + k * dilation;
    *i = at - padding;
    return at >= padding && *i < size;
}

// The output position whose tap `k` lies on input `i`; false where there is none. A card divides slowly but by numbers that
// the compiler knows.
__device__ __forceinline__ bool target(unsigned i, unsigned k, unsigned stride, unsigned padding, unsigned dilation, unsigned out, unsigned* o) {
    unsigned at = i + padding - k * dilation, rest = 0;
    if (i + padding < k * dilation) return false;
    switch (stride) {
    case 1: *o = at; break;
    case 2: *o = at / 2, rest = at % 2; break;
    default: *o = at / stride, rest = at % stride;
    }
    return rest == 0 && *o < out;
}

// Windows of one group, `[rows, window]`, of whole images from x on.
extern "C" __global__ void image_to_columns(value* columns, const value* x, Conv g, unsigned group, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned per_group = g.channels / g.groups;
    unsigned window = g.kernel[0] * g.kernel[1] * per_group;
    unsigned j = i % window, row = i / window;
    unsigned c = j % per_group, kx = j / per_group % g.kernel[1], ky = j / per_group / g.kernel[1];
    unsigned ox = row % g.out_width, oy = row / g.out_width % g.out_height, n = row / g.out_width / g.out_height;
    unsigned iy, ix;
    bool inside = source(oy, ky, g.stride[0], g.padding[0], g.dilation[0], g.height, &iy);
    inside = source(ox, kx, g.stride[1], g.padding[1], g.dilation[1], g.width, &ix) && inside;
    size_t at = ((size_t)(n * g.height + iy) * g.width + ix) * g.channels + group * per_group + c;
    columns[i] = inside ? x[at] : narrow(0.0f);
}
KERNEL(image_to_columns)

// Adds the windows of one group back to the pixels that they came from: one thread a pixel and channel of the group.
extern "C" __global__ void columns_to_image(value* x, const float* columns, Conv g, unsigned group, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned per_group = g.channels / g.groups;
    unsigned window = g.kernel[0] * g.kernel[1] * per_group;
    unsigned c = i % per_group, at = i / per_group;
    unsigned ix = at % g.width, iy = at / g.width % g.height, n = at / g.width / g.height;
    float sum = 0.0f;
    for (unsigned ky = 0; ky < g.kernel[0]; ky++) {
        unsigned oy, ox;
        if (!target(iy, ky, g.stride[0], g.padding[0], g.dilation[0], g.out_height, &oy)) continue;
        for (unsigned kx = 0; kx < g.kernel[1]; kx++) {
            if (!target(ix, kx, g.stride[1], g.padding[1], g.dilation[1], g.out_width, &ox)) continue;
            size_t row = (size_t)(n * g.out_height + oy) * g.out_width + ox;
            sum += columns[row * window + (ky * g.kernel[1] + kx) * per_group + c];
        }
    }
    x[(size_t)at * g.channels + group * per_group + c] = narrow(sum);
}
KERNEL(columns_to_image)

// Depthwise convolutions: one channel a group, `w[tap, C]`. A thread has N neighbouring channels of P pixels beside each other,
// so that a weight is loaded once for them.
template <unsigned N, unsigned P> struct Pixels {
    unsigned c, x, y, n, width;

    // Those of thread `i`, in an image of this height and width.
    __device__ __forceinline__ Pixels(unsigned i, unsigned channels, unsigned height, unsigned width) : width(width) {
        unsigned groups = channels / N, strips = (width + P - 1) / P;
        c = i % groups * N;
        x = i / groups % strips * P;
        y = i / groups / strips % height;
        n = i / groups / strips / height;
    }

    __device__ __forceinline__ bool has(unsigned p) const {
        return x + p < width;
    }
};

template <unsigned N, unsigned P> struct Sums {
    Numbers<N> of[P];

    __device__ __forceinline__ void add(unsigned p, const Numbers<N>& v, const Numbers<N>& w) {
        of[p] = map([](float sum, float v, float w) { return sum + v * w; }, of[p], v, w);
    }
};

// How many channels and pixels a thread has, as the host chose: `body(Of<N, P>)`.
template <unsigned N, unsigned P> struct Of {
    static constexpr unsigned channels = N, pixels = P;
};

#define PIXELS 4

template <typename Body> __device__ __forceinline__ void by_pixels(unsigned width, unsigned pixels, Body body) {
    if (width == 1) body(Of<1, 1>{});
    else if (pixels == 1) body(Of<WIDTH, 1>{});
    else body(Of<WIDTH, PIXELS>{});
}

template <unsigned N, unsigned P> __device__ __forceinline__ void depthwise_pixels(unsigned i, value* y, const value* x, const float* w, const Conv& g, unsigned keep) {
    Pixels<N, P> at(i, g.channels, g.out_height, g.out_width);
    value* out = y + ((size_t)(at.n * g.out_height + at.y) * g.out_width + at.x) * g.channels + at.c;
    Sums<N, P> sums;
#pragma unroll
    for (unsigned p = 0; p < P; p++) sums.of[p] = keep && at.has(p) ? load<N>(out + (size_t)p * g.channels) : all<N>(0.0f);
    for (unsigned ky = 0; ky < g.kernel[0]; ky++) {
        unsigned iy, ix;
        if (!source(at.y, ky, g.stride[0], g.padding[0], g.dilation[0], g.height, &iy)) continue;
        const value* row = x + (size_t)(at.n * g.height + iy) * g.width * g.channels + at.c;
        for (unsigned kx = 0; kx < g.kernel[1]; kx++) {
            Numbers<N> weight = load<N>(w + (ky * g.kernel[1] + kx) * g.channels + at.c);
#pragma unroll
            for (unsigned p = 0; p < P; p++) {
                bool inside = source(at.x + p, kx, g.stride[1], g.padding[1], g.dilation[1], g.width, &ix);
                if (inside && at.has(p)) sums.add(p, load<N>(row + (size_t)ix * g.channels), weight);
            }
        }
    }
#pragma unroll
    for (unsigned p = 0; p < P; p++) {
        if (at.has(p)) store<N>(out + (size_t)p * g.channels, sums.of[p]);
    }
}

// `keep` adds to what is in y.
extern "C" __global__ void depthwise(value* y, const value* x, const float* w, Conv g, unsigned keep, unsigned width, unsigned pixels, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    by_pixels(width, pixels, [=](auto of) { depthwise_pixels<of.channels, of.pixels>(i, y, x, w, g, keep); });
}
KERNEL(depthwise)

template <unsigned N, unsigned P> __device__ __forceinline__ void depthwise_input_grad_pixels(unsigned i, value* dx, const value* dy, const float* w, const Conv& g) {
    Pixels<N, P> at(i, g.channels, g.height, g.width);
    value* out = dx + ((size_t)(at.n * g.height + at.y) * g.width + at.x) * g.channels + at.c;
    Sums<N, P> sums;
#pragma unroll
    for (unsigned p = 0; p < P; p++) sums.of[p] = all<N>(0.0f);
    for (unsigned ky = 0; ky < g.kernel[0]; ky++) {
        unsigned oy, ox;
        if (!target(at.y, ky, g.stride[0], g.padding[0], g.dilation[0], g.out_height, &oy)) continue;
        const value* row = dy + (size_t)(at.n * g.out_height + oy) * g.out_width * g.channels + at.c;
        for (unsigned kx = 0; kx < g.kernel[1]; kx++) {
            Numbers<N> weight = load<N>(w + (ky * g.kernel[1] + kx) * g.channels + at.c);
#pragma unroll
            for (unsigned p = 0; p < P; p++) {
                bool inside = target(at.x + p, kx, g.stride[1], g.padding[1], g.dilation[1], g.out_width, &ox);
                if (inside && at.has(p)) sums.add(p, load<N>(row + (size_t)ox * g.channels), weight);
            }
        }
    }
#pragma unroll
    for (unsigned p = 0; p < P; p++) {
        if (at.has(p)) store<N>(out + (size_t)p * g.channels, sums.of[p]);
    }
}

extern "C" __global__ void depthwise_input_grad(value* dx, const value* dy, const float* w, Conv g, unsigned width, unsigned pixels, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    by_pixels(width, pixels, [=](auto of) { depthwise_input_grad_pixels<of.channels, of.pixels>(i, dx, dy, w, g); });
}
KERNEL(depthwise_input_grad)

// Taps `(ky.., kx..)` of a window, H by W of them at most, so that dy is read once for them.
template <unsigned H, unsigned W, unsigned N> __device__ __forceinline__ void depthwise_taps(const Strip<N>& strip, float* part, const value* x, const value* dy, const Conv& g) {
    unsigned across = (g.kernel[1] + W - 1) / W;
    unsigned ky = blockIdx.z / across * H, kx = blockIdx.z % across * W;
    Sums<N, H * W> sums;
#pragma unroll
    for (unsigned tap = 0; tap < H * W; tap++) sums.of[tap] = all<N>(0.0f);
    strip.each_row([&](unsigned row, size_t at) {
        unsigned ox = row % g.out_width, oy = row / g.out_width % g.out_height, n = row / g.out_width / g.out_height;
        Numbers<N> grad = strip.load(dy, at);
#pragma unroll
        for (unsigned tap = 0; tap < H * W; tap++) {
            unsigned iy, ix;
            bool inside = source(oy, ky + tap / W, g.stride[0], g.padding[0], g.dilation[0], g.height, &iy);
            inside = source(ox, kx + tap % W, g.stride[1], g.padding[1], g.dilation[1], g.width, &ix) && inside;
            if (inside) sums.add(tap, strip.load(x, ((size_t)(n * g.height + iy) * g.width + ix) * g.channels + strip.c), grad);
        }
    });
#pragma unroll
    for (unsigned tap = 0; tap < H * W; tap++) {
        unsigned y = ky + tap / W, x = kx + tap % W;
        if (y >= g.kernel[0] || x >= g.kernel[1]) continue;
        float* to = part + (y * g.kernel[1] + x) * g.channels;
        sum_rows(strip, sums.of[tap], [=](unsigned c, float sum) { to[c] = sum; });
    }
}

// Of part `blockIdx.y` of the output pixels, and of the taps of `blockIdx.z`, `high` by `wide`, into `[parts, taps, C]`.
extern "C" __global__ void depthwise_weight_grad(Columns columns, float* parts, const value* x, const value* dy, Conv g, unsigned high, unsigned wide) {
    float* part = parts + (size_t)blockIdx.y * g.kernel[0] * g.kernel[1] * g.channels;
    if (columns.width == 1) depthwise_taps<1, 1>(columns.strip<1>(), part, x, dy, g);
    else if (high == 3 && wide == 3) depthwise_taps<3, 3>(columns.strip<WIDTH>(), part, x, dy, g);
    else depthwise_taps<1, 5>(columns.strip<WIDTH>(), part, x, dy, g);
}
KERNEL_WITH_BARRIERS(depthwise_weight_grad)

// A matrix in x, `[rows, columns]`, whose transpose goes to y; its first block. As the host packs it (`device::weights`).
struct Piece {
    unsigned from, to, rows, columns, block;
};

#define PIECES 128
#define PIECE_PART 1024

struct Pieces {
    unsigned count;
    Piece piece[PIECES];
};

// f32 to values: weights as products want them. Every block writes a part of one piece.
extern "C" __global__ void lay_out(value* y, const float* x, Pieces pieces) {
    unsigned low = 0, high = pieces.count;
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (pieces.piece[middle].block <= blockIdx.x) low = middle;
        else high = middle;
    }
    Piece p = pieces.piece[low];
    unsigned len = p.rows * p.columns;
    unsigned first = (blockIdx.x - p.block) * PIECE_PART;
    for (unsigned i = first + threadIdx.x; i < min(len, first + PIECE_PART); i += blockDim.x) {
        y[p.to + i] = narrow(x[p.from + (size_t)(i % p.rows) * p.columns + i / p.rows]);
    }
}
KERNEL(lay_out)

// `y[rows, columns] +=` the transpose of x `[columns, rows]`: a block turns a square, so that both are read by rows.
extern "C" __global__ void add_transposed(float* y, const value* x, unsigned rows, unsigned columns) {
    __shared__ float square[WARP_THREADS * (WARP_THREADS + 1)];
    unsigned lane = threadIdx.x % WARP_THREADS, row = blockIdx.y * WARP_THREADS, column = blockIdx.x * WARP_THREADS;
    for (unsigned i = threadIdx.x / WARP_THREADS; i < WARP_THREADS; i += THREADS / WARP_THREADS) {
        if (column + i < columns && row + lane < rows) square[i * (WARP_THREADS + 1) + lane] = wide(x[(size_t)(column + i) * rows + row + lane]);
    }
    __syncthreads();
    for (unsigned i = threadIdx.x / WARP_THREADS; i < WARP_THREADS; i += THREADS / WARP_THREADS) {
        if (row + i < rows && column + lane < columns) y[(size_t)(row + i) * columns + column + lane] += square[lane * (WARP_THREADS + 1) + i];
    }
}
KERNEL_WITH_BARRIERS(add_transposed)
