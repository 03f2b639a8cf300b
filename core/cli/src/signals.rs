//! What the system tells a running command: to stop, or that its terminal changed.

#[cfg(unix)]
mod system {
    use std::{future::poll_fn, io};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Signals that end a command.
    pub(crate) struct Interruptions(Vec<(u8, Signal)>);

    impl Interruptions {
        /// What the parent ignores stays ignored, also for a command that `exec` runs: by nohup,
        /// or in the background of a script.
        pub(crate) fn new() -> io::Result<Self> {
            let ignored = ignored();
            let mut signals = vec![SignalKind::interrupt(), SignalKind::terminate()];
            if ignored.is_some() {
                signals.push(SignalKind::hangup());
            }
            let mut received = Vec::new();
            for kind in signals {
                let number = kind.as_raw_value();
                if ignored.unwrap_or(0) >> (number - 1) & 1 == 0 {
                    received.push((128 + number as u8, signal(kind)?));
                }
            }
            Ok(Interruptions(received))
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
                resized: signal(SignalKind::window_change())?,
                continued: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            })
        }

        /// Waits for one. Whether the command was stopped and goes on: somebody else had the
        /// terminal meanwhile. Otherwise its window has another size.
        pub(crate) async fn next(&mut self) -> bool {
            tokio::select! {
                _ = self.resized.recv() => false,
                _ = self.continued.recv() => true,
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
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

        pub(crate) async fn next(&mut self) -> bool {
            pending().await
        }
    }
}

pub(crate) use system::{Changes, Interruptions};
