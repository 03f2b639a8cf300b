//! The ceiling: what the core itself does, without any binding, in the arrangements of threads
//! that the bindings may choose from.
//!
//! `bench-core parallel-account MODE`, MODE being one of
//! - `one`: one call after the other on a current-thread runtime, as a blocking binding does it;
//! - `many-1`: 64 at once on one thread;
//! - `many-2`: 64 at once on a runtime with two workers, as the asynchronous bindings do it;
//! - `threads`: 8 threads, each with a current-thread runtime and connections of its own.
//!
//! Each line of its input, `SECONDS CALLS`, is a turn, which it answers with a line.

use futures_util::future::join_all;
use parallel_account::{AccountClient, MemoryStore};
use parallel_account_bench::ACCESS_TOKEN;
use std::{
    env, fs, io, thread,
    time::{Duration, Instant},
};
use tokio::runtime::{Builder, Runtime};

const AT_ONCE: usize = 64;
const THREADS: usize = 8;

fn main() {
    let mode = env::args().nth(2).expect("usage: bench-core NAME MODE");
    let client = client();
    let rss_start = rss();
    let run = runner(&mode, client);
    println!("{}", serde_json::json!({ "rss_start": rss_start }));
    for line in io::stdin().lines() {
        let line = line.expect("a line");
        let (seconds, calls) = line.split_once(' ').expect("SECONDS CALLS");
        let plan = Plan::until(
            seconds.parse().expect("seconds"),
            calls.parse().expect("calls"),
        );
        let (start, cpu) = (Instant::now(), cpu());
        let calls = run(plan);
        let line = serde_json::json!({
            "calls": calls,
            "seconds": start.elapsed().as_secs_f64(),
            "cpu": self::cpu() - cpu,
            "rss_end": rss(),
        });
        println!("{line}");
    }
}

/// What makes calls as `mode` says, and counts them.
fn runner(mode: &str, client: AccountClient) -> Box<dyn Fn(Plan) -> u64> {
    match mode {
        "one" => {
            let runtime = one_thread();
            Box::new(move |plan| runtime.block_on(calls(&client, plan)))
        }
        "many-1" => {
            let runtime = one_thread();
            Box::new(move |plan| {
                let each = plan.shared_by(AT_ONCE);
                let tasks = (0..AT_ONCE).map(|_| calls(&client, each));
                runtime.block_on(join_all(tasks)).into_iter().sum()
            })
        }
        "many-2" => {
            let runtime = Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            Box::new(move |plan| {
                let each = plan.shared_by(AT_ONCE);
                let tasks = (0..AT_ONCE).map(|_| {
                    let client = client.clone();
                    runtime.spawn(async move { calls(&client, each).await })
                });
                let all = join_all(tasks.collect::<Vec<_>>());
                let done = runtime.block_on(all);
                done.into_iter().map(|calls| calls.expect("no panic")).sum()
            })
        }
        "threads" => Box::new(move |plan| threads(&client, plan.shared_by(THREADS))),
        other => panic!("no mode {other}"),
    }
}

/// How long calls continue: so long, or so many if that is not 0.
#[derive(Clone, Copy)]
struct Plan {
    end: Instant,
    calls: u64,
}

impl Plan {
    fn until(seconds: f64, calls: u64) -> Self {
        Plan {
            end: Instant::now() + Duration::from_secs_f64(seconds),
            calls,
        }
    }

    fn shared_by(self, n: usize) -> Self {
        Plan {
            calls: self.calls.div_ceil(n as u64),
            ..self
        }
    }

    fn goes_on(&self, done: u64) -> bool {
        match self.calls {
            0 => Instant::now() < self.end,
            calls => done < calls,
        }
    }
}

async fn calls(client: &AccountClient, plan: Plan) -> u64 {
    let mut done = 0;
    while plan.goes_on(done) {
        let balance = client.balance().get().await.expect("a balance");
        assert_eq!(balance.org_id, "org_bench");
        done += 1;
    }
    done
}

fn threads(client: &AccountClient, plan: Plan) -> u64 {
    let work = || one_thread().block_on(calls(client, plan));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum()
    })
}

fn one_thread() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn client() -> AccountClient {
    let url = env::var("BENCH_URL").expect("BENCH_URL");
    // Logged in until 2100.
    let record = serde_json::json!({
        "version": 1,
        "selected_org_id": "org_bench",
        "orgs": { "org_bench": { "control_api": {
            "access_token": ACCESS_TOKEN,
            "access_token_expires_at": 4_102_444_800_u64,
        } } },
    });
    AccountClient::builder()
        .client_name("bench")
        .platform_url(&url)
        .account_url(format!("{url}/account"))
        .store(MemoryStore::new(Some(record.to_string())))
        .build()
        .expect("good options")
}

/// Bytes of this process that are in memory.
fn rss() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

/// Seconds of CPU time, user and system, in hundredths.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
