use serde_json::{Value, json};
use tokio::runtime::Runtime;
use va_api::App;
use va_server::{ServeOptions, Service};

use super::{Http, library};

/// A service on a new library, stopped at the end of the test.
pub struct Running {
    pub dir: tempfile::TempDir,
    pub app: App,
    /// Without credentials.
    pub http: Http,
    pub password: String,
    service: Option<Service>,
    runtime: Runtime,
}

pub fn running() -> Running {
    running_with(|_| {})
}

/// A service with other limits or lifetimes.
pub fn running_with(change: impl FnOnce(&mut ServeOptions)) -> Running {
    let (dir, app) = library();
    let mut options = ServeOptions { use_keyring: false, ..ServeOptions::default() };
    change(&mut options);
    let runtime = Runtime::new().unwrap();
    let service = runtime.block_on(Service::start(app.clone(), options)).unwrap();
    let port = service.url().rsplit(':').next().unwrap().trim_end_matches('/').parse().unwrap();
    let (password, _) = va_server::password(app.library_dir(), false).unwrap();
    let http = Http { port, headers: Vec::new() };
    Running { dir, app, http, password, service: Some(service), runtime }
}

impl Running {
    pub fn sign_in(&self) -> Value {
        let request = json!({ "username": "owner", "password": self.password });
        self.http.post("/api/v1/auth/login", &request).ok()
    }

    /// A client with a good bearer token.
    pub fn client(&self) -> Http {
        let tokens = self.sign_in();
        self.http.with("authorization", &format!("Bearer {}", tokens["access_token"].as_str().unwrap()))
    }

    /// The one-time code of a new address.
    pub fn code(&self) -> String {
        let url = self.service.as_ref().unwrap().sign_in_url().unwrap();
        url.split("#code=").nth(1).unwrap().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(service) = self.service.take() {
            service.ask_to_stop();
            let stopped = self.runtime.block_on(service.finish());
            if !std::thread::panicking() {
                stopped.unwrap();
            }
        }
    }
}
