use crm_jobs::{
    clock::MINUTE,
    queue::{OrFail, Step},
    testing::TestDb,
};

use super::*;

/// Three steps, of which the second fails the first time it is reached.
#[derive(Serialize, Deserialize)]
struct Stepwise {
    name: String,
}

impl Payload for Stepwise {
    const KIND: &'static str = "stepwise";
}

impl Job for Stepwise {
    async fn run(&self, cx: &Context) -> Result<(), JobError> {
        let a: i64 = cx
            .step("a", async { Ok(count(&format!("{} a", self.name))) })
            .await?;
        match cx.begin_step::<i64>("b").await? {
            Step::Done(_) => {}
            Step::Open(mut step) => {
                sqlx::query("insert into settings (key, value, updated_at, updated_by) values (?1, '1', 0, 'test')")
                    .bind(&self.name)
                    .execute(&mut **step)
                    .await
                    .or_retry()?;
                if count(&format!("{} b", self.name)) == 1 {
                    return Err(JobError::retry("crash between the effect and its record"));
                }
                step.finish(&a).await?;
            }
        }
        cx.sleep("nap", Duration::from_mins(1)).await?;
        let child = cx
            .spawn_child("child", &Act::named(&format!("{} child", self.name)))
            .await?;
        cx.output(&serde_json::json!({"a": a, "child": child}));
        let tx = cx.write().await?;
        cx.complete_tx(tx).await
    }
}

#[tokio::test]
async fn a_rerun_resumes_at_the_step_that_failed() {
    let t = TestDb::new().await;
    let registry = registry().with::<Stepwise>();
    let id = put(
        &t,
        &Stepwise {
            name: "resume".into(),
        },
    )
    .await
    .id;
    crm_jobs::queue::drain(&t.db, &registry).await.unwrap();
    let effects: i64 = sqlx::query_scalar("select count(*) from settings")
        .fetch_one(t.db.read())
        .await
        .unwrap();
    assert_eq!(effects, 0, "the effect without its record is undone");
    t.advance(MINUTE);
    crm_jobs::queue::drain(&t.db, &registry).await.unwrap();
    assert_eq!(state(&t, id).await, "scheduled", "it sleeps durably");
    t.advance(MINUTE);
    crm_jobs::queue::drain(&t.db, &registry).await.unwrap();

    let story = story(&t, id).await;
    assert_eq!(story.job.state, "done");
    assert_eq!(
        (runs("resume a"), runs("resume b"), runs("resume child")),
        (1, 2, 1)
    );
    let names: Vec<&str> = story.steps.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names.len(), 4);
    assert!(["a", "b", "nap", "child"].iter().all(|n| names.contains(n)));
    assert_eq!(story.children.len(), 1);
    assert_eq!(story.output.unwrap()["a"], 1);
    assert_eq!(story.job.attempt, 2, "the nap cost no attempt");
}
