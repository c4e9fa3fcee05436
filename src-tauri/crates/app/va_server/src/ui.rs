//! The files of the web user interface.

use std::path::{Component, Path, PathBuf};

use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode, header};
use va_error::{Code, Error};

use crate::core::Core;
use crate::failure::{Answer, Failure};

/// Where the built user interface lies: `VISAION_UI_DIST`, beside the executable as it is installed, or in the
/// workspace that this was built from.
pub(crate) fn find() -> Option<PathBuf> {
    let named = std::env::var_os("VISAION_UI_DIST").map(PathBuf::from);
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
    let installed = beside.into_iter().flat_map(|dir| [dir.join("ui"), dir.join("../share/visaion/ui")]);
    let workspace = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../ui/dist"));
    let mut places = named.into_iter().chain(installed).chain([workspace]);
    places.find(|dir| dir.join("index.html").is_file()).and_then(|dir| dir.canonicalize().ok())
}

/// A file of the interface; any other path gets the start page, whose router reads it.
pub(crate) async fn serve(State(core): State<Core>, request: Request) -> Answer {
    let path = request.uri().path();
    let is_interface = !path.starts_with("/api/");
    if !is_interface || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Failure(Error::not_found(format!("there is no {} {path}", request.method()))));
    }
    let Some(dist) = core.ui.clone() else { return Ok((StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response()) };
    let Some(file) = resolve(&dist, path)? else { return page(&dist).await };
    match tokio::fs::read(&file).await {
        Ok(bytes) => Ok(answer(&file, bytes, path.starts_with("/assets/"))),
        Err(_) if Path::new(path).extension().is_none() => page(&dist).await,
        Err(_) => Err(Failure(Error::not_found(format!("there is no {path}")))),
    }
}

const NOT_BUILT: &str = "<!doctype html><title>VisAIon</title><p>The user interface has not been built. Run <code>cargo \
    xtask run</code>, or <code>npm ci &amp;&amp; npm run build</code> in <code>ui</code>. The REST interface is at \
    <a href=\"/docs\">/docs</a>.";

async fn page(dist: &Path) -> Answer {
    let file = dist.join("index.html");
    let bytes = tokio::fs::read(&file).await.map_err(Error::from)?;
    Ok(answer(&file, bytes, false))
}

/// The file of a path inside `dist`; None for the start page.
///
/// # Errors
/// `Forbidden` for a path that leads outside.
fn resolve(dist: &Path, path: &str) -> Result<Option<PathBuf>, Error> {
    let outside = || Error::new(Code::Forbidden, "this path leads outside the user interface");
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8().map_err(|_| outside())?;
    let relative = Path::new(decoded.trim_start_matches('/'));
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if !inside || decoded.contains(['\\', '\0']) {
        return Err(outside());
    }
    if relative.as_os_str().is_empty() {
        return Ok(None);
    }
    let file = dist.join(relative);
    // A link inside the folder may still lead outside.
    match file.canonicalize() {
        Ok(real) if !real.starts_with(dist) => Err(outside()),
        Ok(real) if real.is_dir() => Ok(None),
        Ok(real) => Ok(Some(real)),
        Err(_) => Ok(Some(file)),
    }
}

fn answer(file: &Path, bytes: Vec<u8>, immutable: bool) -> Response {
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let mime = match extension {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    // Names under assets/ carry a hash of their contents.
    let cache = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside_the_interface() {
        let dir = tempfile::tempdir().unwrap();
        let dist = dir.path().join("dist").canonicalize().unwrap_or_else(|_| {
            std::fs::create_dir(dir.path().join("dist")).unwrap();
            dir.path().join("dist").canonicalize().unwrap()
        });
        std::fs::write(dist.join("index.html"), "").unwrap();
        std::fs::write(dir.path().join("secret"), "").unwrap();
        for bad in [
            "/../secret",
            "/%2e%2e/secret",
            "/a/../../secret",
            "/..%2fsecret",
            "/%5c..%5csecret",
            "/a%00b",
            "//etc/../passwd",
        ] {
            assert!(resolve(&dist, bad).is_err(), "{bad}");
        }
        assert_eq!(resolve(&dist, "/").unwrap(), None);
        assert_eq!(resolve(&dist, "/index.html").unwrap(), Some(dist.join("index.html")));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("secret"), dist.join("link")).unwrap();
            assert!(resolve(&dist, "/link").is_err());
        }
    }
}
