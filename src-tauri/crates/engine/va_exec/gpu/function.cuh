// Activations and their slopes, by the number that the host gives (`device::elementwise::code`).
#pragma once
#include "number.cuh"

#define RELU 1
#define GELU 2
#define SILU 3
#define HARD_SWISH 4
#define SIGMOID 5

__device__ __forceinline__ float sigmoid(float x) {
    return 1.0f / (1.0f + expf(-x));
}

__device__ __forceinline__ float activate(unsigned code, float x) {
    switch (code) {
    case RELU: return x < 0.0f ? 0.0f : x;
    case GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
    case SILU: return x * sigmoid(x);
    case HARD_SWISH: {
        float gate = x + 3.0f;
        gate = gate < 0.0f ? 0.0f : gate;
        gate = gate > 6.0f ? 6.0f : gate;
        return x * gate / 6.0f;
    }
    case SIGMOID: return sigmoid(x);
    default: return x;
    }
}

// From the input; of ReLU and sigmoid from the result.
__device__ __forceinline__ float slope(unsigned code, float x) {
    switch (code) {
    case RELU: return x <= 0.0f ? 0.0f : 1.0f;
    case GELU: {
        float density = 0.39894228040143268f * expf(-0.5f * x * x);
        return 0.5f * (1.0f + erff(x * 0.70710678118654752f)) + x * density;
    }
    case SILU: {
        float s = sigmoid(x);
        return s * (1.0f + x * (1.0f - s));
    }
    case HARD_SWISH: return x < -3.0f ? 0.0f : x > 3.0f ? 1.0f : x / 3.0f + 0.5f;
    case SIGMOID: return x * (1.0f - x);
    default: return 1.0f;
    }
}

template <unsigned N> __device__ __forceinline__ Numbers<N> activate(unsigned code, const Numbers<N>& x) {
    return map([=](float v) { return activate(code, v); }, x);
}
