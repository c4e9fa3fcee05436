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
#endif

#ifdef VALUE_BF16

struct value {
    unsigned short bits;
};

__device__ __forceinline__ float wide(value v) {
    return __uint_as_float((unsigned)v.bits << 16);
}

// Rounds to nearest, ties to even; a NaN stays one.
__device__ __forceinline__ value narrow(float v) {
    unsigned bits = __float_as_uint(v);
    unsigned rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    unsigned nan = (bits >> 16) | 0x40u;
    value result;
    result.bits = (unsigned short)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
    return result;
}

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

// Columns of `[rows, channels]` are summed by blocks of 32 channels times 8 rows; every block takes one part of the rows.
#define LANES 32
#define ROWS 8

// Sum over the block's 8 rows of threads, the same bits every time; whole for the threads of the first row.
__device__ __forceinline__ float sum_of_rows(float v, float* shared) {
    shared[threadIdx.x] = v;
    __syncthreads();
    float sum = 0.0f;
    if (threadIdx.x < LANES) {
        for (unsigned row = 0; row < ROWS; row++) sum += shared[row * LANES + threadIdx.x];
    }
    __syncthreads();
    return sum;
}

// Threads of a block that works on one row.
#define ROW_THREADS 128

// Sum over the block, in a fixed order, for every thread.
__device__ __forceinline__ float block_sum(float v, float* shared) {
    shared[threadIdx.x] = v;
    for (unsigned half = ROW_THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    }
    __syncthreads();
    float sum = shared[0];
    __syncthreads();
    return sum;
}

// As `block_sum`, the largest.
__device__ __forceinline__ float block_max(float v, float* shared) {
    shared[threadIdx.x] = v;
    for (unsigned half = ROW_THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) shared[threadIdx.x] = fmaxf(shared[threadIdx.x], shared[threadIdx.x + half]);
    }
    __syncthreads();
    float max = shared[0];
    __syncthreads();
    return max;
}
