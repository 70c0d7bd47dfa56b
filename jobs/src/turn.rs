//! Large things take turns in memory.

use tokio::sync::{Semaphore, SemaphorePermit};

static TURN: Semaphore = Semaphore::const_new(1);

/// Waits until no other import is unfolded, and no large change of the grid taken
/// in, by this process: each takes some hundred megabytes for a second or two. Held
/// until dropped; whoever holds it asks for no other.
pub(crate) async fn turn() -> Option<SemaphorePermit<'static>> {
    // Nobody closes it.
    TURN.acquire().await.ok()
}
