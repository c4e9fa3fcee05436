//! An HTTP server that answers each request as it is told.
#![allow(dead_code, reason = "each test program takes what it needs")]

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the next request gets; the last one stays.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// The file, or the part of it that was asked for.
    Honest,
    /// So many bytes of it, then the connection breaks.
    Cut(usize),
    /// So many bytes of it, then nothing.
    Stall(usize),
    /// The whole file whatever is asked for.
    IgnoreRange,
    /// A partial answer whose range is another one than was asked for.
    WrongRange,
    /// Another file, with another ETag.
    Other(Vec<u8>),
    /// The file in chunks, its length unsaid.
    NoLength,
    Status(u16),
    Redirect(String),
}

#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub range: Option<String>,
    pub if_range: Option<String>,
}

pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(content: &[u8]) -> Self {
        Self::with(content, &[Behaviour::Honest])
    }

    pub fn with(content: &[u8], behaviours: &[Behaviour]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (seen, ended) = (Arc::clone(&requests), Arc::clone(&over));
        let (content, behaviours) = (content.to_vec(), behaviours.to_vec());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                let Some(request) = read_request(&stream) else { continue };
                let at = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.clone());
                    seen.len() - 1
                };
                let behaviour = behaviours[at.min(behaviours.len() - 1)].clone();
                let (content, ended) = (content.clone(), Arc::clone(&ended));
                // A client that went away is part of some tests.
                std::thread::spawn(move || drop(answer(&mut stream, &request, &behaviour, &content, &ended)));
            }
        });
        Self { address, requests, over, thread: Some(thread) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let mut request = Request { path, range: None, if_range: None };
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_lowercase().as_str() {
            "range" => request.range = Some(value.trim().to_owned()),
            "if-range" => request.if_range = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    Some(request)
}

const ETAG: &str = "\"one\"";

fn answer(
    stream: &mut TcpStream,
    request: &Request,
    behaviour: &Behaviour,
    content: &[u8],
    over: &AtomicBool,
) -> std::io::Result<()> {
    match behaviour {
        Behaviour::Status(status) => {
            write!(stream, "HTTP/1.1 {status} Told\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        }
        Behaviour::Redirect(to) => {
            write!(stream, "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        }
        Behaviour::NoLength => {
            write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")?;
            for chunk in content.chunks(7000) {
                write!(stream, "{:x}\r\n", chunk.len())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
        Behaviour::Other(other) => send(stream, None, other, "\"two\"", other.len())?,
        Behaviour::IgnoreRange => send(stream, None, content, ETAG, content.len())?,
        Behaviour::WrongRange => send(stream, Some(1), content, ETAG, content.len())?,
        Behaviour::Honest => send(stream, start(request), content, ETAG, content.len())?,
        Behaviour::Cut(len) => send(stream, start(request), content, ETAG, *len)?,
        Behaviour::Stall(len) => {
            send(stream, start(request), content, ETAG, *len)?;
            for _ in 0..200 {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
    stream.flush()?;
    stream.shutdown(Shutdown::Write)
}

/// The byte that is asked for, of the file as it is.
fn start(request: &Request) -> Option<usize> {
    if request.if_range.as_deref().is_some_and(|etag| etag != ETAG) {
        return None;
    }
    request.range.as_deref()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// The head for everything from `start`, and at most `len` bytes of it.
fn send(stream: &mut TcpStream, start: Option<usize>, content: &[u8], etag: &str, len: usize) -> std::io::Result<()> {
    let total = content.len();
    let from = start.unwrap_or(0);
    let rest = content.get(from..).unwrap_or_default();
    match start {
        Some(_) if rest.is_empty() => {
            return write!(stream, "HTTP/1.1 416 No\r\ncontent-range: bytes */{total}\r\ncontent-length: 0\r\n\r\n");
        }
        Some(_) => write!(
            stream,
            "HTTP/1.1 206 Partial\r\ncontent-range: bytes {from}-{}/{total}\r\ncontent-length: {}\r\netag: {etag}\r\n\
             connection: close\r\n\r\n",
            total - 1,
            rest.len()
        )?,
        None => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {total}\r\netag: {etag}\r\nconnection: close\r\n\r\n")?;
        }
    }
    stream.write_all(&rest[..len.min(rest.len())])
}
