//! What the system tells a running command: to stop, or that its terminal changed.

#[cfg(unix)]
mod system {
    use signal_hook::{
        SigId,
        consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGWINCH},
        low_level,
    };
    use std::{
        future::poll_fn,
        io,
        os::unix::net::UnixStream as Pair,
        pin::Pin,
        task::{Context, Poll, ready},
    };
    use tokio::{
        io::{AsyncRead, ReadBuf},
        net::UnixStream,
    };

    /// A signal, each time that it comes. Not Tokio's own: once they are linked in, every runtime of
    /// the process takes descriptors for them, also those of Python's and Node's clients.
    struct Signal {
        told: UnixStream,
        id: SigId,
    }

    impl Signal {
        fn new(number: i32) -> io::Result<Self> {
            let (reader, writer) = Pair::pair()?;
            reader.set_nonblocking(true)?;
            let told = UnixStream::from_std(reader)?;
            let id = low_level::pipe::register(number, writer)?;
            Ok(Signal { told, id })
        }

        fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<()> {
            let mut bytes = [0; 64];
            let mut bytes = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.told).poll_read(context, &mut bytes)) {
                Ok(()) if !bytes.filled().is_empty() => Poll::Ready(()),
                // The writing end lives as long as this.
                _ => Poll::Pending,
            }
        }
    }

    impl Drop for Signal {
        fn drop(&mut self) {
            low_level::unregister(self.id);
        }
    }

    /// Signals that end a command.
    pub(crate) struct Interruptions(Vec<(u8, Signal)>);

    impl Interruptions {
        /// What the parent ignores stays ignored, also for a command that `exec` runs: by nohup,
        /// or in the background of a script.
        pub(crate) fn new() -> io::Result<Self> {
            let ignored = ignored();
            let mut signals = vec![SIGINT, SIGTERM];
            if ignored.is_some() {
                signals.push(SIGHUP);
            }
            let mut received = Vec::new();
            for number in signals {
                if ignored.unwrap_or(0) >> (number - 1) & 1 == 0 {
                    received.push((128 + number as u8, Signal::new(number)?));
                }
            }
            Ok(Interruptions(received))
        }

        /// The exit code of the next one, as shells have it: 128 and its number.
        pub(crate) async fn next(&mut self) -> u8 {
            poll_fn(|context| {
                for (exit, signal) in &mut self.0 {
                    if signal.poll_recv(context).is_ready() {
                        return Poll::Ready(*exit);
                    }
                }
                Poll::Pending
            })
            .await
        }
    }

    /// The signals that are ignored, as a mask; `None` where the system does not say. Asking for it
    /// by sigaction(2) would need unsafe code.
    fn ignored() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }

    pub(crate) struct Changes {
        resized: Signal,
        continued: Signal,
    }

    impl Changes {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Changes {
                resized: Signal::new(SIGWINCH)?,
                continued: Signal::new(SIGCONT)?,
            })
        }

        /// Waits for one. Whether the command was stopped and continues: somebody else had the
        /// terminal meanwhile. Otherwise its window has another size.
        pub(crate) async fn next(&mut self) -> bool {
            poll_fn(|context| {
                if self.resized.poll_recv(context).is_ready() {
                    return Poll::Ready(false);
                }
                self.continued.poll_recv(context).map(|()| true)
            })
            .await
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::{
        future::{pending, poll_fn},
        io,
        task::Poll,
    };
    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
    };

    /// What ends a command. While this lives, the system does not end the process itself.
    pub(crate) struct Interruptions {
        interrupt: CtrlC,
        stop: CtrlBreak,
        closed: CtrlClose,
        shut_down: CtrlShutdown,
    }

    impl Interruptions {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Interruptions {
                interrupt: ctrl_c()?,
                stop: ctrl_break()?,
                closed: ctrl_close()?,
                shut_down: ctrl_shutdown()?,
            })
        }

        /// The exit code of the next one, as on Unix: Ctrl-C and Ctrl-Break are SIGINT, a console
        /// that closes is SIGHUP, a system that shuts down is SIGTERM.
        pub(crate) async fn next(&mut self) -> u8 {
            poll_fn(|context| {
                if self.interrupt.poll_recv(context).is_ready()
                    || self.stop.poll_recv(context).is_ready()
                {
                    return Poll::Ready(130);
                }
                if self.closed.poll_recv(context).is_ready() {
                    return Poll::Ready(129);
                }
                self.shut_down.poll_recv(context).map(|_| 143)
            })
            .await
        }
    }

    pub(crate) struct Changes(());

    impl Changes {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Changes(()))
        }

        pub(crate) async fn next(&mut self) -> bool {
            pending().await
        }
    }
}

pub(crate) use system::{Changes, Interruptions};
