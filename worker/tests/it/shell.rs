use super::*;

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn the_shell_enqueues_waits_and_tells_the_story() {
    let t = TestDb::on_system_clock().await;
    let done = run(
        &t,
        &[
            "enqueue",
            "probe",
            "--json",
            r#"{"mark":"shell"}"#,
            "--wait",
        ],
    );
    assert!(done.status.success(), "{}", text(&done));
    assert!(text(&done).contains("no worker lives: running it here"));
    let story = run(&t, &["job", "1"]);
    let story: serde_json::Value = serde_json::from_slice(&story.stdout).unwrap();
    assert_eq!(story["job"]["state"], "done");
    assert_eq!(story["job"]["created_by"], "shell");
    assert_eq!(marks(&t).await, [("shell".to_owned(), 1)]);
}

#[tokio::test]
async fn bad_commands_fail_with_a_sentence() {
    let t = TestDb::on_system_clock().await;
    for (arguments, sentence) in [
        (vec!["enqueue", "nonsense"], "known kinds: "),
        (
            vec!["enqueue", "probe", "--json", r#"{"work_ms":"x"}"#],
            "does not fit probe",
        ),
        (vec!["job", "7"], "no job 7"),
        (vec!["retry", "7"], "no job 7"),
        (vec!["cancel", "7"], "no job 7"),
        (vec!["verify"], "no backup yet"),
        (vec!["healthcheck"], "no worker has a fresh heartbeat"),
    ] {
        let output = run(&t, &arguments);
        assert!(!output.status.success());
        assert!(
            text(&output).contains(sentence),
            "{arguments:?}: {}",
            text(&output)
        );
    }
}

#[tokio::test]
async fn backup_and_verify_work_with_everything_else_down() {
    let t = TestDb::on_system_clock().await;
    let taken = run(&t, &["backup"]);
    assert!(taken.status.success(), "{}", text(&taken));
    assert!(run(&t, &["verify"]).status.success());
    let file = std::fs::read_dir(t.db.dir().backups())
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|x| x == "zst"))
        .unwrap();
    let path = file.display().to_string();
    assert!(text(&run(&t, &["verify", &path])).contains("read back well"));
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let damaged = run(&t, &["verify", &path]);
    assert!(!damaged.status.success() && text(&damaged).contains("is damaged"));
    assert!(!run(&t, &["verify"]).status.success());
}

#[tokio::test]
async fn a_worker_refuses_a_newer_schema() {
    let t = TestDb::on_system_clock().await;
    let mut tx = t.db.write().await.unwrap();
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', 1, x'00', 0)",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let refused = run(&t, &["run"]);
    assert!(!refused.status.success());
    assert!(
        text(&refused).contains("install the newer release"),
        "{}",
        text(&refused)
    );
    // Around an upgrade one must be able to ask whether a worker still runs.
    let health = text(&run(&t, &["healthcheck"]));
    assert!(
        health.contains("no worker has a fresh heartbeat"),
        "{health}"
    );
}

#[tokio::test]
async fn schedules_are_installed_and_listed() {
    let t = TestDb::on_system_clock().await;
    let _worker = Worker::start(&t);
    let id = put(&t, &Probe::default()).await;
    until(&t, id, "done").await;
    let listed = text(&run(&t, &["schedules"]));
    assert!(
        listed.contains("nightly-backup") && listed.contains("30 2 * * *"),
        "{listed}"
    );
    assert!(run(&t, &["healthcheck"]).status.success());
    assert!(text(&run(&t, &["status"])).contains("tables equal a rebuild"));
}
