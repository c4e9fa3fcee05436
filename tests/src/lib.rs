//! The tests that need more than one crate: workflows (`it`), the arrows between layers (`layering`), and beside them,
//! run by `cargo xtask`, the browser and the real window (`e2e`) and the comparison with other tools (`parity`).
