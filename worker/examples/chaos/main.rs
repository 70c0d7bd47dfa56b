//! `ops/chaos`: SIGKILL at random points while clients write and jobs run.
//!
//! Clients repeat a request under its idempotency key until it is answered, as
//! a browser does that was offline. At the end every answered write must be in
//! the history once, every answered job must have left its mark once, and the
//! file must be whole.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a test tool: it prints, and stops at the first surprise"
)]

mod automations;
mod clients;
mod clock;
mod damage;
mod disk;
#[path = "../shared/measure.rs"]
mod measure;
mod restore;
mod verdict;

use std::time::Duration;

use crm_jobs::{clock::random_fraction, testing::TestDb};
use measure::{Process, admin_token};
use tokio_util::sync::CancellationToken;

const ADDRESS: &str = "127.0.0.1:18094";

#[tokio::main]
async fn main() {
    crm_jobs::outside::prepare_tls();
    let kills = match wanted() {
        Wanted::Kills(kills) => kills,
        Wanted::Firings(firings) => end(automations::run(firings).await),
        Wanted::Restores(kills) => end(restore::main(kills).await),
        Wanted::Damage(rounds) => end(damage::main(rounds).await),
        Wanted::Disk(rounds) => end(disk::main(rounds).await),
        Wanted::Clock(jumps) => end(clock::main(jumps).await),
    };
    let t = TestDb::on_system_clock().await;
    crm_jobs::demo::fill(t.dir(), t.db.now()).await.unwrap();
    let token = admin_token(t.dir());
    let mut api = Process::api(t.dir(), ADDRESS).await;
    let mut worker = Process::worker(&t, 4);
    let stop = CancellationToken::new();
    let clients = clients::start(&t, &token, &stop).await;
    let (mut api_kills, mut worker_kills) = (0, 0);
    for _ in 0..kills {
        let pause = 20.0 + 280.0 * random_fraction();
        tokio::time::sleep(Duration::from_secs_f64(pause / 1e3)).await;
        if random_fraction() < 0.5 {
            api.kill();
            api = Process::api(t.dir(), ADDRESS).await;
            api_kills += 1;
        } else {
            worker.kill();
            worker = Process::worker(&t, 4);
            worker_kills += 1;
        }
    }
    stop.cancel();
    let answered = clients.join().await;
    println!("{kills} kills: {api_kills} of the api, {worker_kills} of the worker");
    let wrong = verdict::judge(&t, &answered).await;
    drop((api, worker));
    println!("{} passed, {wrong} failed", verdict::QUESTIONS - wrong);
    std::process::exit(i32::from(wrong > 0));
}

/// What is asked for.
enum Wanted {
    Kills(usize),
    Firings(usize),
    Restores(restore::Kills),
    Damage(usize),
    Disk(usize),
    Clock(usize),
}

fn end(wrong: usize) -> ! {
    std::process::exit(i32::from(wrong > 0))
}

fn wanted() -> Wanted {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: &str| n.parse().expect("a number is wanted");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Wanted::Kills(100),
        ["--kills", n] => Wanted::Kills(number(n)),
        ["automations"] => Wanted::Firings(10_000),
        ["automations", "--firings", n] => Wanted::Firings(number(n)),
        ["restore"] => Wanted::Restores(restore::Kills::Random(100)),
        ["restore", "--rounds", n] => Wanted::Restores(restore::Kills::Random(number(n))),
        ["restore", "--every-step", n] => Wanted::Restores(restore::Kills::EveryStep(number(n))),
        ["damage"] => Wanted::Damage(1_000),
        ["damage", "--rounds", n] => Wanted::Damage(number(n)),
        ["disk"] => Wanted::Disk(100),
        ["disk", "--rounds", n] => Wanted::Disk(number(n)),
        ["clock"] => Wanted::Clock(100),
        ["clock", "--jumps", n] => Wanted::Clock(number(n)),
        _ => panic!("ops/chaos --help says what there is"),
    }
}
