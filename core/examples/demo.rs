//! The whole job: log in, read the balance, renew the token, log out.
//!
//! `cargo run -p parallel-account --example demo`, against the service that
//! `PARALLEL_PLATFORM_URL` and `PARALLEL_SERVICE_API_URL` name.

use parallel_account::{AccountClient, LoginOptions, MemoryStore, Result};
use std::{
    process::ExitCode,
    time::{Duration, SystemTime},
};

async fn run() -> Result<()> {
    let client = AccountClient::builder()
        .client_name("parallel-account demo (Rust)")
        .store(MemoryStore::default())
        .build()?;

    let status = client.login(LoginOptions::default()).await?;
    println!("approved: yes");
    if let Some(organization) = &status.organization {
        let name = organization.name.as_deref().unwrap_or("no name");
        println!("organization: {name} ({})", organization.id);
    }
    let balance = client.balance().get().await?;
    println!("balance: {:.2} USD", balance.credit_balance_cents / 100.0);

    let before = client.access_token().await?;
    let lives_for = status
        .access_token_expires_at
        .and_then(|at| at.duration_since(SystemTime::now()).ok())
        .unwrap_or_default();
    if lives_for < Duration::from_secs(30) {
        tokio::time::sleep(lives_for).await;
        let renewed = client.access_token().await? != before;
        println!("refreshed: {}", if renewed { "yes" } else { "no" });
    } else {
        println!(
            "refreshed: not yet, the token lives for {} s",
            lives_for.as_secs()
        );
    }

    client.logout().await?;
    println!("revoked: yes");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
