// One pass over the flat parameters, in f32 always. Parameters that are treated alike are a group; a thread finds its own by
// where the groups end.
#include "number.cuh"

struct Group {
    // One past its last parameter.
    unsigned end;
    // 0 leaves the parameters as they are.
    float rate;
    // AdamW: what parameters are multiplied by; SGD: the decay that joins the gradient.
    float decay;
    // AdamW: the root of the second moment's correction.
    float root;
};

__device__ __forceinline__ Group group_of(const Group* groups, unsigned count, unsigned i) {
    unsigned low = 0, high = count - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (groups[middle].end > i) high = middle;
        else low = middle + 1;
    }
    return groups[low];
}

// `state` is the first and the second moments.
extern "C" __global__ void adam_moments(float* state, const float* grad, float beta1, float rest1, float beta2, float rest2, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    float g = grad[i];
    state[i] = beta1 * state[i] + rest1 * g;
    state[(size_t)len + i] = beta2 * state[(size_t)len + i] + rest2 * (g * g);
}
KERNEL(adam_moments)

extern "C" __global__ void adam_apply(float* params, const float* state, const Group* groups, unsigned count, float eps, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    Group g = group_of(groups, count, i);
    if (g.rate == 0.0f) return;
    params[i] = params[i] * g.decay - g.rate * state[i] / (sqrtf(state[(size_t)len + i]) / g.root + eps);
}
KERNEL(adam_apply)

extern "C" __global__ void sgd_velocity(float* velocity, const float* grad, const float* params, const Group* groups, unsigned count, float momentum, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    Group g = group_of(groups, count, i);
    if (g.rate == 0.0f) return;
    velocity[i] = momentum * velocity[i] + (grad[i] + g.decay * params[i]);
}
KERNEL(sgd_velocity)

extern "C" __global__ void sgd_apply(float* params, const float* grad, const float* velocity, const Group* groups, unsigned count, float momentum, unsigned nesterov, unsigned len) {
    unsigned i = thread_index();
    if (i >= len) return;
    Group g = group_of(groups, count, i);
    if (g.rate == 0.0f) return;
    float step = nesterov ? grad[i] + g.decay * params[i] + momentum * velocity[i] : velocity[i];
    params[i] -= g.rate * step;
}
KERNEL(sgd_apply)

extern "C" __global__ void move_towards(float* y, const float* x, float share, unsigned len) {
    unsigned i = thread_index();
    if (i < len) y[i] += share * (x[i] - y[i]);
}
KERNEL(move_towards)

// Sum of squares of each part of `part` numbers, in f64: one block a part.
extern "C" __global__ void squares(double* sums, const float* x, unsigned part, unsigned len) {
    __shared__ double shared[ROW_THREADS];
    size_t first = (size_t)blockIdx.x * part;
    size_t end = first + part < len ? first + part : len;
    double sum = 0.0;
    for (size_t i = first + threadIdx.x; i < end; i += ROW_THREADS) sum += (double)x[i] * (double)x[i];
    shared[threadIdx.x] = sum;
    for (unsigned half = ROW_THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    }
    if (threadIdx.x == 0) sums[blockIdx.x] = shared[0];
}
KERNEL_WITH_BARRIERS(squares)
