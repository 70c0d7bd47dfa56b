//! Waking workers in other processes the moment a transaction committed.
//!
//! Every worker listens on a Unix datagram socket in the data directory. A ping
//! carries no data: it only says "look". Lost pings do no harm, because workers
//! also look whenever another process changed the file (`pragma data_version`).

use std::{
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Longest socket path the kernel takes (`sun_path`, with its final NUL).
const LONGEST_PATH: usize = 107;

/// Rings all workers of a data directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bell {
    run_dir: Arc<Path>,
    socket: Option<Arc<UnixDatagram>>,
}

impl Bell {
    /// A bell for the workers whose sockets lie in `run_dir`.
    pub fn new(run_dir: PathBuf) -> Self {
        let socket = UnixDatagram::unbound().and_then(|s| {
            s.set_nonblocking(true)?;
            Ok(Arc::new(s))
        });
        Self {
            run_dir: run_dir.into(),
            socket: socket.ok(),
        }
    }

    /// Pings every worker. Never fails: workers find the job a moment later anyway.
    pub fn ring(&self) {
        let (Some(socket), Ok(entries)) = (&self.socket, std::fs::read_dir(&self.run_dir)) else {
            return;
        };
        for path in entries.flatten().map(|e| e.path()) {
            if path.extension().is_some_and(|x| x == "sock") {
                // A dead worker's socket refuses; whoever rescues its jobs removes it.
                let _ = socket.send_to(&[1], &path);
            }
        }
    }
}

/// The listening end, or `None` where the path is too long for a socket.
pub(super) fn listen(path: &Path) -> Option<tokio::net::UnixDatagram> {
    if path.as_os_str().len() > LONGEST_PATH {
        tracing::warn!(
            path = %path.display(),
            "data directory path is too long for a wake-up socket; jobs start up to 300 ms later"
        );
        return None;
    }
    let _ = std::fs::remove_file(path);
    tokio::net::UnixDatagram::bind(path)
        .inspect_err(
            |error| tracing::warn!(%error, "no wake-up socket; jobs start up to 300 ms later"),
        )
        .ok()
}
