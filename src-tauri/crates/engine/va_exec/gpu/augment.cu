// Training images from stored ones: crop and resize, flips, changes, normalising and blending, as `va_dataset` does on the
// CPU, to the last bit: whole numbers where it has whole numbers, the same operations in the same order where it has reals
// (this file is compiled without fused multiply-add). An image is `[S, S, 3]` bytes, a batch `[N, S, S, 3]`; blocks in `y`
// are images.
#include "number.cuh"

typedef unsigned char byte;
typedef unsigned long long number;

#define WARP 1
#define COLOR 2
#define CONTRAST 4
#define BLUR 8
#define NOISE 16
#define CUTOUT 32
#define FLIP_HORIZONTAL 64
#define FLIP_VERTICAL 128

// One image's orders; `device::augment::words` writes it.
struct Job {
    number source;
    // Where its part of the half resized bytes begins.
    number between;
    number noise_key, noise_first;
    double projection[9];
    double contrast[2];
    float color[9];
    float deviation;
    unsigned width, x, y, crop_width;
    // Place in the tables, words a position, bits behind the point.
    unsigned columns, column_step, column_precision;
    unsigned rows, row_step, row_precision;
    unsigned flags;
    unsigned blur, blur_reach, blurred;
    unsigned left, right, top, bottom;
};

// As Rust's `as u8`.
__device__ __forceinline__ byte to_byte(float v) {
    return v > 0.0f ? (v < 255.0f ? (byte)v : 255) : 0;
}

// One value of a resized line whose values lie `step` bytes apart: first place, count, weights of 16 bits two a word.
__device__ __forceinline__ byte weighed(const byte* line, size_t step, const unsigned* taps, unsigned precision) {
    line += taps[0] * step;
    int sum = 1 << (precision - 1);
    for (unsigned k = 0; k < taps[1]; k++) sum += (int)(short)(taps[2 + k / 2] >> (k % 2 * 16)) * (int)line[k * step];
    sum >>= precision;
    return sum < 0 ? 0 : sum > 255 ? 255 : sum;
}

// First pass, down the columns of the crop: `[S, crop width, 3]` an image.
extern "C" __global__ void resize_columns(byte* between, const Job* jobs, const unsigned* tables, unsigned size) {
    const Job& job = jobs[blockIdx.y];
    unsigned row = job.crop_width * 3, i = thread_index();
    if (i >= size * row) return;
    size_t stride = (size_t)job.width * 3;
    const byte* line = (const byte*)job.source + job.y * stride + (size_t)job.x * 3 + i % row;
    between[job.between + i] = weighed(line, stride, tables + job.columns + i / row * job.column_step, job.column_precision);
}
KERNEL(resize_columns)

// Second pass, along the rows, and flips.
extern "C" __global__ void resize_rows(byte* images, const byte* between, const Job* jobs, const unsigned* tables, unsigned size) {
    const Job& job = jobs[blockIdx.y];
    unsigned i = thread_index();
    if (i >= size * size * 3) return;
    unsigned c = i % 3, x = i / 3 % size, y = i / 3 / size;
    const byte* line = between + job.between + (size_t)y * job.crop_width * 3 + c;
    byte v = weighed(line, 3, tables + job.rows + x * job.row_step, job.row_precision);
    if (job.flags & FLIP_HORIZONTAL) x = size - 1 - x;
    if (job.flags & FLIP_VERTICAL) y = size - 1 - y;
    images[(((size_t)blockIdx.y * size + y) * size + x) * 3 + c] = v;
}
KERNEL(resize_rows)

// A position on an endless row of images, every other one mirrored.
__device__ __forceinline__ unsigned mirrored(long long at, unsigned len) {
    long long twice = 2 * (long long)len, within = at % twice;
    if (within < 0) within += twice;
    return within < len ? within : twice - 1 - within;
}

// As Rust's `as i64`: what is no number is 0.
__device__ __forceinline__ long long to_whole(double v) {
    if (v != v) return 0;
    if (v >= 9223372036854775808.0) return 0x7fffffffffffffffll;
    if (v < -9223372036854775808.0) return -0x7fffffffffffffffll - 1;
    return (long long)v;
}

// Every output pixel shows a place of the image, bilinear.
extern "C" __global__ void warp(byte* to, const byte* from, const Job* jobs, unsigned size) {
    const Job& job = jobs[blockIdx.y];
    unsigned i = thread_index();
    if (i >= size * size) return;
    size_t image = (size_t)blockIdx.y * size * size * 3;
    to += image + (size_t)i * 3;
    from += image;
    if (!(job.flags & WARP)) {
        for (unsigned c = 0; c < 3; c++) to[c] = from[i * 3 + c];
        return;
    }
    double middle = size / 2.0;
    double x = i % size + 0.5 - middle, y = i / size + 0.5 - middle;
    const double* p = job.projection;
    double u = p[0] * x + p[1] * y + p[2], v = p[3] * x + p[4] * y + p[5], w = p[6] * x + p[7] * y + p[8];
    double at_x = u / w + middle - 0.5, at_y = v / w + middle - 0.5;
    double left = floor(at_x), top = floor(at_y);
    float fx = (float)(at_x - left), fy = (float)(at_y - top);
    unsigned columns[2] = {mirrored(to_whole(left), size) * 3, mirrored(to_whole(left + 1.0), size) * 3};
    unsigned stride = size * 3;
    unsigned rows[2] = {mirrored(to_whole(top), size) * stride, mirrored(to_whole(top + 1.0), size) * stride};
    for (unsigned c = 0; c < 3; c++) {
        float ends[2];
        for (unsigned r = 0; r < 2; r++) {
            float a = from[rows[r] + columns[0] + c], b = from[rows[r] + columns[1] + c];
            ends[r] = a + fx * (b - a);
        }
        to[c] = to_byte(ends[0] + fy * (ends[1] - ends[0]) + 0.5f);
    }
}
KERNEL(warp)

// Sums of each channel of images whose contrast changes; one block an image.
extern "C" __global__ void channel_totals(number* totals, const byte* images, const Job* jobs, unsigned pixels) {
    __shared__ number shared[3 * ROW_THREADS];
    if (!(jobs[blockIdx.x].flags & CONTRAST)) return;
    images += (size_t)blockIdx.x * pixels * 3;
    number sums[3] = {0, 0, 0};
    for (unsigned i = threadIdx.x; i < pixels; i += ROW_THREADS) {
        for (unsigned c = 0; c < 3; c++) sums[c] += images[(size_t)i * 3 + c];
    }
    for (unsigned c = 0; c < 3; c++) shared[c * ROW_THREADS + threadIdx.x] = sums[c];
    __syncthreads();
    if (threadIdx.x >= 3) return;
    number total = 0;
    for (unsigned i = 0; i < ROW_THREADS; i++) total += shared[threadIdx.x * ROW_THREADS + i];
    totals[blockIdx.x * 3 + threadIdx.x] = total;
}
KERNEL_WITH_BARRIERS(channel_totals)

// Brightness, contrast, saturation and hue as one matrix and one constant.
extern "C" __global__ void recolor(byte* images, const number* totals, const Job* jobs, unsigned pixels) {
    const Job& job = jobs[blockIdx.y];
    unsigned i = thread_index();
    if (i >= pixels || !(job.flags & COLOR)) return;
    double level = 0.0;
    if (job.flags & CONTRAST) {
        const double grey[3] = {0.2126, 0.7152, 0.0722};
        double mean = 0.0;
        for (unsigned c = 0; c < 3; c++) mean += (double)totals[blockIdx.y * 3 + c] / (double)pixels * grey[c];
        level = mean * job.contrast[0] * job.contrast[1];
    }
    float constant = (float)level + 0.5f;
    byte* pixel = images + ((size_t)blockIdx.y * pixels + i) * 3;
    float r = pixel[0], g = pixel[1], b = pixel[2];
    for (unsigned c = 0; c < 3; c++) {
        const float* by = job.color + c * 3;
        pixel[c] = to_byte(by[0] * r + by[1] * g + by[2] * b + constant);
    }
}
KERNEL(recolor)

// A number of a line of `size` numbers `step` apart, blurred: the centre, then both neighbours, ever further out.
template <typename T>
__device__ __forceinline__ float blurred(const T* line, unsigned at, unsigned size, unsigned step, const Job& job, const unsigned* tables) {
    float sum = 0.0f;
    for (unsigned d = 0; d <= job.blur_reach; d++) {
        float weight = __uint_as_float(tables[job.blur + d]);
        sum += weight * (float)line[(size_t)mirrored((long long)at - d, size) * step];
        if (d > 0) sum += weight * (float)line[(size_t)mirrored((long long)at + d, size) * step];
    }
    return sum;
}

// First along rows, into `[size, size, 3]` numbers for each image that is blurred.
extern "C" __global__ void blur_rows(float* half, const byte* images, const Job* jobs, const unsigned* tables, unsigned size) {
    const Job& job = jobs[blockIdx.y];
    unsigned i = thread_index(), len = size * size * 3;
    if (i >= len || !(job.flags & BLUR)) return;
    unsigned c = i % 3, x = i / 3 % size, y = i / 3 / size;
    const byte* line = images + (size_t)blockIdx.y * len + (size_t)y * size * 3 + c;
    half[(size_t)job.blurred * len + i] = blurred(line, x, size, 3, job, tables);
}
KERNEL(blur_rows)

extern "C" __global__ void blur_columns(byte* images, const float* half, const Job* jobs, const unsigned* tables, unsigned size) {
    const Job& job = jobs[blockIdx.y];
    unsigned i = thread_index(), len = size * size * 3;
    if (i >= len || !(job.flags & BLUR)) return;
    const float* line = half + (size_t)job.blurred * len + i % (size * 3);
    images[(size_t)blockIdx.y * len + i] = to_byte(blurred(line, i / 3 / size, size, size * 3, job, tables) + 0.5f);
}
KERNEL(blur_columns)

// `va_dataset::rng`: SplitMix64's finaliser.
__device__ __forceinline__ number mixed(number x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

// One draw a value: the sum of four uniform numbers is nearly normal.
extern "C" __global__ void noise(byte* images, const Job* jobs, unsigned len) {
    const Job& job = jobs[blockIdx.y];
    unsigned i = thread_index();
    if (i >= len || !(job.flags & NOISE)) return;
    number bits = mixed((job.noise_key ^ (job.noise_first + i)) + 0x9e3779b97f4a7c15ull), sum = 0;
    for (unsigned part = 0; part < 4; part++) sum += bits >> (16 * part) & 0xffff;
    float normal = ((float)sum - 131070.0f) / 37837.23f;
    byte* value = images + (size_t)blockIdx.y * len + i;
    *value = to_byte((float)*value + job.deviation * normal + 0.5f);
}
KERNEL(noise)

// A rectangle in the mean colour of photographs.
extern "C" __global__ void cutout(byte* images, const Job* jobs, unsigned size) {
    const Job& job = jobs[blockIdx.y];
    unsigned i = thread_index(), x = i % size, y = i / size;
    if (i >= size * size || !(job.flags & CUTOUT)) return;
    if (x < job.left || x >= job.right || y < job.top || y >= job.bottom) return;
    byte* pixel = images + ((size_t)blockIdx.y * size * size + i) * 3;
    pixel[0] = 124;
    pixel[1] = 116;
    pixel[2] = 104;
}
KERNEL(cutout)

// `y = share · T[own] + (1 - share) · T[other]` for the images from `start` on; `table` is `[3, 256]`, `blends` the other
// image and the share's bits of each image of `y`.
extern "C" __global__ void normalise(float* y, const byte* images, const float* table, const unsigned* blends, unsigned start, unsigned image, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned n = i / image, at = i % image;
    const float* values = table + at % 3 * 256;
    float own = values[images[(size_t)(start + n) * image + at]];
    float other = values[images[(size_t)blends[n * 2] * image + at]];
    float share = __uint_as_float(blends[n * 2 + 1]);
    y[i] = share * own + (1.0f - share) * other;
}
KERNEL(normalise)
