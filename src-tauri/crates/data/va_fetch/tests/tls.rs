//! Whom a download trusts: the certificates of this machine. A company that looks into its own traffic signs every server
//! anew with a certificate that it has put there.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use va_fetch::{Expected, Patience, Wanted, download};

const FILE: &[u8] = b"what was asked for";
/// Set in the program that fetches: the server's port, and where the file goes.
const PORT: &str = "VA_FETCH_TEST_PORT";
const TO: &str = "VA_FETCH_TEST_TO";

/// A server at `localhost` whose certificate is signed by this company's own; answers `connections` of them.
fn company_server(connections: usize) -> (u16, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let company = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &company).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.into()], key).unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, stream.unwrap()));
            let mut line = String::new();
            // A client that does not trust us goes away here.
            while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", FILE.len());
            let _ = stream.get_mut().write_all(&[head.as_bytes(), FILE].concat());
            stream.get_mut().conn.send_close_notify();
            let _ = stream.get_mut().flush();
        }
    });
    (port, company.pem())
}

/// This program again, as on a machine that trusts `trusted` alone.
fn fetches(port: u16, to: &Path, trusted: &Path) -> bool {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "fetches_when_told_from_where"]).env(PORT, port.to_string()).env(TO, to);
    program.env("SSL_CERT_FILE", trusted).env_remove("SSL_CERT_DIR").output().unwrap().status.success()
}

#[test]
fn fetches_when_told_from_where() {
    let (Ok(port), Some(to)) = (std::env::var(PORT), std::env::var_os(TO)) else { return };
    let url = format!("https://localhost:{port}/file");
    let expected = Expected { sha256: None, size_bytes: Some(FILE.len() as u64) };
    let patience = Patience { retries: 0, ..Patience::default() };
    let wanted = Wanted { url: &url, to: Path::new(&to), expected, max_bytes: 1 << 20, patience };
    download(&wanted, &mut |_| {}, &|| false).unwrap();
}

#[test]
fn a_companys_own_certificate_is_trusted_where_the_machine_trusts_it() {
    let dir = tempfile::tempdir().unwrap();
    let (port, company) = company_server(2);
    let (trusted, other, to) = (dir.path().join("company.pem"), dir.path().join("other.pem"), dir.path().join("file"));
    std::fs::write(&trusted, company).unwrap();
    std::fs::write(&other, company_server(0).1).unwrap();
    assert!(!fetches(port, &to, &other) && !to.exists(), "an unknown certificate is not trusted");
    assert!(fetches(port, &to, &trusted));
    assert_eq!(std::fs::read(&to).unwrap(), FILE);
}
