//! The same answers over TLS 1.3, for what a program takes until its first one.
//!
//! `bench-tls FILE` writes its certificate there, prints one line of JSON that says where it is, and
//! ends when its standard input does.

use parallel_account_bench::{ACCESS_TOKEN, ACCOUNT_BASE, Service};
use std::{env, error::Error, fs, io, process, sync::Arc, thread};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = env::args().nth(1).ok_or("usage: bench-tls FILE")?;
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    fs::write(file, made.cert.pem())?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("https://localhost:{}", listener.local_addr()?.port());
    let account_url = format!("{url}{ACCOUNT_BASE}");
    let line = serde_json::json!({ "url": url, "account_url": account_url, "token": ACCESS_TOKEN });
    println!("{line}");
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Who goes away, or speaks something else, is not answered.
            let _ = serve(acceptor, stream).await;
        });
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut service = Service::default();
    let (mut input, mut output) = (Vec::new(), Vec::new());
    loop {
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        let progress = service.answer(&input, &mut output);
        input.drain(..progress.consumed);
        stream.write_all(&output).await?;
        stream.flush().await?;
        output.clear();
        if progress.close {
            return stream.shutdown().await;
        }
    }
}
