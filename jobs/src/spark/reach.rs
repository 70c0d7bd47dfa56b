//! Where the local model may be: on this machine or in a private network, never
//! at a public address. Names are resolved once for each connection and only the
//! addresses that passed are connected to, so no second answer of a name server
//! can lead elsewhere.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// What the cloud's metadata services answer on, wherever it looks private.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Why an address is not connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is refused: the local model must be on this machine or in a private network",
            self.0
        )
    }
}

impl Error for Refused {}

/// Whether this address may be connected to. `shared` allows 100.64.0.0/10 too
/// (Tailscale and other overlays), which an admin names hosts for.
pub fn is_near(address: IpAddr, shared: bool) -> bool {
    match address {
        IpAddr::V4(v4) => is_near_v4(v4, shared),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_near_v4(v4, shared),
            None => v6.is_loopback() || (v6.segments()[0] & 0xfe00 == 0xfc00 && v6 != METADATA_V6),
        },
    }
}

/// Link-local addresses are not among them: 169.254.169.254 is the metadata
/// service of every cloud.
fn is_near_v4(v4: Ipv4Addr, shared: bool) -> bool {
    let [a, b, ..] = v4.octets();
    v4.is_loopback() || v4.is_private() || (shared && a == 100 && b & 0xc0 == 64)
}

/// Checks a base URL before anything is asked of it: its form, and its host if
/// that is an address. Names are checked when they are resolved.
pub fn check(base: &str, allow: &[String]) -> Result<Url, Refused> {
    let refuse = |why: &str| Err(Refused(format!("{base:?} ({why})")));
    let Ok(url) = Url::parse(base) else {
        return refuse("it is no address");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse("only http and https are spoken");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("no name or password belongs in it");
    }
    let Some(host) = url.host_str() else {
        return refuse("it names no host");
    };
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>()
        && !is_near(address, is_listed(host, allow))
    {
        return Err(Refused(address.to_string()));
    }
    Ok(url)
}

fn is_listed(host: &str, allow: &[String]) -> bool {
    let host = host.trim_end_matches('.');
    allow.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// Names and what they lead to.
pub(super) type Answers = Arc<[(String, Vec<IpAddr>)]>;

/// Resolves names for the client, leaving out every address that is not near.
#[derive(Clone)]
pub struct NearOnly {
    /// Hosts an admin allows in 100.64.0.0/10.
    pub allow: Arc<[String]>,
    /// Answers in place of the system's resolver, in tests.
    pub(super) answers: Option<Answers>,
}

impl NearOnly {
    async fn resolve(self, host: String) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
        let shared = is_listed(&host, &self.allow);
        let found: Vec<SocketAddr> = match &self.answers {
            Some(known) => known
                .iter()
                .filter(|(name, _)| *name == host)
                .flat_map(|(_, all)| all.iter().map(|ip| SocketAddr::new(*ip, 0)))
                .collect(),
            None => tokio::net::lookup_host((host.as_str(), 0)).await?.collect(),
        };
        let near: Vec<SocketAddr> = found
            .iter()
            .copied()
            .filter(|at| is_near(at.ip(), shared))
            .collect();
        match (near.is_empty(), found.first()) {
            (false, _) => Ok(near),
            (true, Some(at)) => Err(Refused(format!("{host} ({})", at.ip())).into()),
            (true, None) => Err(format!("{host} has no address").into()),
        }
    }
}

impl Resolve for NearOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let (this, host) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let near = this.resolve(host).await?;
            Ok(Box::new(near.into_iter()) as Addrs)
        })
    }
}

/// The refusal inside an error of the client, if that is why it failed.
pub fn refusal(error: &(dyn Error + 'static)) -> Option<Refused> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(refused.clone());
        }
        at = error.source();
    }
    None
}
