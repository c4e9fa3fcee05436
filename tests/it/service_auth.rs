//! Who may ask, and how they say who they are.

use serde_json::json;
use va_api::commands;
use va_server::Lifetimes;

use crate::support::{Http, running, running_with};

#[test]
fn every_command_needs_credentials() {
    let service = running();
    for command in commands() {
        let path: String = command
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { "0197b0c1-0000-7000-8000-000000000000" } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let reply = service.http.send(command.method.as_str(), &format!("/api/v1{path}"), b"{}");
        assert_eq!(reply.failure(), (401, "unauthorized".to_owned()), "{}", command.name);
    }
    for path in ["/samples/x/image", "/samples/x/thumbnail", "/events", "/resources/stream", "/auth/me"] {
        assert_eq!(service.http.get(&format!("/api/v1{path}")).status, 401, "{path}");
    }
    for path in ["/healthz", "/api/v1/healthz", "/api/v1/openapi.json", "/docs", "/docs.js", "/redoc"] {
        assert_eq!(service.http.get(path).status, 200, "{path}");
    }
}

#[test]
fn a_program_signs_in_with_the_password_and_uses_its_token() {
    let service = running();
    let wrong = service.http.post("/api/v1/auth/login", &json!({ "username": "owner", "password": "guess" }));
    assert_eq!(wrong.failure(), (401, "unauthorized".to_owned()));
    let client = service.client();
    assert_eq!(client.get("/api/v1/auth/me").ok(), json!({ "username": "owner", "role": "owner" }));
    assert_eq!(client.get("/api/v1/version").ok()["api"], "v1");
    client.post("/api/v1/auth/logout", &json!({})).ok();
    assert_eq!(client.get("/api/v1/auth/me").status, 401);
    assert_eq!(service.http.with("authorization", "Basic b3duZXI6eA==").get("/api/v1/auth/me").status, 401);
}

#[test]
fn refresh_tokens_are_good_once() {
    let service = running();
    let first = service.sign_in();
    let refresh =
        |token: &serde_json::Value| service.http.post("/api/v1/auth/refresh", &json!({ "refresh_token": token }));
    let second = refresh(&first["refresh_token"]).ok();
    assert_eq!(refresh(&first["refresh_token"]).status, 401);
    let bearer = format!("Bearer {}", second["access_token"].as_str().unwrap());
    let stolen = service.http.with("authorization", &bearer);
    assert_eq!(stolen.get("/api/v1/auth/me").status, 401, "a refresh token that returns ends its sign-in");
}

#[test]
fn expired_tokens_are_refused() {
    let service = running_with(|options| options.lifetimes = Lifetimes { access_ms: 0, ..Lifetimes::default() });
    assert_eq!(service.client().get("/api/v1/auth/me").failure(), (401, "unauthorized".to_owned()));
}

fn cookie_of(http: &Http, code: &str) -> String {
    let reply = http.post("/api/v1/auth/exchange", &json!({ "code": code }));
    let cookie = reply.header("set-cookie").unwrap().to_owned();
    reply.ok();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn the_one_time_code_becomes_a_cookie_once() {
    let service = running();
    let code = service.code();
    let browser = service.http.with("cookie", &cookie_of(&service.http, &code));
    assert_eq!(browser.get("/api/v1/auth/me").status, 200);
    let again = service.http.post("/api/v1/auth/exchange", &json!({ "code": code }));
    assert_eq!(again.failure(), (401, "unauthorized".to_owned()));
    let guessed = service.http.post("/api/v1/auth/exchange", &json!({ "code": "guess" }));
    assert_eq!(guessed.status, 401);
}

#[test]
fn two_services_on_one_machine_do_not_sign_each_other_out() {
    let (first, second) = (running(), running());
    let cookies = [&first, &second].map(|service| cookie_of(&service.http, &service.code()));
    // A browser sends the cookies of 127.0.0.1 to every port of it.
    let both = cookies.join("; ");
    for service in [&first, &second] {
        assert_eq!(service.http.with("cookie", &both).get("/api/v1/auth/me").status, 200);
        let name = |cookie: &String| cookie.split('=').next().unwrap().to_owned();
        let names = cookies.iter().map(name).collect::<std::collections::HashSet<_>>();
        assert_eq!(names.len(), 2, "the later one would overwrite the earlier: {names:?}");
    }
    let own = format!("http://127.0.0.1:{}", first.http.port);
    let browser = first.http.with("cookie", &both).with("origin", &own);
    let gone = browser.post("/api/v1/auth/logout", &json!({}));
    assert!(gone.header("set-cookie").unwrap().starts_with(cookies[0].split('=').next().unwrap()));
    gone.ok();
    assert_eq!(browser.get("/api/v1/auth/me").status, 401);
    assert_eq!(second.http.with("cookie", &both).get("/api/v1/auth/me").status, 200);
    let swapped = cookies[1].replace(&second.http.port.to_string(), &first.http.port.to_string());
    assert_eq!(first.http.with("cookie", &swapped).get("/api/v1/auth/me").status, 401, "a name is no key");
}

#[test]
fn a_cookie_changes_nothing_from_a_foreign_page() {
    let service = running();
    let browser = service.http.with("cookie", &cookie_of(&service.http, &service.code()));
    let port = service.http.port;
    let request = json!({ "name": "tiles" });
    assert_eq!(browser.post("/api/v1/projects", &request).failure(), (403, "forbidden".to_owned()), "no Origin");
    for foreign in ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost.evil.example"] {
        let reply = browser.with("origin", foreign).post("/api/v1/projects", &request);
        assert_eq!(reply.failure(), (403, "forbidden".to_owned()), "{foreign}");
        assert_eq!(browser.with("origin", foreign).get("/api/v1/projects").status, 403, "{foreign}");
    }
    for own in ["127.0.0.1", "localhost"] {
        let reply =
            browser.with("origin", &format!("http://{own}:{port}")).post("/api/v1/projects", &json!({ "name": own }));
        assert_eq!(reply.status, 200, "{own}: {}", reply.json());
    }
}

#[test]
fn foreign_host_names_are_refused() {
    let service = running();
    let client = service.client();
    for foreign in ["evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:80", ""] {
        let reply = client.with("host", foreign).get("/api/v1/projects");
        assert_eq!(reply.status, 403, "{foreign:?}");
    }
    let named = client.with("host", &format!("localhost:{}", service.http.port));
    assert_eq!(named.get("/api/v1/projects").status, 200);
}

#[test]
fn answers_carry_strict_headers() {
    let service = running();
    for path in ["/docs", "/api/v1/openapi.json", "/api/v1/projects", "/"] {
        let reply = service.http.get(path);
        let csp = reply.header("content-security-policy").unwrap();
        assert!(csp.contains("default-src 'self'") && csp.contains("frame-ancestors 'none'"), "{csp}");
        assert!(!csp.contains("unsafe-eval") && !csp.contains("script-src 'unsafe"), "{csp}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[cfg(unix)]
#[test]
fn the_account_and_state_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let service = running();
    let folder = va_server::service_dir(service.app.library_dir());
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
    assert!(service.dir.path().exists());
}
