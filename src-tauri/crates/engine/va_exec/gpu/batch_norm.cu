// Batch normalisation over the last dimension; the packed scratch is that of `kernels::batch_norm`: rows of one number a
// channel.
#include "number.cuh"

#define MEAN 0
#define VAR 1
#define INVSTD 2
#define SCALE 3
#define SHIFT 4
#define SUM_DY 5
#define SUM_DY_XHAT 6

// Mean and sum of squares around it of part `blockIdx.y`, by two passes, into `[parts, 2, channels]`.
extern "C" __global__ void batch_norm_moments(float* parts, const value* x, unsigned rows, unsigned channels, unsigned rows_per_part) {
    __shared__ float shared[LANES * ROWS];
    __shared__ float means[LANES];
    unsigned lane = threadIdx.x % LANES;
    unsigned c = blockIdx.x * LANES + lane;
    unsigned first = blockIdx.y * rows_per_part;
    unsigned end = min(rows, first + rows_per_part);
    float sum = 0.0f;
    if (c < channels) {
        for (unsigned r = first + threadIdx.x / LANES; r < end; r += ROWS) sum += wide(x[(size_t)r * channels + c]);
    }
    sum = sum_of_rows(sum, shared);
    if (threadIdx.x < LANES) means[lane] = sum / (float)(end - first);
    __syncthreads();
    float mean = means[lane];
    float square = 0.0f;
    if (c < channels) {
        for (unsigned r = first + threadIdx.x / LANES; r < end; r += ROWS) {
            float d = wide(x[(size_t)r * channels + c]) - mean;
            square += d * d;
        }
    }
    square = sum_of_rows(square, shared);
    if (threadIdx.x < LANES && c < channels) {
        float* part = parts + (size_t)blockIdx.y * 2 * channels;
        part[c] = mean;
        part[channels + c] = square;
    }
}
KERNEL_WITH_BARRIERS(batch_norm_moments)

// Joins the parts in order (Chan, Golub & LeVeque 1979).
extern "C" __global__ void batch_norm_statistics(float* packed, const float* parts, unsigned count, unsigned rows, unsigned rows_per_part, float eps, unsigned channels) {
    unsigned c = thread_index();
    if (c >= channels) return;
    double mean = 0.0, m2 = 0.0, seen = 0.0;
    for (unsigned p = 0; p < count; p++) {
        const float* part = parts + (size_t)p * 2 * channels;
        double n = (double)min(rows_per_part, rows - p * rows_per_part);
        double total = seen + n;
        double delta = (double)part[c] - mean;
        mean += delta * n / total;
        m2 += (double)part[channels + c] + delta * delta * seen * n / total;
        seen = total;
    }
    double var = m2 / seen;
    packed[MEAN * channels + c] = (float)mean;
    packed[VAR * channels + c] = (float)var;
    packed[INVSTD * channels + c] = (float)(1.0 / sqrt(var + (double)eps));
}
KERNEL(batch_norm_statistics)

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
    if (c >= channels) return;
    float scale = gamma[c] * packed[INVSTD * channels + c];
    packed[SCALE * channels + c] = scale;
    packed[SHIFT * channels + c] = beta[c] - packed[MEAN * channels + c] * scale;
}
KERNEL(batch_norm_affine)

// `row` is that of the statistic; `factor` makes a variance unbiased.
extern "C" __global__ void batch_norm_update_running(float* running, const float* packed, unsigned row, float momentum, float factor, unsigned channels) {
    unsigned c = thread_index();
    if (c >= channels) return;
    double m = (double)momentum;
    running[c] = (float)((1.0 - m) * (double)running[c] + m * (double)factor * (double)packed[row * channels + c]);
}
KERNEL(batch_norm_update_running)

extern "C" __global__ void batch_norm_apply(value* y, const value* x, const float* packed, unsigned relu, unsigned channels, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % channels;
    float v = wide(x[i]) * packed[SCALE * channels + c] + packed[SHIFT * channels + c];
    y[i] = narrow(relu && v < 0.0f ? 0.0f : v);
}
KERNEL(batch_norm_apply)

// The gradient where the fused ReLU let it through.
__device__ __forceinline__ float masked(float x, float dy, const float* packed, unsigned relu, unsigned channels, unsigned c) {
    bool dead = relu && x * packed[SCALE * channels + c] + packed[SHIFT * channels + c] <= 0.0f;
    return dead ? 0.0f : dy;
}

// `Σ dy` and `Σ dy · (x - mean)` of part `blockIdx.y` into `[parts, 2, channels]`.
extern "C" __global__ void batch_norm_grad_sums(float* parts, const value* x, const value* dy, const float* packed, unsigned relu, unsigned rows, unsigned channels, unsigned rows_per_part) {
    __shared__ float shared[LANES * ROWS];
    unsigned c = blockIdx.x * LANES + threadIdx.x % LANES;
    unsigned first = blockIdx.y * rows_per_part;
    unsigned end = min(rows, first + rows_per_part);
    float plain = 0.0f, scaled = 0.0f;
    if (c < channels) {
        float mean = packed[MEAN * channels + c];
        for (unsigned r = first + threadIdx.x / LANES; r < end; r += ROWS) {
            size_t at = (size_t)r * channels + c;
            float v = wide(x[at]);
            float g = masked(v, wide(dy[at]), packed, relu, channels, c);
            plain += g;
            scaled += g * (v - mean);
        }
    }
    plain = sum_of_rows(plain, shared);
    scaled = sum_of_rows(scaled, shared);
    if (threadIdx.x < LANES && c < channels) {
        float* part = parts + (size_t)blockIdx.y * 2 * channels;
        part[c] = plain;
        part[channels + c] = scaled;
    }
}
KERNEL_WITH_BARRIERS(batch_norm_grad_sums)

extern "C" __global__ void batch_norm_reduce_grad(float* packed, const float* parts, unsigned count, unsigned channels) {
    unsigned c = thread_index();
    if (c >= channels) return;
    double plain = 0.0, scaled = 0.0;
    for (unsigned p = 0; p < count; p++) {
        const float* part = parts + (size_t)p * 2 * channels;
        plain += (double)part[c];
        scaled += (double)part[channels + c];
    }
    packed[SUM_DY * channels + c] = (float)plain;
    packed[SUM_DY_XHAT * channels + c] = (float)(scaled * (double)packed[INVSTD * channels + c]);
}
KERNEL(batch_norm_reduce_grad)

extern "C" __global__ void batch_norm_param_grad(float* grad, const float* packed, unsigned row, unsigned channels) {
    unsigned c = thread_index();
    if (c < channels) grad[c] += packed[row * channels + c];
}
KERNEL(batch_norm_param_grad)

// dy becomes dx.
extern "C" __global__ void batch_norm_input_grad(value* dy, const value* x, const float* packed, unsigned relu, unsigned channels, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    unsigned c = i % channels;
    float rows = (float)(len / channels);
    float v = wide(x[i]);
    float g = masked(v, wide(dy[i]), packed, relu, channels, c);
    float mean_dy = packed[SUM_DY * channels + c] / rows;
    float slope = packed[SUM_DY_XHAT * channels + c] * packed[INVSTD * channels + c] / rows;
    dy[i] = narrow(packed[SCALE * channels + c] * (g - mean_dy - (v - packed[MEAN * channels + c]) * slope));
}
KERNEL(batch_norm_input_grad)
