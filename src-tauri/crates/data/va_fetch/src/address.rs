//! Which addresses are fetched from: HTTPS everywhere, plain HTTP only from this machine to itself.

use ureq::http::Uri;
use va_error::{Error, Result};

/// An address that may be asked.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    uri: Uri,
    /// The first address was plain HTTP on this machine, so redirects may stay there.
    is_loopback: bool,
}

impl Address {
    /// # Errors
    /// `InvalidInput` for what is no address, or not HTTPS.
    pub fn parse(text: &str) -> Result<Self> {
        let uri: Uri =
            text.parse().map_err(|error| Error::invalid(format!("{text} is no address")).with_source(error))?;
        let is_loopback = is_plain_loopback(&uri);
        if is_loopback || is_https(&uri) {
            return Ok(Self { uri, is_loopback });
        }
        Err(Error::invalid(format!("{text} is not fetched from: only https addresses are")))
    }

    /// Where the answer to this address sends us.
    ///
    /// # Errors
    /// `InvalidInput` for a redirect to anything but HTTPS (from this machine also to this machine).
    pub fn redirected(&self, location: &str) -> Result<Self> {
        let text = self.absolute(location);
        let refused = || Error::invalid(format!("{} redirects to {location}, which is not https", self.host()));
        let uri: Uri = text.parse().map_err(|_| refused())?;
        if is_https(&uri) || (self.is_loopback && is_plain_loopback(&uri)) {
            return Ok(Self { uri, is_loopback: self.is_loopback });
        }
        Err(refused())
    }

    fn absolute(&self, location: &str) -> String {
        let scheme = self.uri.scheme_str().unwrap_or("https");
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        if location.split_once("://").is_some_and(|(before, _)| before.chars().all(|c| c.is_ascii_alphanumeric())) {
            return location.to_owned();
        }
        if let Some(rest) = location.strip_prefix("//") {
            return format!("{scheme}://{rest}");
        }
        if location.starts_with('/') {
            return format!("{scheme}://{authority}{location}");
        }
        let folder = self.uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    }

    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    pub fn uri(&self) -> &Uri {
        &self.uri
    }
}

fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https") && uri.host().is_some_and(|host| !host.is_empty())
}

fn is_plain_loopback(uri: &Uri) -> bool {
    uri.scheme_str() == Some("http") && matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_fetched_from_and_this_machine_from_itself() {
        for good in ["https://a.example/x", "http://127.0.0.1:80/x", "http://localhost/x", "http://[::1]:9/x"] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example/x",
            "ftp://a.example/x",
            "file:///etc/passwd",
            "https:///x",
            "x",
            "",
            "http://127.0.0.1.evil.example/",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn redirects_stay_on_https() {
        let far = Address::parse("https://a.example/dir/file?x=1").unwrap();
        for (location, wanted) in [
            ("https://b.example/y", "https://b.example/y"),
            ("//c.example/z", "https://c.example/z"),
            ("/root", "https://a.example/root"),
            ("next?to=http://x", "https://a.example/dir/next?to=http://x"),
        ] {
            assert_eq!(far.redirected(location).unwrap().uri().to_string(), wanted);
        }
        for bad in ["http://b.example/y", "http://127.0.0.1/x", "file:///etc/passwd", "ftp://b.example/"] {
            assert!(far.redirected(bad).is_err(), "{bad}");
        }
        let near = Address::parse("http://127.0.0.1:1/x").unwrap();
        assert!(near.redirected("http://127.0.0.1:2/y").is_ok() && near.redirected("http://b.example/y").is_err());
    }
}
