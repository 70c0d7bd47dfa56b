use totp_rs::{Builder, Secret, Totp};

use super::*;
use crate::{
    accounts::{
        Origin, Role, SignIn, User, change_password, half, links, sessions, sign_in,
        tests::{Fixture, PASSWORD, fixture},
        tokens::{self, Scope},
    },
    audit::{self, Actor},
    clock::{HOUR, MINUTE, SECOND},
    outside::Outside,
};

const JO: &str = "jo@example.org";

fn origin() -> Origin {
    Origin {
        ip: "192.0.2.7".to_owned(),
        user_agent: "test".to_owned(),
    }
}

/// What an authenticator app does with a secret typed by hand.
fn app(enrolment: &Enrolment) -> Totp {
    let secret = Secret::try_from_base32(&enrolment.secret).unwrap();
    Builder::new().with_secret(secret).build().unwrap()
}

fn code(app: &Totp, f: &Fixture) -> String {
    app.generate(seconds(f.clock.now())).to_string()
}

/// Somebody who has it, their app, and their recovery codes. The code that
/// switched it on is used up, so the clock stands in the next step.
async fn enrolled(f: &Fixture) -> (User, Totp, Vec<String>) {
    let jo = f.user(JO, Role::Admin).await;
    let enrolment = begin(&f.db, &jo, PASSWORD, &origin()).await.unwrap();
    let app = app(&enrolment);
    let codes = confirm(&f.db, &jo, &code(&app, f), None, &origin())
        .await
        .unwrap();
    f.clock.advance(30 * SECOND);
    (jo, app, codes)
}

async fn half_in(f: &Fixture) -> String {
    match sign_in(&f.db, JO, PASSWORD, &origin()).await.unwrap() {
        SignIn::CodeWanted(secret) => secret,
        SignIn::Done(..) => panic!("in without a code"),
    }
}

async fn actions(f: &Fixture) -> Vec<String> {
    let log = audit::list(&f.db, &audit::Filter::default()).await.unwrap();
    log.into_iter().map(|entry| entry.action).collect()
}

#[tokio::test]
async fn a_secret_asks_for_nothing_until_its_first_code() {
    let f = fixture().await;
    let jo = f.user(JO, Role::Member).await;
    let wrong = begin(&f.db, &jo, "four loud herons", &origin()).await;
    assert!(matches!(
        wrong,
        Err(AccountError::Field {
            field: "password",
            ..
        })
    ));
    let enrolment = begin(&f.db, &jo, PASSWORD, &origin()).await.unwrap();
    assert!(
        enrolment
            .url
            .starts_with("otpauth://totp/Venture%20CRM:jo%40example.org?secret=")
    );
    assert_eq!(state(&f.db, &jo.id).await.unwrap(), State::Off);
    f.sign_in(JO, PASSWORD).await.unwrap();

    let wrong = confirm(&f.db, &jo, "000000", None, &origin()).await;
    assert!(matches!(wrong, Err(AccountError::WrongCode)));
    assert_eq!(
        pending(&f.db, &jo).await.unwrap().unwrap().secret,
        enrolment.secret
    );
    f.clock.advance(15 * MINUTE);
    let late = confirm(&f.db, &jo, &code(&app(&enrolment), &f), None, &origin()).await;
    assert!(matches!(late, Err(AccountError::EnrolmentOver)));
    assert!(pending(&f.db, &jo).await.unwrap().is_none());
}

#[tokio::test]
async fn switching_it_on_ends_the_other_sessions() {
    let f = fixture().await;
    let jo = f.user(JO, Role::Member).await;
    let (here, there) = (
        f.sign_in(JO, PASSWORD).await.unwrap(),
        f.sign_in(JO, PASSWORD).await.unwrap(),
    );
    let (session, _) = sessions::find(&f.db, &here).await.unwrap().unwrap();
    let enrolment = begin(&f.db, &jo, PASSWORD, &origin()).await.unwrap();
    let code = code(&app(&enrolment), &f);
    confirm(&f.db, &jo, &code, Some(&session.id()), &origin())
        .await
        .unwrap();
    assert!(sessions::find(&f.db, &here).await.unwrap().is_some());
    assert!(sessions::find(&f.db, &there).await.unwrap().is_none());
    let again = begin(&f.db, &jo, PASSWORD, &origin()).await;
    assert!(again.is_err(), "a factor in use is not replaced");
}

#[tokio::test]
async fn a_code_lets_in_once_and_clocks_may_differ_by_a_step() {
    let f = fixture().await;
    let (_, app, _) = enrolled(&f).await;
    let half = half_in(&f).await;
    assert!(
        sessions::find(&f.db, &half).await.unwrap().is_none(),
        "no session"
    );
    let now = code(&app, &f);
    let (session, _) = half::finish(&f.db, &half, &now, &origin()).await.unwrap();
    assert!(sessions::find(&f.db, &session).await.unwrap().is_some());
    assert!(half::find(&f.db, &half).await.unwrap().is_none(), "used up");

    let again = half_in(&f).await;
    let error = half::finish(&f.db, &again, &now, &origin())
        .await
        .unwrap_err();
    assert!(matches!(error, AccountError::WrongCode), "{error}");

    // A clock that is ahead by a step, one that is behind, and one too far behind.
    let ahead = app.generate(seconds(f.clock.now()) + 30).to_string();
    half::finish(&f.db, &again, &ahead, &origin())
        .await
        .unwrap();
    f.clock.advance(90 * SECOND);
    for (behind, fits) in [(60, false), (30, true)] {
        let half = half_in(&f).await;
        let old = app.generate(seconds(f.clock.now()) - behind).to_string();
        let done = half::finish(&f.db, &half, &old, &origin()).await;
        assert_eq!(done.is_ok(), fits, "{behind} s");
    }
}

#[tokio::test]
async fn of_two_who_send_one_code_one_gets_in() {
    let f = fixture().await;
    let (_, app, codes) = enrolled(&f).await;
    for code in [code(&app, &f), codes[0].clone()] {
        let (a, b) = (half_in(&f).await, half_in(&f).await);
        let o = origin();
        let (a, b) = tokio::join!(
            half::finish(&f.db, &a, &code, &o),
            half::finish(&f.db, &b, &code, &o),
        );
        assert_eq!(i32::from(a.is_ok()) + i32::from(b.is_ok()), 1, "{code}");
    }
}

#[tokio::test]
async fn a_recovery_code_works_once_however_it_is_typed() {
    let f = fixture().await;
    let (jo, app, codes) = enrolled(&f).await;
    assert_eq!(codes.len(), 10);
    let typed = codes[3].to_uppercase().replace('-', " ");
    let half = half_in(&f).await;
    half::finish(&f.db, &half, &typed, &origin()).await.unwrap();
    let half = half_in(&f).await;
    assert!(
        half::finish(&f.db, &half, &codes[3], &origin())
            .await
            .is_err()
    );
    let State::On {
        codes_left, opens, ..
    } = state(&f.db, &jo.id).await.unwrap()
    else {
        panic!("it is on");
    };
    assert!(codes_left == 9 && opens);
    let new = remake_codes(&f.db, &jo, PASSWORD, &code(&app, &f), &origin())
        .await
        .unwrap();
    let half = half_in(&f).await;
    assert!(
        half::finish(&f.db, &half, &codes[4], &origin())
            .await
            .is_err()
    );
    half::finish(&f.db, &half, &new[4], &origin())
        .await
        .unwrap();
    let log = actions(&f).await;
    for action in [
        "second_factor.recovery_code_used",
        "second_factor.codes_made",
    ] {
        assert!(log.contains(&action.to_owned()), "{action} in {log:?}");
    }
    let stored: Vec<String> = sqlx::query_scalar("select code_hash from recovery_codes")
        .fetch_all(f.db.read())
        .await
        .unwrap();
    assert!(
        stored
            .iter()
            .all(|hash| hash.len() == 64 && !new.contains(hash))
    );
}

#[tokio::test]
async fn guessing_codes_slows_down_costs_audit_lines_and_the_right_password_is_no_help() {
    let f = fixture().await;
    let (_, app, _) = enrolled(&f).await;
    for _ in 0..5 {
        let half = half_in(&f).await;
        let error = half::finish(&f.db, &half, "000000", &origin())
            .await
            .unwrap_err();
        assert!(matches!(error, AccountError::WrongCode), "{error}");
    }
    let refused = actions(&f).await;
    let refused = refused.iter().filter(|it| *it == "second_factor.refused");
    assert_eq!(refused.count(), 5);
    // The password is right each time and gives the guesser nothing back.
    let half = half_in(&f).await;
    let error = half::finish(&f.db, &half, &code(&app, &f), &origin())
        .await
        .unwrap_err();
    assert!(
        matches!(error, AccountError::TooManyAttempts { retry_after_s: 1 }),
        "{error}"
    );
    // Failures of hours ago still count.
    f.clock.advance(12 * HOUR);
    let half = half_in(&f).await;
    half::finish(&f.db, &half, "000000", &origin())
        .await
        .unwrap_err();
    let error = half::finish(&f.db, &half, "000000", &origin())
        .await
        .unwrap_err();
    assert!(
        matches!(error, AccountError::TooManyAttempts { retry_after_s: 2 }),
        "{error}"
    );
    f.clock.advance(30 * SECOND);
    let half = half_in(&f).await;
    half::finish(&f.db, &half, &code(&app, &f), &origin())
        .await
        .unwrap();
}

#[tokio::test]
async fn between_password_and_code_there_are_minutes_and_no_changes() {
    let f = fixture().await;
    let (jo, app, _) = enrolled(&f).await;
    let half = half_in(&f).await;
    f.clock.advance(half::LIFETIME_MS);
    let late = half::finish(&f.db, &half, &code(&app, &f), &origin()).await;
    assert!(matches!(late, Err(AccountError::HalfOver)));

    let half = half_in(&f).await;
    let new = "nine patient otters";
    change_password(&f.db, &jo, PASSWORD, new, None, &origin())
        .await
        .unwrap();
    let stale = half::finish(&f.db, &half, &code(&app, &f), &origin()).await;
    assert!(matches!(stale, Err(AccountError::HalfOver)));
}

#[tokio::test]
async fn a_new_password_is_no_way_around_it_and_tokens_go_on() {
    let f = fixture().await;
    let (jo, app, _) = enrolled(&f).await;
    let mut tx = f.db.write().await.unwrap();
    let by = Actor::Shell;
    let (_, token) = tokens::create(&mut tx, &jo.id, "t", Scope::Read, None, &by, "")
        .await
        .unwrap();
    let reset = links::reset(&mut tx, &jo.id, &by, "").await.unwrap();
    tx.commit().await.unwrap();
    let form = links::Accept {
        password: "nine patient otters".to_owned(),
        ..links::Accept::default()
    };
    let signed_in = links::accept(&f.db, &reset.secret, &form, &origin())
        .await
        .unwrap();
    let SignIn::CodeWanted(half) = signed_in else {
        panic!("in without a code");
    };
    half::finish(&f.db, &half, &code(&app, &f), &origin())
        .await
        .unwrap();
    assert!(tokens::find(&f.db, &token).await.unwrap().is_some());
}

#[tokio::test]
async fn off_takes_password_and_code_and_an_admin_takes_neither() {
    let f = fixture().await;
    let (jo, app, codes) = enrolled(&f).await;
    let now = code(&app, &f);
    assert!(
        switch_off(&f.db, &jo, "four loud herons", &now, &origin())
            .await
            .is_err()
    );
    assert!(
        switch_off(&f.db, &jo, PASSWORD, "000000", &origin())
            .await
            .is_err()
    );
    assert_ne!(state(&f.db, &jo.id).await.unwrap(), State::Off);
    switch_off(&f.db, &jo, PASSWORD, &codes[0], &origin())
        .await
        .unwrap();
    f.sign_in(JO, PASSWORD).await.unwrap();

    let enrolment = begin(&f.db, &jo, PASSWORD, &origin()).await.unwrap();
    confirm(
        &f.db,
        &jo,
        &code(&super::tests::app(&enrolment), &f),
        None,
        &origin(),
    )
    .await
    .unwrap();
    let half = half_in(&f).await;
    let mut tx = f.db.write().await.unwrap();
    assert!(remove(&mut tx, &jo.id, &Actor::Shell, "").await.unwrap());
    assert!(!remove(&mut tx, &jo.id, &Actor::Shell, "").await.unwrap());
    tx.commit().await.unwrap();
    assert!(half::find(&f.db, &half).await.unwrap().is_none());
    f.sign_in(JO, PASSWORD).await.unwrap();
    let log = actions(&f).await;
    for action in ["second_factor.disabled", "second_factor.removed"] {
        assert!(log.contains(&action.to_owned()), "{action} in {log:?}");
    }
}

#[tokio::test]
async fn with_another_key_codes_say_so_and_recovery_codes_work() {
    let f = fixture().await;
    let (jo, app, codes) = enrolled(&f).await;
    let key = |name: &str| {
        (name == "CRM_SECRET_KEY").then(|| "0123456789abcdef0123456789abcdef".to_owned())
    };
    let elsewhere = f.db.clone().reaching(Outside::from_lookup(key).unwrap());
    assert!(matches!(
        state(&elsewhere, &jo.id).await.unwrap(),
        State::On { opens: false, .. }
    ));
    let half = half_in(&f).await;
    let error = half::finish(&elsewhere, &half, &code(&app, &f), &origin())
        .await
        .unwrap_err();
    assert!(matches!(error, AccountError::SecondFactorLost), "{error}");
    assert!(
        error
            .to_string()
            .contains("crm-api admin remove-second-factor")
    );
    half::finish(&elsewhere, &half, &codes[0], &origin())
        .await
        .unwrap();
}
