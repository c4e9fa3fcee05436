// What CUDA C++ has and C++ has not, for running the kernels on the CPU in tests: the threads of a block are fibers of one
// system thread that take turns at every barrier. Slow, exact about barriers, and without a graphics card.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#define __global__
#define __device__
#define __forceinline__ inline
// Blocks run one after the other, so what a block shares may be static.
#define __shared__ static
#define CUDART_INF_F std::numeric_limits<float>::infinity()

using std::max;
using std::min;

struct Index {
    unsigned x, y, z;
};

namespace emulation {

inline Index block, thread, blocks, threads;
inline std::function<void()> body;

// Most threads a block has.
constexpr unsigned most = 256;

struct Fiber {
    ucontext_t first;
    jmp_buf at;
    bool started, done;
    char stack[64 << 10];
};

inline Fiber fibers[most];
inline jmp_buf scheduler;
inline unsigned current;

// Jumps, because `swapcontext` asks the system for something every time.
inline void barrier() {
    if (_setjmp(fibers[current].at) == 0) _longjmp(scheduler, 1);
}

// What the threads of a warp give each other: nobody goes on before all have read.
inline float exchanged[most];

inline float shuffle(float v, unsigned mask) {
    exchanged[current] = v;
    barrier();
    v = exchanged[current ^ mask];
    barrier();
    return v;
}

// A fiber's whole life: one run of the kernel after the other.
inline void live() {
    for (;;) {
        body();
        fibers[current].done = true;
        barrier();
    }
}

inline void go_on(Fiber& fiber) {
    if (_setjmp(scheduler) != 0) return;
    if (fiber.started) _longjmp(fiber.at, 1);
    fiber.started = true;
    getcontext(&fiber.first);
    fiber.first.uc_stack.ss_sp = fiber.stack;
    fiber.first.uc_stack.ss_size = sizeof fiber.stack;
    fiber.first.uc_link = nullptr;
    makecontext(&fiber.first, live, 0);
    setcontext(&fiber.first);
}

// Threads take turns at every barrier.
inline void run_together() {
    for (unsigned i = 0; i < threads.x; i++) fibers[i].done = false;
    for (bool more = true; more;) {
        more = false;
        for (current = 0; current < threads.x; current++) {
            if (fibers[current].done) continue;
            thread.x = current;
            go_on(fibers[current]);
            more = more || !fibers[current].done;
        }
    }
}

inline void run_in_turn() {
    for (thread.x = 0; thread.x < threads.x; thread.x++) body();
}

inline void run_grid(bool together) {
    for (block.z = 0; block.z < blocks.z; block.z++)
        for (block.y = 0; block.y < blocks.y; block.y++)
            for (block.x = 0; block.x < blocks.x; block.x++) together ? run_together() : run_in_turn();
}

template <typename... Args, std::size_t... I>
void call(void (*kernel)(Args...), void** args, bool together, std::index_sequence<I...>) {
    body = [=] { kernel(*static_cast<std::remove_reference_t<Args>*>(args[I])...); };
    run_grid(together);
}

template <typename... Args>
void launch(void (*kernel)(Args...), const unsigned* grid, unsigned width, void** args, bool together) {
    blocks = {grid[0], grid[1], grid[2]};
    threads = {width, 1, 1};
    thread = {0, 0, 0};
    call(kernel, args, together, std::index_sequence_for<Args...>{});
}

}  // namespace emulation

#define blockIdx emulation::block
#define threadIdx emulation::thread
#define gridDim emulation::blocks
#define blockDim emulation::threads
#define __syncthreads emulation::barrier
#define __shfl_xor_sync(threads, v, mask) emulation::shuffle(v, mask)

// As the driver calls a kernel: by name, with the addresses of its arguments.
#define EMULATED_KERNEL(name, together)                                                    \
    extern "C" void emulated_##name(const unsigned* grid, unsigned width, void** args) {   \
        emulation::launch(name, grid, width, args, together);                              \
    }
#define KERNEL(name) EMULATED_KERNEL(name, false)
#define KERNEL_WITH_BARRIERS(name) EMULATED_KERNEL(name, true)

inline float __uint_as_float(unsigned bits) {
    float v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
}

inline unsigned __float_as_uint(float v) {
    unsigned bits;
    std::memcpy(&bits, &v, sizeof bits);
    return bits;
}

// What a card stops at.
inline void must_be_aligned(const void* at) {
    if (reinterpret_cast<std::uintptr_t>(at) % 16 == 0) return;
    std::fprintf(stderr, "a kernel takes 16 bytes at %p, which is no multiple of 16\n", at);
    std::abort();
}
