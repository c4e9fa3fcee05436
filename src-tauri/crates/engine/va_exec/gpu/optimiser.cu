// A whole update of the flat parameters, in f32 always, so that it can be recorded: the host writes `Control` and its groups
// before, and reads `Report` after. A gradient whose norm is no number moves nothing. Parameters that are treated alike are a
// group; a thread finds its own by where the groups end.
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

// Sum over the block, in a fixed order, for the first thread.
__device__ __forceinline__ double block_sum_f64(double v, double* shared) {
    shared[threadIdx.x] = v;
    for (unsigned half = ROW_THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    }
    return shared[0];
}

// Sum of squares of each part of `part` numbers, in f64: one block a part.
extern "C" __global__ void squares(double* sums, const float* x, unsigned part, unsigned len) {
    __shared__ double shared[ROW_THREADS];
    size_t first = (size_t)blockIdx.x * part;
    size_t end = first + part < len ? first + part : len;
    double sum = 0.0;
    for (size_t i = first + threadIdx.x; i < end; i += ROW_THREADS) sum += (double)x[i] * (double)x[i];
    sum = block_sum_f64(sum, shared);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
KERNEL_WITH_BARRIERS(squares)

struct Control {
    // Gradients that are longer are scaled down to it; infinity for never.
    double largest_norm;
    // AdamW: beta1, 1 - beta1, beta2, 1 - beta2, epsilon; SGD: momentum, and 1 for Nesterov's.
    float first, rest_of_first, second, rest_of_second, epsilon;
    // Of the new values in the running average.
    float share;
    unsigned groups;
    unsigned unused;
};

struct Report {
    double norm;
    // What the gradient is multiplied by.
    double factor;
    // Sums of squares of parameters and of running statistics.
    double params, buffers;
};

__device__ __forceinline__ const Group* groups_of(const Control* control) {
    return (const Group*)(control + 1);
}

__device__ __forceinline__ bool is_number(double v) {
    return v - v == 0.0;
}

__device__ __forceinline__ double sum_of_parts(const double* parts, unsigned count, double* shared) {
    double sum = 0.0;
    for (unsigned i = threadIdx.x; i < count; i += ROW_THREADS) sum += parts[i];
    return block_sum_f64(sum, shared);
}

// The norm, and what clips the gradient, by PyTorch's formula. One block.
extern "C" __global__ void begin_update(Report* report, const double* squares, unsigned count, const Control* control) {
    __shared__ double shared[ROW_THREADS];
    double norm = sqrt(sum_of_parts(squares, count, shared));
    if (threadIdx.x != 0) return;
    double factor = control->largest_norm / (norm + 1e-6);
    report->norm = norm;
    report->factor = is_number(norm) && factor < 1.0 ? factor : 1.0;
}
KERNEL_WITH_BARRIERS(begin_update)

// `body(chunk, group)` for the numbers of a chunk: together where they are of one group, otherwise one by one.
template <typename C, typename Body>
__device__ __forceinline__ void by_group(const Control* control, C chunk, Body body) {
    Group g = group_of(groups_of(control), control->groups, chunk.at);
    if (chunk.at + C::width <= g.end) {
        body(chunk, g);
        return;
    }
    for (unsigned i = chunk.at; i < chunk.at + C::width; i++) {
        if (i >= g.end) g = group_of(groups_of(control), control->groups, i);
        body(Chunk<1>{i}, g);
    }
}

// Numbers that may begin anywhere.
template <typename C> __device__ __forceinline__ Numbers<C::width> load_any(C chunk, const float* from) {
    if ((size_t)from % sizeof(Quad) == 0) return chunk.load(from);
    Numbers<C::width> n;
#pragma unroll
    for (unsigned k = 0; k < C::width; k++) n.v[k] = from[chunk.at + k];
    return n;
}

template <typename C> __device__ __forceinline__ void store_any(C chunk, float* to, const Numbers<C::width>& n) {
    if ((size_t)to % sizeof(Quad) == 0) {
        chunk.store(to, n);
        return;
    }
#pragma unroll
    for (unsigned k = 0; k < C::width; k++) to[chunk.at + k] = n.v[k];
}

extern "C" __global__ void adam_update(Elements elements, float* params, float* first, float* second, const float* grad, const Control* control, const Report* report) {
    if (!is_number(report->norm)) return;
    float factor = (float)report->factor, epsilon = control->epsilon;
    float beta1 = control->first, rest1 = control->rest_of_first, beta2 = control->second, rest2 = control->rest_of_second;
    elements.each([=](auto whole) {
        by_group(control, whole, [=](auto chunk, Group g) {
            auto d = map([=](float d) { return d * factor; }, chunk.load(grad));
            auto m = map([=](float m, float d) { return beta1 * m + rest1 * d; }, chunk.load(first), d);
            auto v = map([=](float v, float d) { return beta2 * v + rest2 * (d * d); }, load_any(chunk, second), d);
            chunk.store(first, m);
            store_any(chunk, second, v);
            if (g.rate == 0.0f) return;
            auto moved = [=](float p, float m, float v) { return p * g.decay - g.rate * m / (sqrtf(v) / g.root + epsilon); };
            chunk.store(params, map(moved, chunk.load(params), m, v));
        });
    });
}
KERNEL(adam_update)

// A group whose `root` is 0 does not move.
extern "C" __global__ void sgd_update(Elements elements, float* params, float* velocity, const float* grad, const Control* control, const Report* report) {
    if (!is_number(report->norm)) return;
    float factor = (float)report->factor, momentum = control->first;
    bool nesterov = control->rest_of_first != 0.0f;
    elements.each([=](auto whole) {
        by_group(control, whole, [=](auto chunk, Group g) {
            if (g.root == 0.0f) return;
            auto p = chunk.load(params);
            auto d = map([=](float d, float p) { return d * factor + g.decay * p; }, chunk.load(grad), p);
            auto v = map([=](float v, float d) { return momentum * v + d; }, chunk.load(velocity), d);
            chunk.store(velocity, v);
            auto moved = [=](float p, float d, float v) { return p - g.rate * (nesterov ? d + momentum * v : v); };
            chunk.store(params, map(moved, p, d, v));
        });
    });
}
KERNEL(sgd_update)

// What tells whether parameters and running statistics are numbers. One block.
extern "C" __global__ void end_update(Report* report, const double* params, unsigned params_count, const double* buffers, unsigned buffers_count) {
    __shared__ double shared[ROW_THREADS];
    double sum = sum_of_parts(params, params_count, shared);
    if (threadIdx.x == 0) report->params = sum;
    __syncthreads();
    sum = sum_of_parts(buffers, buffers_count, shared);
    if (threadIdx.x == 0) report->buffers = sum;
}
KERNEL_WITH_BARRIERS(end_update)

// The running average.
extern "C" __global__ void follow(Elements elements, float* y, const float* x, const Control* control, const Report* report) {
    if (!is_number(report->norm)) return;
    float share = control->share;
    elements.each([=](auto chunk) {
        chunk.store(y, map([=](float y, float x) { return y + share * (x - y); }, chunk.load(y), chunk.load(x)));
    });
}
KERNEL(follow)
