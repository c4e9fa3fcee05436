use tracing_subscriber::EnvFilter;

/// Warnings and errors go to standard error; `VISAION_LOG` (as `RUST_LOG`) widens it.
pub fn start() {
    let filter = EnvFilter::try_from_env("VISAION_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
