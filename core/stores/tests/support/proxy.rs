//! A way to an engine on which answers get lost.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// What becomes of the engine's next answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answers {
    Arrive,
    /// They wait until this changes.
    Hang,
    /// The connection breaks instead, once; the engine has done what it was asked to.
    Break,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    pub(crate) answers: watch::Sender<Answers>,
}

impl Proxy {
    pub(crate) async fn start(engine: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let answers = watch::Sender::new(Answers::Arrive);
        let mode = answers.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", engine)).await {
                    let (client_in, client_out) = client.into_split();
                    let (server_in, server_out) = server.into_split();
                    tokio::spawn(questions(client_in, server_out));
                    tokio::spawn(pass(server_in, client_out, mode.clone()));
                }
            }
        });
        Proxy { port, answers }
    }
}

async fn questions(mut client: OwnedReadHalf, mut server: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut client, &mut server).await;
}

/// Ends, and with it what the client sees of the connection, when there is nothing to pass on.
async fn pass(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, mode: watch::Sender<Answers>) {
    let mut buffer = vec![0; 65536];
    let mut changes = mode.subscribe();
    while let Ok(size @ 1..) = server.read(&mut buffer).await {
        let mut broken = false;
        mode.send_if_modified(|answers| {
            broken = *answers == Answers::Break;
            if broken {
                *answers = Answers::Arrive;
            }
            broken
        });
        let arrives = changes
            .wait_for(|answers| *answers != Answers::Hang)
            .await
            .is_ok();
        if broken || !arrives || client.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}
