//! How long a large file takes. Run in release mode:
//! `cargo test --release -p crm-jobs --test it -- --ignored --nocapture a_large_file`.

use std::{fmt::Write, time::Instant};

use crm_jobs::{import, testing::TestDb};

use super::{drain, load, start, upload};

fn large(rows: usize) -> String {
    let mut csv = String::from("Name,Contacts,Linked funds,Type,Sectors,NDA,Email,Met");
    for n in 8..40 {
        let _ = write!(csv, ",Column {n}");
    }
    for row in 0..rows {
        let _ = write!(
            csv,
            "\nSample {row},\"Ada {row} Sample,Bo {row} Sample <bo{row}@example.org>\",\"Fund I,Fund II\",Type {},\"AI,Bio\",checked,lp{row}@example.org,2025-03-{:02}",
            row % 7,
            row % 28 + 1
        );
        for n in 8..40 {
            let _ = match n % 4 {
                0 => write!(csv, ",\"${},{:03}.00\"", n, row % 1_000),
                1 => write!(csv, ",{}", row * n),
                2 => write!(csv, ",note {row} of {n}"),
                _ => write!(csv, ",{}.50%", row % 100),
            };
        }
    }
    csv
}

#[tokio::test]
#[ignore = "takes its time; for figures"]
async fn a_large_file() {
    let t = TestDb::new().await;
    let csv = large(50_000);
    let other = csv.replace("note ", "remark ");
    eprintln!("{} MB", csv.len() / 1_000_000);
    for (round, csv) in [("first", &csv), ("again", &csv), ("changed", &other)] {
        let at = Instant::now();
        let import = upload(&t, csv.as_bytes()).await;
        eprintln!("{round}: upload {:?}", at.elapsed());
        let at = Instant::now();
        let report = import::dry_run(&t.db, &import.id).await.unwrap();
        eprintln!("{round}: dry run {:?}: {}", at.elapsed(), report.summary());
        let at = Instant::now();
        start(&t, &import.id).await;
        drain(&t).await;
        let done = load(&t, &import.id).await;
        eprintln!(
            "{round}: apply {:?} {:?} {:?}",
            at.elapsed(),
            done.state,
            done.error
        );
    }
}
