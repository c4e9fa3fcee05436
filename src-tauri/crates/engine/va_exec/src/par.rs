//! One pool of threads for everything a step does.
//!
//! With oneDNN in the program its OpenMP threads run our kernels too: two pools would take the cores from each other,
//! because OpenMP workers spin for a while after each parallel region. Without it rayon does the work. Either way work
//! is cut by shape alone, so the bits of a result do not depend on who does it. Every task runs with the widest vector
//! instructions of the processor; Rust never contracts or reorders floating-point operations, so these change no bit.

use std::cell::Cell;

use pulp::Arch;

/// Runs `task(i)` for each `i` in `0..count` on all cores, in no particular order, and waits for them.
pub(crate) fn each(count: usize, task: impl Fn(usize) + Sync) {
    let arch = Arch::new();
    let wide = |i: usize| arch.dispatch(|| task(i));
    if count <= 1 || ALONE.get() {
        (0..count).for_each(wide);
    } else {
        pool::each(count, &wide);
    }
}

/// Splits `data` into pieces of `len` (the last may be shorter) and runs `task(index, piece)` for each.
pub(crate) fn chunks_mut<T: Send>(data: &mut [T], len: usize, task: impl Fn(usize, &mut [T]) + Sync) {
    let whole = data.len();
    let pieces = Disjoint::new(data);
    each(whole.div_ceil(len.max(1)), |i| task(i, pieces.part(i * len, len.min(whole - i * len))));
}

/// As [`chunks_mut`] with the piece of `src` at the same place beside it. Both have the same length.
pub(crate) fn zip_mut<T: Send, S: Sync>(dst: &mut [T], src: &[S], len: usize, task: impl Fn(&mut [T], &[S]) + Sync) {
    assert_eq!(dst.len(), src.len(), "BUG: slices of one element-wise operation differ in length");
    chunks_mut(dst, len, |i, piece| task(piece, &src[i * len..i * len + piece.len()]));
}

/// The results of `task(i)` for each `i` in `0..count`, in order.
pub(crate) fn map<R: Send>(count: usize, task: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let mut results: Vec<Option<R>> = std::iter::repeat_with(|| None).take(count).collect();
    chunks_mut(&mut results, 1, |i, slot| slot[0] = Some(task(i)));
    results.into_iter().map(|r| r.expect("BUG: a task did not run")).collect()
}

/// Threads that [`each`] shares its tasks among.
pub(crate) fn thread_count() -> usize {
    if ALONE.get() { 1 } else { pool::thread_count() }
}

/// Runs `body` with every kernel of this crate on the calling thread alone; for tests and for programs that bring their
/// own threads.
pub fn on_one_thread<R>(body: impl FnOnce() -> R) -> R {
    let before = ALONE.replace(true);
    let result = body();
    ALONE.set(before);
    result
}

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

use raw::Disjoint;

#[allow(unsafe_code)]
mod raw {
    //! Pieces of one slice for concurrent tasks.

    use std::marker::PhantomData;

    /// A mutable slice that concurrent tasks take disjoint parts of.
    pub(super) struct Disjoint<'a, T> {
        data: *mut T,
        len: usize,
        borrow: PhantomData<&'a mut [T]>,
    }

    // SAFETY: tasks receive disjoint parts of an exclusive borrow; each part is used by one thread.
    unsafe impl<T: Send> Sync for Disjoint<'_, T> {}

    impl<'a, T> Disjoint<'a, T> {
        pub(super) fn new(data: &'a mut [T]) -> Self {
            Self { data: data.as_mut_ptr(), len: data.len(), borrow: PhantomData }
        }

        /// The part `at..at + len`; `chunks_mut` asks for each part once.
        #[allow(clippy::mut_from_ref)]
        pub(super) fn part(&self, at: usize, len: usize) -> &mut [T] {
            assert!(at + len <= self.len, "BUG: part beyond its slice");
            // SAFETY: inside the borrow by the assert, and disjoint from every other part because `chunks_mut` cuts
            // the slice into pieces and hands out each index once.
            unsafe { std::slice::from_raw_parts_mut(self.data.add(at), len) }
        }
    }
}

#[cfg(not(onednn))]
mod pool {
    use rayon::prelude::*;

    pub(super) fn thread_count() -> usize {
        rayon::current_num_threads()
    }

    pub(super) fn each(count: usize, task: &(impl Fn(usize) + Sync)) {
        (0..count).into_par_iter().for_each(task);
    }
}

#[cfg(onednn)]
#[allow(unsafe_code)]
mod pool {
    //! The OpenMP runtime that oneDNN uses, called as compiled `#pragma omp parallel` code calls it.

    use std::any::Any;
    use std::ffi::{c_int, c_uint, c_void};
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[link(name = "gomp")]
    unsafe extern "C" {
        fn GOMP_parallel(body: extern "C" fn(*mut c_void), data: *mut c_void, threads: c_uint, flags: c_uint);
        fn omp_in_parallel() -> c_int;
        fn omp_get_max_threads() -> c_int;
    }

    struct Region<'a, F> {
        task: &'a F,
        count: usize,
        next: AtomicUsize,
        panic: Mutex<Option<Box<dyn Any + Send>>>,
    }

    extern "C" fn body<F: Fn(usize) + Sync>(data: *mut c_void) {
        // SAFETY: `each` passes a `Region<F>` that lives until all threads have returned from here.
        let region = unsafe { &*data.cast::<Region<'_, F>>() };
        loop {
            let i = region.next.fetch_add(1, Ordering::Relaxed);
            if i >= region.count {
                return;
            }
            // A panic must not cross the C runtime: the caller raises it again.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (region.task)(i))) {
                *region.panic.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(panic);
                region.next.store(region.count, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn thread_count() -> usize {
        // SAFETY: takes nothing, reads a setting of the runtime.
        usize::try_from(unsafe { omp_get_max_threads() }).unwrap_or(1).max(1)
    }

    pub(super) fn each<F: Fn(usize) + Sync>(count: usize, task: &F) {
        // SAFETY: takes nothing, reads the state of the calling thread.
        if unsafe { omp_in_parallel() } != 0 {
            (0..count).for_each(task);
            return;
        }
        let mut region = Region { task, count, next: AtomicUsize::new(0), panic: Mutex::new(None) };
        // SAFETY: `body::<F>` reads `region` as what it is, and `GOMP_parallel` returns when every thread has.
        unsafe { GOMP_parallel(body::<F>, (&raw mut region).cast(), 0, 0) };
        if let Ok(Some(panic)) = region.panic.into_inner() {
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_seen_once() {
        let mut data = vec![0u32; 1003];
        chunks_mut(&mut data, 10, |i, piece| piece.iter_mut().for_each(|v| *v += i as u32 + 1));
        assert!(data.iter().enumerate().all(|(at, &v)| v == at as u32 / 10 + 1));
        assert_eq!(map(7, |i| i * i), [0, 1, 4, 9, 16, 25, 36]);
    }

    #[test]
    fn a_region_inside_a_region_runs() {
        let sums = map(4, |i| map(3, |j| i * j).into_iter().sum::<usize>());
        assert_eq!(sums, [0, 3, 6, 9]);
    }

    #[test]
    #[should_panic(expected = "task 5")]
    fn a_panic_reaches_the_caller() {
        each(8, |i| assert!(i != 5, "task 5"));
    }
}
