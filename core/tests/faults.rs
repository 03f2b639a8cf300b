//! Schedules of faults from seeds: every run ends in success or in an error that the schedule
//! justifies; nothing hangs, and no file is wiped.
//!
//! `FAULT_SEEDS` says how many schedules are run (default 60).

use parallel_account::{AccountClient, Balance, Error, FileStore, LoginOptions, Result};
use parallel_account_sandbox::{Options, Sandbox};
use std::{collections::BTreeMap, env, path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

const ROUTES: [&str; 6] = [
    "register",
    "device_code",
    "token.poll",
    "token.refresh",
    "balance.get",
    "revoke",
];

struct Run {
    seed: u64,
    random: fastrand::Rng,
    sandbox: Sandbox,
    control: reqwest::Client,
    folder: PathBuf,
    /// A strict server revokes the family when a used refresh token comes back.
    strict: bool,
}

impl Run {
    async fn start(seed: u64) -> Run {
        let mut random = fastrand::Rng::with_seed(seed);
        let strict = random.bool();
        let options = Options {
            interval: 0.001,
            approve_after: Some(0.0),
            grace: if strict { 0.0 } else { 600.0 },
            ..Options::default()
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = env::temp_dir().join(format!(
            "parallel-account-faults-{}-{seed}",
            std::process::id()
        ));
        Run {
            seed,
            random,
            sandbox: Sandbox::start(options).await.expect("a free port"),
            control: reqwest::Client::new(),
            folder,
            strict,
        }
    }

    async fn control(&self, path: &str, body: String) -> serde_json::Value {
        let url = format!("{}{path}", self.sandbox.control_url());
        let request = match path {
            "/counts" => self.control.get(url),
            _ => self
                .control
                .post(url)
                .header("content-type", "application/json")
                .body(body),
        };
        let answer = request.send().await.expect("the control surface answers");
        let text = answer.text().await.expect("text");
        serde_json::from_str(&text).expect("JSON")
    }

    async fn fault(&mut self) {
        let route = ROUTES[self.random.usize(..ROUTES.len())];
        let effect = match self.random.u8(..8) {
            0 => r#""delay_ms":40"#,
            1 => r#""delay_answer_ms":400"#,
            2 => r#""reset":"before""#,
            3 => r#""reset":"after""#,
            4 => r#""drop_answer_after_processing":true"#,
            5 => r#""truncate":true"#,
            6 => r#""status":502,"body":"<html>Bad Gateway</html>""#,
            _ => r#""status":429,"body":{"detail":"slow down"}"#,
        };
        let times = self.random.u8(1..4);
        self.control(
            "/faults",
            format!(r#"{{"route":"{route}","times":{times},{effect}}}"#),
        )
        .await;
    }

    /// Whether `error` is what a schedule like this may lead to.
    async fn check(&self, error: &Error, doing: &str) {
        let passing = [
            "connection",
            "timeout",
            "server",
            "rate_limited",
            "invalid_response",
        ];
        let justified = match error.code() {
            code if passing.contains(&code) => true,
            // Only where the answer to a refresh was lost, and the server forgives nothing.
            "login_required" => {
                self.strict
                    && self.control("/counts", String::new()).await["refresh_token_reuses"].as_u64()
                        > Some(0)
            }
            // The tokens were given out once, and that answer was lost.
            "login_expired" | "oauth" => doing == "login",
            _ => false,
        };
        assert!(justified, "seed {} ({doing}): {error:?}", self.seed);
    }

    fn record(&self) -> String {
        std::fs::read_to_string(self.folder.join("auth.json")).expect("the file is there")
    }

    fn client(&self) -> AccountClient {
        AccountClient::builder()
            .platform_url(self.sandbox.platform_url())
            .account_url(self.sandbox.account_url())
            .store(FileStore::new(self.folder.join("auth.json")))
            .timeout(Duration::from_millis(150))
            .time_scale(200.0)
            .build()
            .expect("good options")
    }

    async fn run(mut self) -> &'static str {
        let client = self.client();
        self.fault().await;
        let login = match client.start_login(LoginOptions::default()).await {
            Ok(login) => login.wait().await,
            Err(error) => Err(error),
        };
        if let Err(error) = login {
            self.check(&error, "login").await;
            return self.end("no login");
        }
        let over = self.some_calls(&client).await;
        // Whatever went wrong has ended: the login works, unless the server ended it.
        let faults = format!("{}/faults", self.sandbox.control_url());
        self.control
            .delete(faults)
            .send()
            .await
            .expect("the control surface answers");
        match last_call(&client).await {
            Ok(_) => assert!(!over),
            Err(error) => {
                assert_eq!(
                    error.code(),
                    "login_required",
                    "seed {}: {error:?}",
                    self.seed
                );
                self.check(&error, "balance").await;
            }
        }
        if let Err(error) = client.logout().await {
            self.check(&error, "logout").await;
        }
        assert!(
            !self.record().contains("\"refresh_token\""),
            "seed {}: not logged out",
            self.seed
        );
        self.end(if over {
            "ended by the server"
        } else {
            "logged out"
        })
    }

    /// Calls between faults; answers whether the server has ended the login.
    async fn some_calls(&mut self, client: &AccountClient) -> bool {
        let mut over = false;
        // A service that refuses one new token after the other is believed: that is no schedule.
        let mut accepted = true;
        for _ in 0..20 {
            match self.random.u8(..4) {
                0 => self.fault().await,
                1 if std::mem::take(&mut accepted) => {
                    drop(self.control("/expire-access-token", "{}".into()).await)
                }
                _ => {}
            }
            match client.balance().get().await {
                Ok(balance) => {
                    assert_eq!(balance.org_id, "org_sandbox");
                    accepted = true;
                }
                Err(error) => {
                    self.check(&error, "balance").await;
                    over |= error.code() == "login_required";
                }
            }
            assert!(
                self.record().contains("\"refresh_token\""),
                "seed {}: the file was wiped",
                self.seed
            );
        }
        over
    }

    fn end(self, how: &'static str) -> &'static str {
        let _ = std::fs::remove_dir_all(&self.folder);
        how
    }
}

/// After a failure nothing is sent for a while, a minute on its clock at most.
async fn last_call(client: &AccountClient) -> Result<Balance> {
    loop {
        tokio::time::sleep(Duration::from_millis(310)).await;
        match client.balance().get().await {
            // A busy machine's own: this client gives an answer 150 ms.
            Err(error) if error.code() == "timeout" => {}
            last => return last,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schedule_ends_well_or_with_reason() {
    let seeds = env::var("FAULT_SEEDS").map_or(60, |seeds| seeds.parse().expect("a number"));
    let at_once = Arc::new(Semaphore::new(16));
    let mut runs = JoinSet::new();
    for seed in 0..seeds {
        let at_once = at_once.clone();
        runs.spawn(async move {
            let _permit = at_once.acquire().await.expect("never closed");
            let run = Run::start(seed).await.run();
            timeout(Duration::from_secs(120), run)
                .await
                .unwrap_or_else(|_| panic!("seed {seed} hangs"))
        });
    }
    let mut ends = BTreeMap::<&str, u64>::new();
    while let Some(end) = runs.join_next().await {
        *ends.entry(end.expect("no panic")).or_default() += 1;
    }
    println!("{seeds} schedules: {ends:?}");
    assert_eq!(ends.values().sum::<u64>(), seeds);
}
