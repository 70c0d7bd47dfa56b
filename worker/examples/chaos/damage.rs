//! `ops/chaos damage`: flips bits of a stored backup and cuts it short, plain and
//! encrypted files alike, and counts what verification finds.

use crm_jobs::{
    backup::{self, TakeBackup},
    clock::random_fraction,
    queue, tasks,
    testing::{TestDb, damaged},
};

pub async fn main(rounds: usize) -> usize {
    let t = TestDb::on_system_clock().await;
    crm_jobs::grid::begin(&mut t.db.write().await.unwrap(), "system")
        .await
        .unwrap();
    let mut tx = t.db.write().await.unwrap();
    queue::enqueue(&mut tx, &TakeBackup::default())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    queue::drain(&t.db, &tasks::registry()).await.unwrap();
    let taken = backup::newest_verified(t.db.read()).await.unwrap().unwrap();
    let path = t.db.dir().backups().join(&taken.file_name);
    let whole = std::fs::read(&path).unwrap();
    let mut found = 0;
    for n in 0..rounds {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a small file"
        )]
        let at = (random_fraction() * whole.len() as f64) as usize;
        std::fs::write(&path, damaged(&whole, n, at)).unwrap();
        found += usize::from(backup::verify_file(&path).await.is_err());
    }
    std::fs::write(&path, &whole).unwrap();
    backup::verify_file(&path).await.unwrap();
    let missed = rounds - found;
    println!("{found} of {rounds} bit flips and truncations of a stored backup were found");
    println!("{} passed, {missed} failed", found.min(1));
    missed
}
