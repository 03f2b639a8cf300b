//! What the system tells a running command: to stop, or that its terminal changed.

/// The terminal has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has another size.
    Resized,
    /// The command was stopped and goes on; somebody else had the terminal meanwhile.
    Continued,
}

#[cfg(unix)]
mod system {
    use crate::signals::Change;
    use std::{future::poll_fn, io};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Signals that end a command.
    pub(crate) struct Interruptions([(u8, Signal); 3]);

    impl Interruptions {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Interruptions([
                (130, signal(SignalKind::interrupt())?),
                (143, signal(SignalKind::terminate())?),
                (129, signal(SignalKind::hangup())?),
            ]))
        }

        /// The exit code of the next one, as shells have it: 128 and its number.
        pub(crate) async fn next(&mut self) -> u8 {
            poll_fn(|context| {
                for (exit, signal) in &mut self.0 {
                    if signal.poll_recv(context).is_ready() {
                        return std::task::Poll::Ready(*exit);
                    }
                }
                std::task::Poll::Pending
            })
            .await
        }
    }

    pub(crate) struct Changes {
        resized: Signal,
        continued: Signal,
    }

    impl Changes {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Changes {
                resized: signal(SignalKind::window_change())?,
                continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            })
        }

        pub(crate) async fn next(&mut self) -> Change {
            tokio::select! {
                _ = self.resized.recv() => Change::Resized,
                _ = self.continued.recv() => Change::Continued,
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use crate::signals::Change;
    use std::{future::pending, io};

    pub(crate) struct Interruptions(());

    impl Interruptions {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Interruptions(()))
        }

        pub(crate) async fn next(&mut self) -> u8 {
            match tokio::signal::ctrl_c().await {
                Ok(()) => 130,
                Err(_) => pending().await,
            }
        }
    }

    pub(crate) struct Changes(());

    impl Changes {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Changes(()))
        }

        pub(crate) async fn next(&mut self) -> Change {
            pending().await
        }
    }
}

pub(crate) use system::{Changes, Interruptions};
