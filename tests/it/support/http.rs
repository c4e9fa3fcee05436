use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::Value;

/// One answer, whole.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The JSON of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// Status and code of a failure.
    pub fn failure(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// A client of one connection a request. Headers that are set here replace the usual ones.
#[derive(Debug, Clone)]
pub struct Http {
    pub port: u16,
    pub headers: Vec<(String, String)>,
}

impl Http {
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut made = self.clone();
        made.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        made.headers.push((name.to_owned(), value.to_owned()));
        made
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.with("content-type", "application/json").send("POST", path, body.to_string().as_bytes())
    }

    /// Sends the same request on two connections and hangs up both when one is refused: the other one is then being worked
    /// on. Gives the refusal.
    pub fn post_twice_and_hang_up(&self, path: &str, body: &Value) -> Reply {
        let json = self.with("content-type", "application/json");
        let mut streams = [(); 2].map(|()| json.begin("POST", path, body.to_string().as_bytes()));
        streams.iter().for_each(|stream| stream.set_nonblocking(true).unwrap());
        loop {
            if let Some(stream) = streams.iter_mut().find(|stream| stream.peek(&mut [0]).is_ok()) {
                stream.set_nonblocking(false).unwrap();
                return answer(stream);
            }
            std::thread::yield_now();
        }
    }

    pub fn send(&self, method: &str, path: &str, body: &[u8]) -> Reply {
        answer(&mut self.begin(method, path, body))
    }

    fn begin(&self, method: &str, path: &str, body: &[u8]) -> TcpStream {
        let usual = [("host", format!("127.0.0.1:{}", self.port)), ("content-length", body.len().to_string())];
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        for (name, value) in usual {
            if !self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses a body may answer and close before it has taken all of it.
        let _ = stream.write_all(body);
        stream
    }

    /// Files as `multipart/form-data`.
    pub fn upload(&self, path: &str, files: &[(&str, Vec<u8>)]) -> Reply {
        let mut body = Vec::new();
        for (name, bytes) in files {
            body.extend_from_slice(
                format!("--BOUND\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n")
                    .as_bytes(),
            );
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--BOUND--\r\n");
        self.with("content-type", "multipart/form-data; boundary=BOUND").send("POST", path, &body)
    }
}

fn answer(stream: &mut TcpStream) -> Reply {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    parse(&answer)
}

fn parse(answer: &[u8]) -> Reply {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("no answer");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let body = answer[end + 4..].to_vec();
    let chunked =
        headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked");
    Reply { status, headers, body: if chunked { unchunk(&body) } else { body } }
}

fn unchunk(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        let Some(chunk) = body.get(end + 2..end + 2 + size).filter(|_| size > 0) else { break };
        whole.extend_from_slice(chunk);
        body = body.get(end + 4 + size..).unwrap_or_default();
    }
    whole
}
