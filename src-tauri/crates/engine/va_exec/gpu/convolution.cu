// Convolution on `[N, H, W, C]`: windows as the rows of a matrix and back for the products of cuBLAS, and depthwise
// convolutions whole. Weights are `[kh, kw, C / groups, K]` in f32.
#include "number.cuh"

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

// The output position whose tap `k` lies on input `i`; false where there is none.
__device__ __forceinline__ bool target(unsigned i, unsigned k, unsigned stride, unsigned padding, unsigned dilation, unsigned out, unsigned* o) {
    unsigned at = i + padding, shift = k * dilation;
    if (at < shift || (at - shift) % stride != 0) return false;
    *o = (at - shift) / stride;
    return *o < out;
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

// A depthwise convolution: one channel a group, `w[tap, C]`; `keep` adds to what is in y.
extern "C" __global__ void depthwise(value* y, const value* x, const float* w, Conv g, unsigned keep, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % g.channels, row = i / g.channels;
    unsigned ox = row % g.out_width, oy = row / g.out_width % g.out_height, n = row / g.out_width / g.out_height;
    float sum = keep ? wide(y[i]) : 0.0f;
    for (unsigned ky = 0; ky < g.kernel[0]; ky++) {
        unsigned iy, ix;
        if (!source(oy, ky, g.stride[0], g.padding[0], g.dilation[0], g.height, &iy)) continue;
        for (unsigned kx = 0; kx < g.kernel[1]; kx++) {
            if (!source(ox, kx, g.stride[1], g.padding[1], g.dilation[1], g.width, &ix)) continue;
            float v = wide(x[((size_t)(n * g.height + iy) * g.width + ix) * g.channels + c]);
            sum += v * w[(ky * g.kernel[1] + kx) * g.channels + c];
        }
    }
    y[i] = narrow(sum);
}
KERNEL(depthwise)

extern "C" __global__ void depthwise_input_grad(value* dx, const value* dy, const float* w, Conv g, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % g.channels, at = i / g.channels;
    unsigned ix = at % g.width, iy = at / g.width % g.height, n = at / g.width / g.height;
    float sum = 0.0f;
    for (unsigned ky = 0; ky < g.kernel[0]; ky++) {
        unsigned oy, ox;
        if (!target(iy, ky, g.stride[0], g.padding[0], g.dilation[0], g.out_height, &oy)) continue;
        for (unsigned kx = 0; kx < g.kernel[1]; kx++) {
            if (!target(ix, kx, g.stride[1], g.padding[1], g.dilation[1], g.out_width, &ox)) continue;
            float v = wide(dy[((size_t)(n * g.out_height + oy) * g.out_width + ox) * g.channels + c]);
            sum += v * w[(ky * g.kernel[1] + kx) * g.channels + c];
        }
    }
    dx[i] = narrow(sum);
}
KERNEL(depthwise_input_grad)

// Of tap `blockIdx.z` over part `blockIdx.y` of the output pixels, into `[parts, taps, C]`.
extern "C" __global__ void depthwise_weight_grad(float* parts, const value* x, const value* dy, Conv g, unsigned rows, unsigned rows_per_part) {
    __shared__ float shared[LANES * ROWS];
    unsigned c = blockIdx.x * LANES + threadIdx.x % LANES;
    unsigned taps = g.kernel[0] * g.kernel[1];
    unsigned ky = blockIdx.z / g.kernel[1], kx = blockIdx.z % g.kernel[1];
    unsigned first = blockIdx.y * rows_per_part;
    unsigned end = min(rows, first + rows_per_part);
    float sum = 0.0f;
    if (c < g.channels) {
        for (unsigned r = first + threadIdx.x / LANES; r < end; r += ROWS) {
            unsigned ox = r % g.out_width, oy = r / g.out_width % g.out_height, n = r / g.out_width / g.out_height;
            unsigned iy, ix;
            if (!source(oy, ky, g.stride[0], g.padding[0], g.dilation[0], g.height, &iy)) continue;
            if (!source(ox, kx, g.stride[1], g.padding[1], g.dilation[1], g.width, &ix)) continue;
            sum += wide(x[((size_t)(n * g.height + iy) * g.width + ix) * g.channels + c]) * wide(dy[(size_t)r * g.channels + c]);
        }
    }
    sum = sum_of_rows(sum, shared);
    if (threadIdx.x < LANES && c < g.channels) parts[((size_t)blockIdx.y * taps + blockIdx.z) * g.channels + c] = sum;
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

// `y[rows, columns] +=` the transpose of x `[columns, rows]`.
extern "C" __global__ void add_transposed(float* y, const value* x, unsigned rows, unsigned columns, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] += wide(x[(size_t)(i % columns) * rows + i / columns]);
}
KERNEL(add_transposed)
