//! One message over SMTP, step by step: only so can it be told whether a server
//! that went silent may have taken it.

use std::{error::Error as _, path::Path, time::Duration};

use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::ClientId,
    },
};

use super::Outcome;
use crate::outside::{Security, SmtpServer, is_this_machine, prepare_tls};

/// How far the conversation is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of the message was said.
    Before,
    /// The message is on its way or complete.
    Message,
}

/// Delivers a message to the server, within a time for all of it: the library's
/// own covers connecting only, and a silent server would hold us for ever.
pub(super) async fn deliver(
    server: &SmtpServer,
    ca: Option<&Path>,
    message: &Message,
    patience: Duration,
) -> Outcome {
    let mut phase = Phase::Before;
    let talk = talk(server, ca, message, &mut phase);
    let ended = tokio::time::timeout(patience, talk).await;
    match (ended, phase) {
        (Ok(Ok(())), _) => Outcome::Delivered,
        (Ok(Err(Trouble::Ours(why))), _) => Outcome::Permanent(why),
        (Ok(Err(Trouble::Smtp(error))), phase) => outcome(server, &error, phase),
        (Err(_), Phase::Before) => {
            Outcome::Transient("the mail server did not answer in time".to_owned())
        }
        (Err(_), Phase::Message) => Outcome::Unknown(
            "the mail server fell silent after it was given the message".to_owned(),
        ),
    }
}

enum Trouble {
    /// A setting of ours.
    Ours(String),
    /// The conversation.
    Smtp(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

/// Connects and signs in as for a letter, and says goodbye; the answer is why that
/// cannot be done.
pub(super) async fn greet(
    server: &SmtpServer,
    ca: Option<&Path>,
    patience: Duration,
) -> Result<(), String> {
    let hello = async {
        let mut connection = sign_in(server, ca).await?;
        let _ = connection.quit().await;
        Ok(())
    };
    match tokio::time::timeout(patience, hello).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Trouble::Ours(why))) => Err(why),
        Ok(Err(Trouble::Smtp(error))) => match outcome(server, &error, Phase::Before) {
            Outcome::Transient(why) | Outcome::Permanent(why) | Outcome::Unknown(why) => Err(why),
            Outcome::Delivered => Ok(()),
        },
        Err(_) => Err("the mail server did not answer in time".to_owned()),
    }
}

async fn talk(
    server: &SmtpServer,
    ca: Option<&Path>,
    message: &Message,
    phase: &mut Phase,
) -> Result<(), Trouble> {
    let mut connection = sign_in(server, ca).await?;
    let envelope = message.envelope();
    connection
        .command(Mail::new(envelope.from().cloned(), Vec::new()))
        .await?;
    for to in envelope.to() {
        connection
            .command(Rcpt::new(to.clone(), Vec::new()))
            .await?;
    }
    connection.command(Data).await?;
    *phase = Phase::Message;
    connection.message(&message.formatted()).await?;
    // It was taken: what happens to the goodbye is nobody's concern.
    let _ = tokio::time::timeout(Duration::from_secs(2), connection.quit()).await;
    Ok(())
}

/// A protected line, signed in.
async fn sign_in(server: &SmtpServer, ca: Option<&Path>) -> Result<AsyncSmtpConnection, Trouble> {
    prepare_tls();
    let hello = ClientId::default();
    let address = (server.host.as_str(), server.port);
    let connect = |tls| {
        AsyncSmtpConnection::connect_tokio1(
            address,
            Some(Duration::from_secs(10)),
            &hello,
            tls,
            None,
        )
    };
    let mut connection = match server.security {
        Security::Tls => connect(Some(tls(server, ca)?)).await?,
        Security::Starttls => {
            let mut connection = connect(None).await?;
            // Required: a server without it gets neither name nor password.
            if !connection.can_starttls() {
                return Err(Trouble::Ours(
                    "the mail server offers no STARTTLS, so nothing was sent".to_owned(),
                ));
            }
            connection.starttls(tls(server, ca)?, &hello).await?;
            connection
        }
        Security::None if is_this_machine(&server.host) => connect(None).await?,
        Security::None => {
            return Err(Trouble::Ours(
                "without TLS only a server on this machine is used".to_owned(),
            ));
        }
    };
    if let Some((user, password)) = &server.login {
        let login = Credentials::new(user.clone(), password.clone());
        connection
            .auth(&[Mechanism::Plain, Mechanism::Login], &login)
            .await?;
    }
    Ok(connection)
}

fn tls(server: &SmtpServer, ca: Option<&Path>) -> Result<TlsParameters, Trouble> {
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(path) = ca {
        let ours = |why: String| Trouble::Ours(format!("SMTP_CA {}: {why}", path.display()));
        let pem = std::fs::read(path).map_err(|e| ours(e.to_string()))?;
        let authority =
            Certificate::from_pem(&pem).map_err(|_| ours("it holds no certificate".to_owned()))?;
        parameters = parameters
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authority);
    }
    Ok(parameters.build_rustls()?)
}

fn outcome(server: &SmtpServer, error: &Error, phase: Phase) -> Outcome {
    let says = words(server, error);
    if error.is_permanent() {
        Outcome::Permanent(says)
    } else if error.is_transient() {
        Outcome::Transient(says)
    } else if phase == Phase::Message {
        // Everything was handed over and no code came back.
        Outcome::Unknown(format!(
            "the line broke after the message was given: {says}"
        ))
    } else if error.is_client() || error.is_tls() || is_certificate(&says) {
        Outcome::Permanent(says)
    } else {
        Outcome::Transient(says)
    }
}

fn is_certificate(says: &str) -> bool {
    says.to_lowercase().contains("certificate")
}

/// What went wrong, without anything the server may have repeated of our
/// credentials.
fn words(server: &SmtpServer, error: &Error) -> String {
    let mut says = error.to_string();
    if let Some(source) = error.source()
        && !says.contains(&source.to_string())
    {
        says = format!("{says}: {source}");
    }
    if let Some((user, password)) = &server.login {
        for secret in [password, user] {
            says = says.replace(secret.as_str(), "…");
        }
        // As a server may quote the whole AUTH line.
        says = says
            .split(' ')
            .map(|word| if looks_encoded(word) { "…" } else { word })
            .collect::<Vec<_>>()
            .join(" ");
    }
    let line: String = says
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(240)
        .collect();
    line.trim().to_owned()
}

/// Long runs of base64: no word of a person.
fn looks_encoded(word: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let bare = word.trim_matches(['"', '\'', '<', '>', '(', ')', '[', ']', ',', '.', ':', ';']);
    bare.len() >= 8
        && bare.chars().all(is_base64)
        && (bare.ends_with('=')
            || bare.chars().any(|c| c.is_ascii_digit())
            || bare.chars().skip(1).any(|c| c.is_ascii_uppercase()))
}
