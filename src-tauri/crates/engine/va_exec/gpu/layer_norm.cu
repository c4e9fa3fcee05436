// Layer normalisation over the last dimension. A few threads of a warp share a row; what they read twice is near them then.
// `moments` is `[rows, 2]`: mean and inverse deviation.
#include "columns.cuh"

// One row of a thread and the others of its group.
template <unsigned N> struct Row {
    unsigned channels, lanes, number;
    // Groups of the last block may have no row; they take part in sums.
    bool is_inside;

    // `body(c)` for the thread's channels.
    template <typename Body> __device__ __forceinline__ void each(Body body) const {
        if (!is_inside) return;
        for (unsigned c = threadIdx.x % lanes * N; c < channels; c += lanes * N) body(c);
    }

    template <typename T> __device__ __forceinline__ T* of(T* rows) const {
        return rows + (size_t)number * channels;
    }

    // Mean of what the threads of the row have summed.
    __device__ __forceinline__ float mean(const Numbers<N>& sums) const {
        float sum = 0.0f;
#pragma unroll
        for (unsigned k = 0; k < N; k++) sum += sums.v[k];
        return sum_of_lanes(sum, lanes) / (float)channels;
    }
};

// As the host packs it (`device::layer_norm`).
struct Rows {
    unsigned rows, channels, width, lanes;

    template <typename Body> __device__ __forceinline__ void run(Body body) const {
        unsigned number = thread_index() / lanes;
        bool is_inside = number < rows;
        if (width == WIDTH) body(Row<WIDTH>{channels, lanes, number, is_inside});
        else body(Row<1>{channels, lanes, number, is_inside});
    }
};

struct Moments {
    float mean, inverse;
};

template <unsigned N> __device__ __forceinline__ Moments moments_of(const Row<N>& row, const value* x, float eps) {
    Numbers<N> sum = all<N>(0.0f), square = sum;
    row.each([&](unsigned c) { sum = map([](float sum, float v) { return sum + v; }, sum, load<N>(row.of(x) + c)); });
    float mean = row.mean(sum);
    row.each([&](unsigned c) {
        square = map([=](float square, float v) { return square + (v - mean) * (v - mean); }, square, load<N>(row.of(x) + c));
    });
    return {mean, 1.0f / sqrtf(row.mean(square) + eps)};
}

extern "C" __global__ void layer_norm_moments(Rows rows, float* moments, const value* x, float eps) {
    rows.run([=](auto row) {
        Moments found = moments_of(row, x, eps);
        if (!row.is_inside || threadIdx.x % row.lanes != 0) return;
        moments[2 * (size_t)row.number] = found.mean;
        moments[2 * (size_t)row.number + 1] = found.inverse;
    });
}
KERNEL_WITH_BARRIERS(layer_norm_moments)

template <unsigned N> __device__ __forceinline__ void normalise(const Row<N>& row, value* y, const value* x, const float* beta, const float* gamma, float eps) {
    Moments moments = moments_of(row, x, eps);
    auto affine = [=](float v, float beta, float gamma) { return (v - moments.mean) * moments.inverse * gamma + beta; };
    row.each([&](unsigned c) {
        store<N>(row.of(y) + c, map(affine, load<N>(row.of(x) + c), load<N>(beta + c), load<N>(gamma + c)));
    });
}

// `affine` is beta, then gamma.
extern "C" __global__ void layer_norm(Rows rows, value* y, const value* x, const float* affine, float eps) {
    rows.run([=](auto row) { normalise(row, y, x, affine, affine + rows.channels, eps); });
}
KERNEL_WITH_BARRIERS(layer_norm)

template <unsigned N> __device__ __forceinline__ void grad_sums(const Strip<N>& strip, float* part, const value* x, const value* dy, const float* moments) {
    Numbers<N> plain = all<N>(0.0f), scaled = plain;
    strip.each_row([&](unsigned row, size_t at) {
        float mean = moments[2 * (size_t)row], inverse = moments[2 * (size_t)row + 1];
        Numbers<N> v = strip.load(x, at), g = strip.load(dy, at);
        plain = map([](float sum, float g) { return sum + g; }, plain, g);
        scaled = map([=](float sum, float g, float v) { return sum + g * (v - mean) * inverse; }, scaled, g, v);
    });
    sum_rows(strip, scaled, [=](unsigned c, float sum) { part[c] = sum; });
    sum_rows(strip, plain, [=](unsigned c, float sum) { part[strip.channels + c] = sum; });
}

// `Σ dy · x̂` and `Σ dy` of part `blockIdx.y` into `[parts, 2, channels]`.
extern "C" __global__ void layer_norm_grad_sums(Columns columns, float* parts, const value* x, const value* dy, const float* moments) {
    float* part = parts + (size_t)blockIdx.y * 2 * columns.channels;
    columns.run([=](auto strip) { grad_sums(strip, part, x, dy, moments); });
}
KERNEL_WITH_BARRIERS(layer_norm_grad_sums)

template <unsigned N> __device__ __forceinline__ void input_grad(const Row<N>& row, value* dy, const value* x, const float* gamma, float eps) {
    Moments moments = moments_of(row, x, eps);
    Numbers<N> plain = all<N>(0.0f), scaled = plain;
    auto gradient = [=](unsigned c) {
        return map([](float dy, float gamma) { return dy * gamma; }, load<N>(row.of(dy) + c), load<N>(gamma + c));
    };
    row.each([&](unsigned c) {
        Numbers<N> g = gradient(c), v = load<N>(row.of(x) + c);
        plain = map([](float sum, float g) { return sum + g; }, plain, g);
        scaled = map([=](float sum, float g, float v) { return sum + g * (v - moments.mean); }, scaled, g, v);
    });
    float level = row.mean(plain);
    float slope = row.mean(scaled) * moments.inverse * moments.inverse;
    auto result = [=](float g, float v) { return moments.inverse * (g - level - (v - moments.mean) * slope); };
    row.each([&](unsigned c) { store<N>(row.of(dy) + c, map(result, gradient(c), load<N>(row.of(x) + c))); });
}

// dy becomes dx.
extern "C" __global__ void layer_norm_input_grad(Rows rows, value* dy, const value* x, const float* gamma, float eps) {
    rows.run([=](auto row) { input_grad(row, dy, x, gamma, eps); });
}
KERNEL_WITH_BARRIERS(layer_norm_input_grad)
