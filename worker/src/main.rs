//! Wiring only: configuration, logs, one command.

mod capture;
mod cli;
mod commands;
mod config;
mod restore;
mod run;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;

/// glibc keeps what a large import took; this gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why a command failed; the message is all a person needs.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let config = match config::Config::from_env() {
        Ok(config) => config,
        Err(problems) => return fail(Failure::from(problems.join("; ")).as_ref()),
    };
    crm_jobs::outside::prepare_tls();
    start_logs(&config);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(commands::dispatch(&config, cli.command)) {
        Ok(code) => code,
        Err(error) => fail(error.as_ref()),
    }
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("crm-worker: {error}");
    ExitCode::FAILURE
}

fn start_logs(config: &config::Config) {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if config.log_json {
        logs.json().init();
    } else {
        logs.with_target(false).init();
    }
}
