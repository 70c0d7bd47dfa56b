//! Wishes: votes, answers, and what is refused.

use crm_jobs::{
    accounts::{
        Role,
        users::{self, NewUser},
    },
    audit::Actor,
    feature_requests::{self as requests, FeatureRequest},
    grid::GridError,
    testing::TestDb,
};

async fn user(t: &TestDb, name: &str) -> String {
    let mut tx = t.db.write().await.unwrap();
    let new = NewUser {
        email: format!("{name}@example.org"),
        name: name.to_owned(),
        role: Role::Member,
        password_hash: None,
    };
    let user = users::create(&mut tx, new, &Actor::System, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    user.id
}

async fn list(t: &TestDb, status: Option<&str>, user: &str) -> Vec<FeatureRequest> {
    let mut conn = t.db.read().acquire().await.unwrap();
    requests::list(&mut conn, status, user, 50, 0)
        .await
        .unwrap()
}

fn titles(found: &[FeatureRequest]) -> Vec<&str> {
    found.iter().map(|r| r.title.as_str()).collect()
}

#[tokio::test]
async fn the_most_wished_for_stands_first_and_a_vote_counts_once() {
    let t = TestDb::new().await;
    let (ana, ben) = (user(&t, "ana").await, user(&t, "ben").await);
    let mut tx = t.db.write().await.unwrap();
    let first = requests::add(&mut tx, " Dark sidebar ", "Please.\r\nThanks.", &ana)
        .await
        .unwrap();
    t.advance(1);
    requests::add(&mut tx, "Bigger buttons", "", &ana)
        .await
        .unwrap();
    for _ in 0..2 {
        requests::vote(&mut tx, &first, &ben).await.unwrap();
    }
    tx.commit().await.unwrap();
    let found = list(&t, None, &ben).await;
    assert_eq!(titles(&found), ["Dark sidebar", "Bigger buttons"]);
    assert_eq!(found[0].body, "Please.\nThanks.");
    assert_eq!((found[0].votes, found[0].is_voted), (2, true));
    assert_eq!((found[1].votes, found[1].is_voted), (1, false));

    let mut tx = t.db.write().await.unwrap();
    requests::unvote(&mut tx, &first, &ben).await.unwrap();
    requests::unvote(&mut tx, &first, &ana).await.unwrap();
    requests::answer(&mut tx, &first, "planned", "next month", &ben)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        titles(&list(&t, None, &ana).await),
        ["Bigger buttons", "Dark sidebar"]
    );
    let planned = list(&t, Some("planned"), &ana).await;
    assert_eq!(
        (planned[0].answer.as_str(), planned[0].votes),
        ("next month", 0)
    );
    assert!(list(&t, Some("done"), &ana).await.is_empty());
}

#[tokio::test]
async fn bad_requests_are_refused_with_the_field_and_change_nothing() {
    let t = TestDb::new().await;
    let ana = user(&t, "ana").await;
    let mut tx = t.db.write().await.unwrap();
    for (title, body, field) in [
        ("  ", "", "title"),
        ("two\nlines", "", "title"),
        (&*"x".repeat(121), "", "title"),
        ("fine", &*"x".repeat(4_001), "body"),
        ("fine", "\u{7}", "body"),
    ] {
        match requests::add(&mut tx, title, body, &ana).await {
            Err(GridError::Invalid { field: found, .. }) => assert_eq!(found, field, "{title:?}"),
            other => panic!("{title:?}: {other:?}"),
        }
    }
    let id = requests::add(&mut tx, "Fine", "", &ana).await.unwrap();
    assert!(
        requests::answer(&mut tx, &id, "someday", "", &ana)
            .await
            .is_err()
    );
    assert!(
        requests::answer(&mut tx, &id, "done", &"x".repeat(301), &ana)
            .await
            .is_err()
    );
    assert!(
        requests::reword(&mut tx, &id, Some(" "), None)
            .await
            .is_err()
    );
    requests::reword(&mut tx, &id, None, Some("More."))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let found = list(&t, None, &ana).await;
    assert_eq!(
        (
            found.len(),
            found[0].title.as_str(),
            found[0].body.as_str(),
            found[0].status.as_str()
        ),
        (1, "Fine", "More.", "open")
    );
}

#[tokio::test]
async fn a_deleted_request_is_gone_until_its_author_brings_it_back() {
    let t = TestDb::new().await;
    let (ana, ben) = (user(&t, "ana").await, user(&t, "ben").await);
    let mut tx = t.db.write().await.unwrap();
    let id = requests::add(&mut tx, "Fine", "", &ana).await.unwrap();
    requests::remove(&mut tx, &id).await.unwrap();
    for refused in [
        requests::remove(&mut tx, &id).await,
        requests::vote(&mut tx, &id, &ben).await,
        requests::answer(&mut tx, &id, "done", "", &ben).await,
        requests::restore(&mut tx, &id, &ben).await,
        requests::reword(&mut tx, "nothing", None, None).await,
    ] {
        assert!(
            matches!(refused, Err(GridError::Missing { .. })),
            "{refused:?}"
        );
    }
    assert!(requests::find(&mut tx, &id, &ana).await.unwrap().is_none());
    requests::restore(&mut tx, &id, &ana).await.unwrap();
    assert_eq!(
        requests::find(&mut tx, &id, &ana)
            .await
            .unwrap()
            .unwrap()
            .votes,
        1
    );
    tx.commit().await.unwrap();
    assert_eq!(list(&t, None, &ben).await.len(), 1);
}
