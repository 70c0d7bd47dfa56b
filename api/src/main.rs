//! `crm-api`: wiring only.

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use crm_api::{cli::Cli, config::Config, doctor};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.is_doctor() {
        return see_doctor().await;
    }
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(problems) => return refuse(&problems),
    };
    start_log(&config);
    crm_jobs::outside::prepare_tls();
    match cli.run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => refuse(&problems),
    }
}

/// Whatever is wrong with the settings, it has to look at them.
async fn see_doctor() -> ExitCode {
    crm_jobs::outside::prepare_tls();
    let parts = doctor::examine(Config::from_env(), &Config::environment()).await;
    match doctor::report(&parts) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => refuse(&[error.to_string()]),
    }
}

fn refuse(problems: &[String]) -> ExitCode {
    for problem in problems {
        eprintln!("crm-api: {problem}");
    }
    ExitCode::FAILURE
}

/// Logs go to stderr: stdout belongs to what commands print.
fn start_log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    if config.log_json {
        log.json().init();
    } else {
        log.with_target(false).init();
    }
}
