//! The command line.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, Parser, Subcommand};
use crm_jobs::{
    accounts::{
        self, AccountError, DEMO_ADMIN, Role, links, passwords, second_factor,
        tokens::{self, Scope},
        users::{self, NewUser},
    },
    audit::Actor,
    clock::Clock,
    db::{self, Db},
    demo,
    export::snapshot,
    grid,
    restore::{self, Who},
    upgrade::{self, Before},
};

use crate::{cli_audit::Audit, config::Config, doctor, look::look, openapi, serve};

/// Venture CRM's HTTP core. Settings come from the environment: see
/// docs/configuration.md.
#[derive(Debug, Parser)]
#[command(name = "crm-api", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrate the database, then serve pages and the API
    Serve,
    /// Bring the database to this program's schema, after a verified backup of it
    Migrate {
        /// Take no backup first: you have a good one elsewhere
        #[arg(long)]
        without_backup: bool,
    },
    /// Exit 0 if the api answers where it should listen
    Healthcheck,
    /// Check everything that could be wrong, and say what to do; changes nothing
    Doctor,
    /// Start the whole program on a copy of the database, without a socket, and read
    /// every list there is; a drill does
    Look,
    /// Print the `OpenAPI` document
    Openapi,
    /// Fill an empty database with the synthetic demo fund
    Demo,
    /// Fill an empty database from a snapshot (`GET /api/fundraising/export`)
    Load {
        /// The snapshot
        file: PathBuf,
    },
    /// Verify the audit log, or take it away
    #[command(subcommand)]
    Audit(Audit),
    /// Manage accounts from a shell
    #[command(subcommand)]
    Admin(Admin),
}

#[derive(Debug, Subcommand)]
enum Admin {
    /// Create an account
    CreateUser(CreateUser),
    /// Make an API token; its last line of output is the token
    CreateToken {
        /// Whose it is
        #[arg(long)]
        email: String,
        /// `all` or `read`
        #[arg(long)]
        scope: Scope,
        /// What it is for
        #[arg(long, default_value = "made in a shell")]
        name: String,
    },
    /// Print the one-time link for the first admin
    SetupLink,
    /// Print a one-time link for a new password
    ResetPassword {
        /// Whose password
        #[arg(long)]
        email: String,
    },
    /// Remove somebody's second factor: they lost phone and recovery codes, or this box
    /// has another key than the one it was sealed with
    RemoveSecondFactor {
        /// Whose
        #[arg(long)]
        email: String,
    },
    /// List all accounts
    ListUsers,
}

#[derive(Debug, Args)]
struct CreateUser {
    #[arg(long)]
    email: String,
    #[arg(long)]
    name: String,
    /// `admin` or `member`
    #[arg(long, default_value = "member")]
    role: Role,
    /// The password. Other users of this machine can see it while the command
    /// runs: prefer --password-stdin.
    #[arg(
        long,
        conflicts_with = "password_stdin",
        required_unless_present = "password_stdin"
    )]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// Reasons to stop, a sentence each.
pub type Problems = Vec<String>;

impl Cli {
    /// Whether this looks at settings that may be wrong, instead of relying on them.
    pub fn is_doctor(&self) -> bool {
        matches!(self.command, Command::Doctor)
    }

    /// Runs the command.
    pub async fn run(self, config: Config) -> Result<(), Problems> {
        match self.command {
            Command::Openapi => print(&format!("{:#}", openapi::document())),
            Command::Migrate { without_backup } => {
                let before = if without_backup {
                    Before::Nothing
                } else {
                    Before::Backup
                };
                let db = open_after(&config, before).await?;
                print(&format!("The database has schema {}.", db::SCHEMA_VERSION))?;
                db.close().await;
                Ok(())
            }
            Command::Healthcheck => {
                doctor::answers(config.bind)
                    .await
                    .map_err(|why| vec![why])?;
                print("crm-api answers")
            }
            Command::Doctor => Ok(()), // `main` has it: it must not need a configuration
            Command::Look => {
                let db = Db::open(&config.data_dir, Clock::System)
                    .await
                    .map_err(|e| one(&e))?;
                let looked = look(&db, config).await;
                db.close().await;
                let looked = looked?;
                print(&format!(
                    "{} lists answered, {} want to be asked for something particular.",
                    looked.answered, looked.asked_for_more
                ))
            }
            Command::Demo => {
                open(&config).await?.close().await;
                let now = Clock::System.now();
                demo::fill(Path::new(&config.data_dir), now)
                    .await
                    .map_err(|e| one(&e))?;
                print("Filled with the demo fund: every name and address in it is synthetic.")
            }
            Command::Load { file } => load(&config, &file).await,
            Command::Audit(command) => command.run(&config).await,
            Command::Serve => serve::serve(config).await,
            Command::Admin(command) => {
                let db = open(&config).await?;
                let done = command.run(&db, &config).await;
                db.close().await;
                done
            }
        }
    }
}

/// Opens and migrates: a shell command on an empty directory works too. A restore
/// that was cut off is finished or given up first.
pub(crate) async fn open(config: &Config) -> Result<Db, Problems> {
    open_after(config, Before::Backup).await
}

async fn open_after(config: &Config, before: Before) -> Result<Db, Problems> {
    restore::settle(&config.data_dir, &Clock::System, Who::Other)
        .await
        .map_err(|e| one(&e))?;
    let db = Db::open(Path::new(&config.data_dir), Clock::System)
        .await
        .map_err(|e| one(&e))?
        .reaching(config.outside.clone());
    upgrade::upgrade(&db, before).await.map_err(|e| one(&e))?;
    Ok(db)
}

/// Nobody can sign in afterwards: accounts come back without passwords.
async fn load(config: &Config, file: &Path) -> Result<(), Problems> {
    let db = open(config).await?;
    let loaded = snapshot::load(&db, file).await;
    db.close().await;
    let loaded = loaded.map_err(|e| one(&e))?;
    print(&format!(
        "Loaded {} rows of {} tables. Accounts have no passwords yet: give an admin one with `crm-api admin reset-password --email …`.",
        loaded.rows, loaded.tables
    ))
}

/// A fresh grid gets the columns that every raise needs.
pub(crate) async fn begin_grid(db: &Db) -> Result<(), grid::GridError> {
    let mut tx = db.write().await?;
    grid::begin(&mut tx, &Actor::System.to_string()).await?;
    tx.commit().await?;
    Ok(())
}

/// Prints the address; on a database nobody can sign in to, also the link
/// with which somebody can, also after a restore.
pub(crate) async fn announce(db: &Db, config: &Config, first: bool) -> Result<(), Problems> {
    if first {
        print(&format!("Venture CRM is at {}", config.base_url))?;
    }
    if let Some(link) = setup_link(db, config).await.map_err(|e| one(&e))? {
        print(&format!(
            "Create the first admin (works once, for 24 hours): {link}"
        ))?;
    }
    Ok(())
}

async fn setup_link(db: &Db, config: &Config) -> Result<Option<String>, AccountError> {
    let mut tx = db.write().await?;
    let made = links::set_up(&mut tx, &Actor::Shell).await?;
    tx.commit().await?;
    Ok(made.map(|made| format!("{}/setup/{}", config.base_url, made.secret)))
}

pub(crate) async fn demo_password_works(db: &Db) -> Result<bool, AccountError> {
    let (email, password) = DEMO_ADMIN;
    let user = users::find(db, email).await?;
    if user.is_none_or(|user| user.disabled_at.is_some()) {
        return Ok(false);
    }
    accounts::password_fits(db, email, password).await
}

impl Admin {
    async fn run(self, db: &Db, config: &Config) -> Result<(), Problems> {
        match self {
            Self::CreateUser(new) => create_user(db, new).await,
            Self::CreateToken { email, scope, name } => create_token(db, &email, scope, &name).await,
            Self::SetupLink => match setup_link(db, config).await.map_err(|e| one(&e))? {
                Some(link) => print(&link),
                None => Err(vec![
                    "there is an admin already; for a lost password run `crm-api admin reset-password --email …`".to_owned(),
                ]),
            },
            Self::ResetPassword { email } => reset_password(db, config, &email).await,
            Self::RemoveSecondFactor { email } => remove_second_factor(db, &email).await,
            Self::ListUsers => list_users(db).await,
        }
    }
}

async fn create_user(db: &Db, new: CreateUser) -> Result<(), Problems> {
    let password = match new.password {
        Some(password) => password,
        None => from_stdin()?,
    };
    let created = async {
        passwords::check(&password, &[&new.email, &new.name])?;
        let user = NewUser {
            email: new.email,
            name: new.name,
            role: new.role,
            password_hash: Some(passwords::hash(&password).await?),
        };
        let mut tx = db.write().await?;
        let user = users::create(&mut tx, user, &Actor::Shell, "").await?;
        tx.commit().await?;
        Ok::<_, AccountError>(user)
    };
    let user = created.await.map_err(|e| one(&e))?;
    print(&format!("Created {} ({}).", user.email, user.role.as_str()))
}

async fn create_token(db: &Db, email: &str, scope: Scope, name: &str) -> Result<(), Problems> {
    let user = find(db, email).await?;
    let made = async {
        let mut tx = db.write().await?;
        let made = tokens::create(&mut tx, &user.id, name, scope, None, &Actor::Shell, "").await?;
        tx.commit().await?;
        Ok::<_, AccountError>(made.1)
    };
    print(&made.await.map_err(|e| one(&e))?)
}

async fn reset_password(db: &Db, config: &Config, email: &str) -> Result<(), Problems> {
    let user = find(db, email).await?;
    let made = async {
        let mut tx = db.write().await?;
        let made = links::reset(&mut tx, &user.id, &Actor::Shell, "").await?;
        tx.commit().await?;
        Ok::<_, AccountError>(made.secret)
    };
    let secret = made.await.map_err(|e| one(&e))?;
    print(&format!("{}/setup/{secret}", config.base_url))
}

async fn remove_second_factor(db: &Db, email: &str) -> Result<(), Problems> {
    let user = find(db, email).await?;
    let removed = async {
        let mut tx = db.write().await?;
        let removed = second_factor::remove(&mut tx, &user.id, &Actor::Shell, "").await?;
        tx.commit().await?;
        Ok::<_, AccountError>(removed)
    };
    if removed.await.map_err(|e| one(&e))? {
        print(&format!("{email} signs in with the password alone now."))
    } else {
        Err(vec![format!("{email} has no second factor")])
    }
}

async fn list_users(db: &Db) -> Result<(), Problems> {
    for user in users::list(db).await.map_err(|e| one(&e))? {
        let state = if user.disabled_at.is_some() {
            "disabled"
        } else {
            "active"
        };
        let role = user.role.as_str();
        print(&format!(
            "{}\t{}\t{role}\t{state}\t{}",
            user.id, user.email, user.name
        ))?;
    }
    Ok(())
}

async fn find(db: &Db, email: &str) -> Result<accounts::User, Problems> {
    let user = users::find(db, email).await.map_err(|e| one(&e))?;
    user.ok_or_else(|| vec![format!("nobody has the address {email}")])
}

fn from_stdin() -> Result<String, Problems> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|e| one(&e))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

pub(crate) fn print(line: &str) -> Result<(), Problems> {
    writeln!(std::io::stdout(), "{line}").map_err(|e| one(&e))
}

pub(crate) fn one(error: &dyn std::error::Error) -> Problems {
    vec![error.to_string()]
}
