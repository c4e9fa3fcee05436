// Batch normalisation over the last dimension; the packed scratch is that of `kernels::batch_norm`: rows of one number a
// channel.
#include "columns.cuh"
#include "function.cuh"

#define MEAN 0
#define VAR 1
#define INVSTD 2
#define SCALE 3
#define SHIFT 4
#define SUM_DY 5
#define SUM_DY_XHAT 6

// Each thread sums differences from the first number that it sees, and their squares: of the size of the deviation, however
// far from zero the mean is. Then the threads' means and squares are joined (Chan, Golub & LeVeque 1979).
template <unsigned N> __device__ __forceinline__ void moments(const Strip<N>& strip, float* part, const value* x) {
    Numbers<N> origin = all<N>(0.0f), sum = origin, square = origin;
    unsigned rows = strip.count(strip.row());
    if (strip.is_inside() && rows > 0) origin = strip.load(x, (size_t)(strip.first + strip.row()) * strip.channels + strip.c);
    strip.each([&](size_t at) {
        Numbers<N> v = strip.load(x, at);
#pragma unroll
        for (unsigned k = 0; k < N; k++) {
            float d = v.v[k] - origin.v[k];
            sum.v[k] += d;
            square.v[k] += d * d;
        }
    });
    float n = (float)max(rows, 1u);
    __shared__ float means[THREADS * N];
    __shared__ float squares[THREADS * N];
    strip.place(means, map([=](float origin, float sum) { return origin + sum / n; }, origin, sum));
    strip.place(squares, map([=](float square, float sum) { return fmaxf(square - sum * (sum / n), 0.0f); }, square, sum));
    __syncthreads();
    unsigned channel;
    if (!strip.finishes(&channel)) return;
    float near = means[threadIdx.x], shift = 0.0f, m2 = 0.0f;
    for (unsigned row = 1; row < strip.step; row++) {
        shift += (float)strip.count(row) * (means[row * strip.columns() + threadIdx.x] - near);
    }
    float mean = near + shift / (float)(strip.end - strip.first);
    for (unsigned row = 0; row < strip.step; row++) {
        unsigned at = row * strip.columns() + threadIdx.x;
        float d = means[at] - mean;
        m2 += squares[at] + (float)strip.count(row) * d * d;
    }
    part[channel] = mean;
    part[strip.channels + channel] = m2;
}

// Mean and sum of squares around it of part `blockIdx.y`, by one pass, into `[parts, 2, channels]`.
extern "C" __global__ void batch_norm_moments(Columns columns, float* parts, const value* x) {
    float* part = parts + (size_t)blockIdx.y * 2 * columns.channels;
    columns.run([=](auto strip) { moments(strip, part, x); });
}
KERNEL_WITH_BARRIERS(batch_norm_moments)

// Parts of the rows: how many, and how long.
struct Parts {
    unsigned count, rows, rows_per_part;

    __device__ __forceinline__ double size(unsigned part) const {
        return (double)min(rows_per_part, rows - part * rows_per_part);
    }
};

// Joins the parts: the mean of their means, and their squares around it. True for the thread that wrote a channel.
__device__ __forceinline__ bool statistics(float* packed, const float* parts, Parts of, float eps, unsigned channels) {
    unsigned c = min(joined_index(), channels - 1);
    double mean = sum_of_parts(of.count, [=](unsigned part) { return of.size(part) * (double)parts[(size_t)part * 2 * channels + c]; });
    mean /= (double)of.rows;
    double m2 = sum_of_parts(of.count, [=](unsigned part) {
        const float* moments = parts + (size_t)part * 2 * channels;
        double d = (double)moments[c] - mean;
        return (double)moments[channels + c] + of.size(part) * d * d;
    });
    if (!joins(channels)) return false;
    double var = m2 / (double)of.rows;
    packed[MEAN * channels + c] = (float)mean;
    packed[VAR * channels + c] = (float)var;
    packed[INVSTD * channels + c] = (float)(1.0 / sqrt(var + (double)eps));
    return true;
}

__device__ __forceinline__ void affine(float* packed, const float* gamma, const float* beta, unsigned c, unsigned channels) {
    float scale = gamma[c] * packed[INVSTD * channels + c];
    packed[SCALE * channels + c] = scale;
    packed[SHIFT * channels + c] = beta[c] - packed[MEAN * channels + c] * scale;
}

__device__ __forceinline__ float moved(float running, float batch, float momentum, float factor) {
    double m = (double)momentum;
    return (float)((1.0 - m) * (double)running + m * (double)factor * (double)batch);
}

extern "C" __global__ void batch_norm_statistics(float* packed, const float* parts, unsigned count, unsigned rows, unsigned rows_per_part, float eps, unsigned channels) {
    statistics(packed, parts, Parts{count, rows, rows_per_part}, eps, channels);
}
KERNEL_WITH_BARRIERS(batch_norm_statistics)

// All that training needs before it normalises: statistics, running ones moved, scale and shift. `factor` makes the variance
// unbiased.
extern "C" __global__ void batch_norm_prepare(float* packed, const float* parts, float* mean, float* var, const float* gamma, const float* beta, unsigned count, unsigned rows, unsigned rows_per_part, float eps, float momentum, float factor, unsigned channels) {
    if (!statistics(packed, parts, Parts{count, rows, rows_per_part}, eps, channels)) return;
    unsigned c = joined_index();
    mean[c] = moved(mean[c], packed[MEAN * channels + c], momentum, 1.0f);
    var[c] = moved(var[c], packed[VAR * channels + c], momentum, factor);
    affine(packed, gamma, beta, c, channels);
}
KERNEL_WITH_BARRIERS(batch_norm_prepare)

extern "C" __global__ void batch_norm_from_running(float* packed, const float* mean, const float* var, float eps, unsigned channels) {
    unsigned c = thread_index();
    if (c >= channels) return;
    packed[MEAN * channels + c] = mean[c];
    packed[VAR * channels + c] = var[c];
    packed[INVSTD * channels + c] = (float)(1.0 / sqrt((double)var[c] + (double)eps));
}
KERNEL(batch_norm_from_running)

extern "C" __global__ void batch_norm_affine(float* packed, const float* gamma, const float* beta, unsigned channels) {
    unsigned c = thread_index();
    if (c < channels) affine(packed, gamma, beta, c, channels);
}
KERNEL(batch_norm_affine)

// `row` is that of the statistic; `factor` makes a variance unbiased.
extern "C" __global__ void batch_norm_update_running(float* running, const float* packed, unsigned row, float momentum, float factor, unsigned channels) {
    unsigned c = thread_index();
    if (c < channels) running[c] = moved(running[c], packed[row * channels + c], momentum, factor);
}
KERNEL(batch_norm_update_running)

__device__ __forceinline__ float rectified(float v, unsigned relu) {
    return relu ? activate(RELU, v) : v;
}

// `store(at, normalised)` for all numbers of a thread.
template <unsigned N, typename Store> __device__ __forceinline__ void normalise(const Strip<N>& strip, const value* x, const float* packed, Store store) {
    Numbers<N> scale = strip.of(packed + SCALE * strip.channels), shift = strip.of(packed + SHIFT * strip.channels);
    strip.each([&](size_t at) {
        store(at, map([](float x, float scale, float shift) { return x * scale + shift; }, strip.load(x, at), scale, shift));
    });
}

extern "C" __global__ void batch_norm_apply(Columns columns, value* __restrict__ y, const value* __restrict__ x, const float* __restrict__ packed, unsigned relu) {
    columns.run([=](auto strip) {
        normalise(strip, x, packed, [=](size_t at, auto v) {
            strip.store(y, at, map([=](float v) { return rectified(v, relu); }, v));
        });
    });
}
KERNEL(batch_norm_apply)

// And the sum that follows, of what the batch norm by itself would have written.
extern "C" __global__ void batch_norm_apply_add(Columns columns, value* __restrict__ y, const value* __restrict__ x, const float* __restrict__ packed, const value* __restrict__ addend, unsigned relu) {
    columns.run([=](auto strip) {
        normalise(strip, x, packed, [=](size_t at, auto v) {
            auto sum = [=](float v, float addend) { return rectified(wide(narrow(v)) + addend, relu); };
            strip.store(y, at, map(sum, v, strip.load(addend, at)));
        });
    });
}
KERNEL(batch_norm_apply_add)

// The gradient where the fused ReLU let it through.
__device__ __forceinline__ float masked(float x, float dy, float scale, float shift, unsigned relu) {
    return relu && x * scale + shift <= 0.0f ? 0.0f : dy;
}

// `pass(at, x, dy)` is the gradient that reaches the batch norm.
template <unsigned N, typename Pass> __device__ __forceinline__ void grad_sums(const Strip<N>& strip, float* part, const value* x, const value* dy, const float* packed, Pass pass) {
    unsigned channels = strip.channels;
    Numbers<N> mean = strip.of(packed + MEAN * channels), plain = all<N>(0.0f), scaled = plain;
    strip.each([&](size_t at) {
        Numbers<N> v = strip.load(x, at), g = pass(at, v, strip.load(dy, at));
#pragma unroll
        for (unsigned k = 0; k < N; k++) {
            plain.v[k] += g.v[k];
            scaled.v[k] += g.v[k] * (v.v[k] - mean.v[k]);
        }
    });
    sum_rows(strip, plain, [=](unsigned c, float sum) { part[c] = sum; });
    sum_rows(strip, scaled, [=](unsigned c, float sum) { part[channels + c] = sum; });
}

// `Σ dy` and `Σ dy · (x - mean)` of part `blockIdx.y` into `[parts, 2, channels]`.
extern "C" __global__ void batch_norm_grad_sums(Columns columns, float* parts, const value* x, const value* dy, const float* packed, unsigned relu) {
    float* part = parts + (size_t)blockIdx.y * 2 * columns.channels;
    columns.run([=](auto strip) {
        auto scale = strip.of(packed + SCALE * columns.channels), shift = strip.of(packed + SHIFT * columns.channels);
        grad_sums(strip, part, x, dy, packed, [=](size_t, auto v, auto g) {
            return map([=](float x, float dy, float scale, float shift) { return masked(x, dy, scale, shift, relu); }, v, g, scale, shift);
        });
    });
}
KERNEL_WITH_BARRIERS(batch_norm_grad_sums)

// The same after the ReLU of a sum, whose result is `y`: dy becomes what it let through.
extern "C" __global__ void batch_norm_grad_sums_masked(Columns columns, float* parts, const value* __restrict__ x, value* __restrict__ dy, const value* __restrict__ y, const float* __restrict__ packed) {
    float* part = parts + (size_t)blockIdx.y * 2 * columns.channels;
    columns.run([=](auto strip) {
        grad_sums(strip, part, x, dy, packed, [=](size_t at, auto, auto g) {
            g = map([](float dy, float y) { return dy * slope(RELU, y); }, g, strip.load(y, at));
            strip.store(dy, at, g);
            return g;
        });
    });
}
KERNEL_WITH_BARRIERS(batch_norm_grad_sums_masked)

// True for the thread that wrote a channel.
__device__ __forceinline__ bool reduce_grad(float* packed, const float* parts, unsigned count, unsigned channels) {
    unsigned c = min(joined_index(), channels - 1);
    double plain = sum_of_parts(count, [=](unsigned part) { return (double)parts[(size_t)part * 2 * channels + c]; });
    double scaled = sum_of_parts(count, [=](unsigned part) { return (double)parts[((size_t)part * 2 + 1) * channels + c]; });
    if (!joins(channels)) return false;
    packed[SUM_DY * channels + c] = (float)plain;
    packed[SUM_DY_XHAT * channels + c] = (float)(scaled * (double)packed[INVSTD * channels + c]);
    return true;
}

extern "C" __global__ void batch_norm_reduce_grad(float* packed, const float* parts, unsigned count, unsigned channels) {
    reduce_grad(packed, parts, count, channels);
}
KERNEL_WITH_BARRIERS(batch_norm_reduce_grad)

// The sums, and with them the gradients of scale and shift.
extern "C" __global__ void batch_norm_learn(float* packed, const float* parts, float* dgamma, float* dbeta, unsigned count, unsigned channels) {
    if (!reduce_grad(packed, parts, count, channels)) return;
    unsigned c = joined_index();
    dgamma[c] += packed[SUM_DY_XHAT * channels + c];
    dbeta[c] += packed[SUM_DY * channels + c];
}
KERNEL_WITH_BARRIERS(batch_norm_learn)

extern "C" __global__ void batch_norm_param_grad(float* grad, const float* packed, unsigned row, unsigned channels) {
    unsigned c = thread_index();
    if (c < channels) grad[c] += packed[row * channels + c];
}
KERNEL(batch_norm_param_grad)

template <unsigned N> __device__ __forceinline__ void input_grad(const Strip<N>& strip, float rows, value* dx, const value* dy, const value* x, const float* packed, unsigned relu) {
    auto row = [=](unsigned statistic) { return strip.of(packed + statistic * strip.channels); };
    auto share = [=](float sum, float factor) { return sum * factor / rows; };
    Numbers<N> mean = row(MEAN), scale = row(SCALE), shift = row(SHIFT);
    Numbers<N> level = map(share, row(SUM_DY), all<N>(1.0f)), slope = map(share, row(SUM_DY_XHAT), row(INVSTD));
    strip.each([&](size_t at) {
        Numbers<N> v = strip.load(x, at), g = strip.load(dy, at);
#pragma unroll
        for (unsigned k = 0; k < N; k++) {
            float passed = masked(v.v[k], g.v[k], scale.v[k], shift.v[k], relu);
            g.v[k] = scale.v[k] * (passed - level.v[k] - (v.v[k] - mean.v[k]) * slope.v[k]);
        }
        strip.store(dx, at, g);
    });
}

// dy becomes dx.
extern "C" __global__ void batch_norm_input_grad(Columns columns, value* __restrict__ dy, const value* __restrict__ x, const float* __restrict__ packed, unsigned relu) {
    columns.run([=](auto strip) { input_grad(strip, (float)columns.rows, dy, dy, x, packed, relu); });
}
KERNEL(batch_norm_input_grad)

// dy stays, for the other operand of a sum.
extern "C" __global__ void batch_norm_input_grad_beside(Columns columns, value* __restrict__ dx, const value* __restrict__ dy, const value* __restrict__ x, const float* __restrict__ packed) {
    columns.run([=](auto strip) { input_grad(strip, (float)columns.rows, dx, dy, x, packed, 0); });
}
KERNEL(batch_norm_input_grad_beside)
