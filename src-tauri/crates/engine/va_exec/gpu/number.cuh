// What every kernel file includes: the type that values are kept in (each file is compiled once for f32 and once for bf16,
// with the same kernel names), its way to f32 and back, and where a thread is. `EMULATED` makes the same files plain C++.
#pragma once

#ifdef EMULATED
#include "emulation.h"
#else
#include <math_constants.h>
// Only the emulation needs a way to call a kernel by its name.
#define KERNEL(name)
#define KERNEL_WITH_BARRIERS(name)
// The emulation looks whether 16 bytes lie at a multiple of 16; a card stops where they do not.
__device__ __forceinline__ void must_be_aligned(const void*) {}
#endif

#ifdef VALUE_BF16

struct value {
    unsigned short bits;
};

__device__ __forceinline__ float wide(value v) {
    return __uint_as_float((unsigned)v.bits << 16);
}

// Rounds to nearest, ties to even; a NaN stays one.
#ifdef EMULATED
inline value narrow(float v) {
    unsigned bits = __float_as_uint(v);
    unsigned rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    unsigned nan = (bits >> 16) | 0x40u;
    value result;
    result.bits = (unsigned short)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
    return result;
}

// Two neighbours as they lie in memory.
inline unsigned narrow_pair(float first, float second) {
    return narrow(first).bits | (unsigned)narrow(second).bits << 16;
}
#else
__device__ __forceinline__ value narrow(float v) {
    value result;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(v));
    return result;
}

__device__ __forceinline__ unsigned narrow_pair(float first, float second) {
    unsigned bits;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
    return bits;
}
#endif

#else

typedef float value;

__device__ __forceinline__ float wide(value v) {
    return v;
}

__device__ __forceinline__ value narrow(float v) {
    return v;
}

#endif

__device__ __forceinline__ unsigned thread_index() {
    return blockIdx.x * blockDim.x + threadIdx.x;
}

// Numbers that a thread takes at once where the host finds that memory lets it (`device::spread`): channels in eights, and
// operands at multiples of 16 bytes. Otherwise it takes one.
#define WIDTH 8

// 1 or WIDTH neighbouring numbers.
template <unsigned N> struct Numbers {
    float v[N];
};

struct alignas(16) Quad {
    unsigned x, y, z, w;
};

__device__ __forceinline__ Quad read_quad(const void* at) {
    must_be_aligned(at);
    return *static_cast<const Quad*>(at);
}

__device__ __forceinline__ void write_quad(void* at, Quad quad) {
    must_be_aligned(at);
    *static_cast<Quad*>(at) = quad;
}

template <unsigned N> __device__ __forceinline__ Numbers<N> load(const float* at) {
    Numbers<N> n;
    if constexpr (N == 1) {
        n.v[0] = *at;
    } else {
#pragma unroll
        for (unsigned k = 0; k < N; k += 4) {
            Quad q = read_quad(at + k);
            n.v[k] = __uint_as_float(q.x);
            n.v[k + 1] = __uint_as_float(q.y);
            n.v[k + 2] = __uint_as_float(q.z);
            n.v[k + 3] = __uint_as_float(q.w);
        }
    }
    return n;
}

template <unsigned N> __device__ __forceinline__ void store(float* at, Numbers<N> n) {
    if constexpr (N == 1) {
        *at = n.v[0];
    } else {
#pragma unroll
        for (unsigned k = 0; k < N; k += 4) {
            Quad q = {__float_as_uint(n.v[k]), __float_as_uint(n.v[k + 1]), __float_as_uint(n.v[k + 2]), __float_as_uint(n.v[k + 3])};
            write_quad(at + k, q);
        }
    }
}

#ifdef VALUE_BF16

template <unsigned N> __device__ __forceinline__ Numbers<N> load(const value* at) {
    Numbers<N> n;
    if constexpr (N == 1) {
        n.v[0] = wide(*at);
    } else {
        static_assert(N == 8, "16 bytes are eight numbers");
        Quad q = read_quad(at);
        const unsigned pairs[4] = {q.x, q.y, q.z, q.w};
#pragma unroll
        for (unsigned k = 0; k < 4; k++) {
            n.v[2 * k] = __uint_as_float(pairs[k] << 16);
            n.v[2 * k + 1] = __uint_as_float(pairs[k] & 0xffff0000u);
        }
    }
    return n;
}

template <unsigned N> __device__ __forceinline__ void store(value* at, Numbers<N> n) {
    if constexpr (N == 1) {
        *at = narrow(n.v[0]);
    } else {
        static_assert(N == 8, "16 bytes are eight numbers");
        Quad q = {narrow_pair(n.v[0], n.v[1]), narrow_pair(n.v[2], n.v[3]), narrow_pair(n.v[4], n.v[5]), narrow_pair(n.v[6], n.v[7])};
        write_quad(at, q);
    }
}

#endif

// As they are, to the bit.
template <unsigned N> __device__ __forceinline__ void copy_numbers(value* to, const value* from) {
    if constexpr (N == 1) {
        *to = *from;
    } else {
        constexpr unsigned quad = sizeof(Quad) / sizeof(value);
#pragma unroll
        for (unsigned k = 0; k < N; k += quad) write_quad(to + k, read_quad(from + k));
    }
}

// The same number everywhere.
template <unsigned N> __device__ __forceinline__ Numbers<N> all(float v) {
    Numbers<N> n;
#pragma unroll
    for (unsigned k = 0; k < N; k++) n.v[k] = v;
    return n;
}

// f of the first numbers, of the second ones, and so on.
template <typename F, unsigned N, typename... More>
__device__ __forceinline__ Numbers<N> map(F f, const Numbers<N>& first, const More&... more) {
    Numbers<N> n;
#pragma unroll
    for (unsigned k = 0; k < N; k++) n.v[k] = f(first.v[k], more.v[k]...);
    return n;
}

// The numbers of one thread, from `at` on.
template <unsigned N> struct Chunk {
    static constexpr unsigned width = N;
    unsigned at;

    template <typename T> __device__ __forceinline__ Numbers<N> load(const T* from) const {
        return ::load<N>(from + at);
    }

    template <typename T> __device__ __forceinline__ void store(T* to, const Numbers<N>& n) const {
        ::store<N>(to + at, n);
    }

    __device__ __forceinline__ void copy(value* to, const value* from) const {
        copy_numbers<N>(to + at, from + at);
    }

    __device__ __forceinline__ Numbers<N> all(float v) const {
        return ::all<N>(v);
    }
};

// `len` numbers, `width` for each thread, as the host packs it (`device::spread`).
struct Elements {
    unsigned len, width;

    // `body(Chunk)` for the thread's numbers: together, and one by one where they end.
    template <typename Body> __device__ __forceinline__ void each(Body body) const {
        size_t at = (size_t)thread_index() * width;
        if (at >= len) return;
        if (width == WIDTH && len - at >= WIDTH) {
            body(Chunk<WIDTH>{(unsigned)at});
            return;
        }
        size_t end = min(at + width, (size_t)len);
        for (; at < end; at++) body(Chunk<1>{(unsigned)at});
    }
};

// Threads that run together.
#define WARP_THREADS 32

// Sum over `lanes` neighbouring threads of a warp, a power of two; the same bits for each of them. All of the warp take part.
__device__ __forceinline__ float sum_of_lanes(float v, unsigned lanes) {
    for (unsigned mask = lanes / 2; mask > 0; mask /= 2) v += __shfl_xor_sync(0xffffffffu, v, mask);
    return v;
}

// Threads of a block that works on one row.
#define ROW_THREADS 128

// `join` of the numbers of all the block's threads, in a fixed order, for every thread.
template <typename Join> __device__ __forceinline__ float block_join(float v, float* shared, Join join) {
    for (unsigned mask = WARP_THREADS / 2; mask > 0; mask /= 2) v = join(v, __shfl_xor_sync(0xffffffffu, v, mask));
    if (threadIdx.x % WARP_THREADS == 0) shared[threadIdx.x / WARP_THREADS] = v;
    __syncthreads();
    v = shared[0];
    for (unsigned warp = 1; warp < ROW_THREADS / WARP_THREADS; warp++) v = join(v, shared[warp]);
    __syncthreads();
    return v;
}

__device__ __forceinline__ float block_sum(float v, float* shared) {
    return block_join(v, shared, [](float a, float b) { return a + b; });
}

__device__ __forceinline__ float block_max(float v, float* shared) {
    return block_join(v, shared, [](float a, float b) { return fmaxf(a, b); });
}
