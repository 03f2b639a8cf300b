//! The server of the benches: one thread, prepared answers, two system calls a request.
//!
//! Prints one line of JSON that says where it is, and ends when its standard input does.

use mio::{Events, Interest, Poll, Token, event::Event, net::TcpListener, net::TcpStream};
use parallel_account_bench::{ACCESS_TOKEN, ACCOUNT_BASE, Service};
use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr},
    process, thread,
};

const LISTENER: Token = Token(usize::MAX);
const BUFFER: usize = 64 * 1024;
/// Who asks for so much without reading it is let go.
const LARGEST_BACKLOG: usize = 1 << 20;

fn main() -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let url = format!("http://{}", listener.local_addr()?);
    let account_url = format!("{url}{ACCOUNT_BASE}");
    let line = serde_json::json!({ "url": url, "account_url": account_url, "token": ACCESS_TOKEN });
    println!("{line}");
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });

    let mut service = Service::default();
    let mut buffer = vec![0; BUFFER];
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut events = Events::with_capacity(256);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            if event.token() == LISTENER {
                // One that fails has gone away already, and the last one says that it would block.
                while let Ok((mut stream, _)) = listener.accept() {
                    let _ = stream.set_nodelay(true);
                    let slot = free.pop().unwrap_or_else(|| {
                        connections.push(None);
                        connections.len() - 1
                    });
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(slot), both)?;
                    connections[slot] = Some(Connection::new(stream));
                }
                continue;
            }
            let slot = event.token().0;
            let Some(connection) = &mut connections[slot] else {
                continue;
            };
            match connection.on(event, &mut service, &mut buffer) {
                Ok(true) => {}
                // Dropping it closes it, which also takes it out of the poll.
                Ok(false) | Err(_) => {
                    connections[slot] = None;
                    free.push(slot);
                }
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// The beginning of a request.
    input: Vec<u8>,
    /// Answers, and how much of them is written.
    output: Vec<u8>,
    written: usize,
    closing: bool,
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        Connection {
            stream,
            input: Vec::new(),
            output: Vec::new(),
            written: 0,
            closing: false,
        }
    }

    /// Reads and writes all that can be; whether the connection continues.
    fn on(&mut self, event: &Event, service: &mut Service, buffer: &mut [u8]) -> io::Result<bool> {
        if event.is_readable() && !self.closing {
            // A read that does not fill the buffer has emptied the socket, and what comes later
            // is another event; only the end of the stream may have come with this one.
            let until_end = event.is_read_closed();
            loop {
                match self.stream.read(buffer) {
                    Ok(0) => return Ok(false),
                    Ok(n) => {
                        self.feed(&buffer[..n], service);
                        if self.closing || (n < buffer.len() && !until_end) {
                            break;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        self.flush()
    }

    fn feed(&mut self, bytes: &[u8], service: &mut Service) {
        let progress = if self.input.is_empty() {
            let progress = service.answer(bytes, &mut self.output);
            self.input.extend_from_slice(&bytes[progress.consumed..]);
            progress
        } else {
            self.input.extend_from_slice(bytes);
            let progress = service.answer(&self.input, &mut self.output);
            self.input.drain(..progress.consumed);
            progress
        };
        self.closing |= progress.close || self.output.len() > LARGEST_BACKLOG;
    }

    fn flush(&mut self) -> io::Result<bool> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(n) => self.written += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(!self.closing)
    }
}
