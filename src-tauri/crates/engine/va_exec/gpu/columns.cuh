// `[rows, channels]` by columns: a thread keeps to its channels and goes down the rows, so that what belongs to a channel is
// loaded once. Sums over rows are made in parts of the rows, which are joined in order: the same bits every time.
#pragma once
#include "number.cuh"

// Threads of a block.
#define THREADS 256

// The channels of one thread and its rows. Neighbouring threads have neighbouring channels, `lanes` of them; then comes the
// next row.
template <unsigned N> struct Strip {
    unsigned channels, c, lanes;
    // Rows of the block, and of threads in it.
    unsigned first, end, step;

    // Those of the last block may have no channel.
    __device__ __forceinline__ bool is_inside() const {
        return c < channels;
    }

    // The thread's row in the block.
    __device__ __forceinline__ unsigned row() const {
        return threadIdx.x / lanes;
    }

    // How many of the block's rows the threads of this row have.
    __device__ __forceinline__ unsigned count(unsigned row) const {
        return (end - first) / step + (row < (end - first) % step ? 1 : 0);
    }

    // `body(row, at)`, at the thread's channels in each of its rows.
    template <typename Body> __device__ __forceinline__ void each_row(Body body) const {
        if (!is_inside()) return;
#pragma unroll 2
        for (unsigned r = first + row(); r < end; r += step) body(r, (size_t)r * channels + c);
    }

    template <typename Body> __device__ __forceinline__ void each(Body body) const {
        each_row([&](unsigned, size_t at) { body(at); });
    }

    template <typename T> __device__ __forceinline__ Numbers<N> load(const T* from, size_t at) const {
        return ::load<N>(from + at);
    }

    template <typename T> __device__ __forceinline__ void store(T* to, size_t at, const Numbers<N>& n) const {
        ::store<N>(to + at, n);
    }

    // One number a channel.
    __device__ __forceinline__ Numbers<N> of(const float* numbers) const {
        return is_inside() ? ::load<N>(numbers + c) : all<N>(0.0f);
    }

    // The same where they may lie anywhere, as parameters do.
    __device__ __forceinline__ Numbers<N> of_any(const float* numbers) const {
        Numbers<N> n = all<N>(0.0f);
        if (is_inside()) {
#pragma unroll
            for (unsigned k = 0; k < N; k++) n.v[k] = numbers[c + k];
        }
        return n;
    }

    __device__ __forceinline__ Numbers<N> zero() const {
        return all<N>(0.0f);
    }

    // Puts the thread's numbers where the threads that finish a column read them.
    __device__ __forceinline__ void place(float* shared, const Numbers<N>& n) const {
        float* row = shared + this->row() * columns() + threadIdx.x % lanes;
#pragma unroll
        for (unsigned k = 0; k < N; k++) row[k * lanes] = n.v[k];
    }

    __device__ __forceinline__ unsigned columns() const {
        return lanes * N;
    }

    // The channel that this thread finishes; false where it finishes none.
    __device__ __forceinline__ bool finishes(unsigned* channel) const {
        *channel = (blockIdx.x * lanes + threadIdx.x % lanes) * N + threadIdx.x / lanes;
        return threadIdx.x < columns() && *channel < channels;
    }
};

// As the host packs it (`device::spread`).
struct Columns {
    unsigned rows, channels, rows_per_part, width, lanes;

    // `body(Strip)` by every thread; the block has channels by `blockIdx.x` and a part of the rows by `blockIdx.y`.
    template <typename Body> __device__ __forceinline__ void run(Body body) const {
        if (width == WIDTH) body(strip<WIDTH>());
        else body(strip<1>());
    }

    template <unsigned N> __device__ __forceinline__ Strip<N> strip() const {
        Strip<N> s;
        s.channels = channels;
        s.c = (blockIdx.x * lanes + threadIdx.x % lanes) * N;
        s.lanes = lanes;
        s.first = blockIdx.y * rows_per_part;
        s.end = min(rows, s.first + rows_per_part);
        s.step = THREADS / lanes;
        return s;
    }
};

// `put(channel, sum over the block's threads of that channel)`, in a fixed order.
template <unsigned N, typename Put> __device__ __forceinline__ void sum_rows(const Strip<N>& strip, const Numbers<N>& n, Put put) {
    __shared__ float shared[THREADS * N];
    strip.place(shared, n);
    __syncthreads();
    unsigned channel;
    if (strip.finishes(&channel)) {
        float sum = 0.0f;
        for (unsigned row = 0; row < strip.step; row++) sum += shared[row * strip.columns() + threadIdx.x];
        put(channel, sum);
    }
    __syncthreads();
}

// Numbers that a block joins the parts of; each has 32 threads.
#define JOINED 8

// The number that this thread joins parts of.
__device__ __forceinline__ unsigned joined_index() {
    return blockIdx.x * JOINED + threadIdx.x % JOINED;
}

// Whether it is this thread that writes the number.
__device__ __forceinline__ bool joins(unsigned len) {
    return threadIdx.x < JOINED && joined_index() < len;
}

// Sum of `term(part)` over all parts of the thread's number, in a fixed order, for each of the number's threads.
template <typename Term> __device__ __forceinline__ double sum_of_parts(unsigned count, Term term) {
    __shared__ double shared[THREADS];
    double sum = 0.0;
#pragma unroll 4
    for (unsigned part = threadIdx.x / JOINED; part < count; part += THREADS / JOINED) sum += term(part);
    shared[threadIdx.x] = sum;
    __syncthreads();
    double total = 0.0;
    for (unsigned i = threadIdx.x % JOINED; i < THREADS; i += JOINED) total += shared[i];
    __syncthreads();
    return total;
}
