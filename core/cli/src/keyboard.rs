//! What is typed on the terminal, without a thread that outlives its reader.

use std::io;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Reads standard input in a thread until it is dropped.
pub(crate) struct Keyboard {
    typed: UnboundedReceiver<Vec<u8>>,
    #[cfg(unix)]
    stop: Option<OwnedFd>,
    #[cfg(unix)]
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Keyboard {
    /// What was typed since; `None` at the end of the input.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        self.typed.recv().await
    }

    /// What is typed up to the end of the line; `None` where the input ends before.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        while !line.contains(&b'\n') {
            line.extend(self.next().await?);
        }
        Some(String::from_utf8_lossy(&line).trim().to_owned())
    }
}

#[cfg(unix)]
impl Keyboard {
    pub(crate) fn new() -> io::Result<Self> {
        use rustix::{
            event::{PollFd, PollFlags, poll},
            io::{Errno, read},
            pipe::pipe,
            stdio::stdin,
        };
        let (stopped, stop) = pipe()?;
        let (send, typed) = unbounded_channel();
        let thread = std::thread::Builder::new()
            .name("keyboard".into())
            .spawn(move || {
                let mut buffer = [0; 256];
                loop {
                    let mut sources = [
                        PollFd::new(&stopped, PollFlags::IN),
                        PollFd::from_borrowed_fd(stdin(), PollFlags::IN),
                    ];
                    match poll(&mut sources, None) {
                        Err(Errno::INTR) => continue,
                        Err(_) => return,
                        Ok(_) => {}
                    }
                    if !sources[0].revents().is_empty() {
                        return;
                    }
                    // Reading would stop a command that was sent to the background.
                    if !crate::terminal::is_foreground() {
                        std::thread::sleep(std::time::Duration::from_millis(100));
                        continue;
                    }
                    match read(stdin(), &mut buffer) {
                        Ok(0) => return,
                        Ok(count) if send.send(buffer[..count].to_vec()).is_err() => return,
                        Ok(_) | Err(Errno::INTR | Errno::AGAIN) => {}
                        Err(_) => return,
                    }
                }
            })?;
        Ok(Keyboard {
            typed,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

#[cfg(unix)]
impl Drop for Keyboard {
    fn drop(&mut self) {
        // The other end of the pipe sees it.
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(not(unix))]
impl Keyboard {
    pub(crate) fn new() -> io::Result<Self> {
        let (send, typed) = unbounded_channel();
        // Only asked for a line, after which the process ends: the thread ends with the line.
        std::thread::Builder::new()
            .name("keyboard".into())
            .spawn(move || {
                let mut line = String::new();
                if io::stdin().read_line(&mut line).is_ok() {
                    let _ = send.send(line.into_bytes());
                }
            })?;
        Ok(Keyboard { typed })
    }
}
