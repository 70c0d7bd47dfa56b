use super::{
    links::{Accept, Purpose},
    tokens::Scope,
    users::NewUser,
    *,
};
use crate::{
    audit::{self, Actor},
    clock::{Clock, DAY, HOUR, MINUTE, SECOND},
    db::Db,
};

pub(super) const PASSWORD: &str = "four quiet herons";

pub(super) struct Fixture {
    _dir: tempfile::TempDir,
    pub db: Db,
    pub clock: Clock,
}

pub(super) async fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::test(1_700_000_000_000);
    let db = Db::open(dir.path(), clock.clone()).await.unwrap();
    crate::db::migrate(&db).await.unwrap();
    Fixture {
        _dir: dir,
        db,
        clock,
    }
}

impl Fixture {
    pub async fn user(&self, email: &str, role: Role) -> User {
        let hash = passwords::hash(PASSWORD).await.unwrap();
        let mut tx = self.db.write().await.unwrap();
        let new = NewUser {
            email: email.to_owned(),
            name: "Jo Testcase".to_owned(),
            role,
            password_hash: Some(hash),
        };
        let user = users::create(&mut tx, new, &Actor::System, "")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        user
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Result<String, AccountError> {
        self.sign_in_from(email, password, "192.0.2.7").await
    }

    async fn sign_in_from(
        &self,
        email: &str,
        password: &str,
        ip: &str,
    ) -> Result<String, AccountError> {
        let origin = Origin {
            ip: ip.to_owned(),
            user_agent: "test".to_owned(),
        };
        let signed_in = sign_in(&self.db, email, password, &origin).await?;
        Ok(is_in(signed_in).0)
    }
}

/// Who is in; fails if a code is still asked for.
pub(super) fn is_in(signed_in: SignIn) -> (String, User) {
    match signed_in {
        SignIn::Done(secret, user) => (secret, user),
        SignIn::CodeWanted(_) => panic!("a code is asked for"),
    }
}

#[tokio::test]
async fn a_session_opens_and_ends_idle_and_absolutely() {
    let f = fixture().await;
    f.user("jo@example.org", Role::Member).await;
    let secret = f.sign_in(" Jo@Example.org ", PASSWORD).await.unwrap();
    for _ in 0..24 {
        f.clock.advance(7 * HOUR);
        if f.clock.now() < 1_700_000_000_000 + 7 * DAY {
            assert!(sessions::find(&f.db, &secret).await.unwrap().is_some());
        }
    }
    assert!(
        sessions::find(&f.db, &secret).await.unwrap().is_none(),
        "absolute"
    );
    let secret = f.sign_in("jo@example.org", PASSWORD).await.unwrap();
    f.clock.advance(8 * HOUR);
    assert!(
        sessions::find(&f.db, &secret).await.unwrap().is_none(),
        "idle"
    );
}

#[tokio::test]
async fn unknown_and_wrong_answer_the_same() {
    let f = fixture().await;
    f.user("jo@example.org", Role::Member).await;
    let wrong = f
        .sign_in("jo@example.org", "four loud herons")
        .await
        .unwrap_err();
    let unknown = f.sign_in("no@example.org", PASSWORD).await.unwrap_err();
    assert_eq!(wrong.to_string(), unknown.to_string());
}

#[tokio::test]
async fn guessing_slows_down_and_a_wait_lets_the_owner_in() {
    let f = fixture().await;
    f.user("jo@example.org", Role::Member).await;
    for _ in 0..5 {
        let error = f
            .sign_in("jo@example.org", "guess guess")
            .await
            .unwrap_err();
        assert!(matches!(error, AccountError::WrongCredentials), "{error}");
    }
    let error = f.sign_in("jo@example.org", PASSWORD).await.unwrap_err();
    assert!(
        matches!(error, AccountError::TooManyAttempts { retry_after_s: 1 }),
        "{error}"
    );
    f.clock.advance(SECOND);
    f.sign_in("jo@example.org", "guess guess")
        .await
        .unwrap_err();
    let error = f.sign_in("jo@example.org", PASSWORD).await.unwrap_err();
    assert!(
        matches!(error, AccountError::TooManyAttempts { retry_after_s: 2 }),
        "{error}"
    );
    f.clock.advance(5 * MINUTE);
    f.sign_in("jo@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn somebody_elses_guesses_do_not_keep_the_owner_out_of_a_known_place() {
    let f = fixture().await;
    f.user("jo@example.org", Role::Member).await;
    f.sign_in("jo@example.org", PASSWORD).await.unwrap();
    for _ in 0..6 {
        let _ = f
            .sign_in_from("jo@example.org", "guess guess", "198.51.100.9")
            .await;
    }
    f.sign_in("jo@example.org", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn one_address_that_tries_many_accounts_slows_down() {
    let f = fixture().await;
    for n in 0..20 {
        f.sign_in(&format!("a{n}@example.org"), "guess guess")
            .await
            .unwrap_err();
    }
    let error = f.sign_in("other@example.org", "x").await.unwrap_err();
    assert!(
        matches!(error, AccountError::TooManyAttempts { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn disabling_ends_sessions_and_tokens() {
    let f = fixture().await;
    f.user("admin@example.org", Role::Admin).await;
    let jo = f.user("jo@example.org", Role::Member).await;
    let session = f.sign_in("jo@example.org", PASSWORD).await.unwrap();
    let mut tx = f.db.write().await.unwrap();
    let (_, token) = tokens::create(&mut tx, &jo.id, "t", Scope::All, None, &Actor::Shell, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(tokens::find(&f.db, &token).await.unwrap().is_some());
    let mut tx = f.db.write().await.unwrap();
    users::set_disabled(&mut tx, &jo.id, true, &Actor::Shell, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(sessions::find(&f.db, &session).await.unwrap().is_none());
    assert!(tokens::find(&f.db, &token).await.unwrap().is_none());
    assert!(f.sign_in("jo@example.org", PASSWORD).await.is_err());
}

#[tokio::test]
async fn the_last_admin_stays() {
    let f = fixture().await;
    let admin = f.user("admin@example.org", Role::Admin).await;
    let mut tx = f.db.write().await.unwrap();
    let error = users::set_role(&mut tx, &admin.id, Role::Member, &Actor::Shell, "").await;
    assert!(matches!(error, Err(AccountError::LastAdmin)));
    let error = users::set_disabled(&mut tx, &admin.id, true, &Actor::Shell, "").await;
    assert!(matches!(error, Err(AccountError::LastAdmin)));
}

#[tokio::test]
async fn a_setup_link_makes_the_first_admin_once() {
    let f = fixture().await;
    let mut tx = f.db.write().await.unwrap();
    let first = links::set_up(&mut tx, &Actor::Shell)
        .await
        .unwrap()
        .unwrap();
    let second = links::set_up(&mut tx, &Actor::Shell)
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    assert!(
        links::find(&f.db, &first.secret).await.unwrap().is_none(),
        "replaced"
    );
    let form = Accept {
        name: "Robin".to_owned(),
        email: "robin@example.org".to_owned(),
        password: PASSWORD.to_owned(),
    };
    let origin = Origin::default();
    let (_, user) = is_in(
        links::accept(&f.db, &second.secret, &form, &origin)
            .await
            .unwrap(),
    );
    assert!(user.is_admin());
    let again = links::accept(&f.db, &second.secret, &form, &origin).await;
    assert!(matches!(again, Err(AccountError::LinkInvalid)));
    let mut tx = f.db.write().await.unwrap();
    assert!(
        links::set_up(&mut tx, &Actor::Shell)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_refused_form_does_not_use_up_the_link_and_time_does() {
    let f = fixture().await;
    let mut tx = f.db.write().await.unwrap();
    let made = links::invite(&mut tx, "jo@example.org", Role::Member, &Actor::Shell, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut form = Accept {
        name: String::new(),
        email: "ignored@example.org".to_owned(),
        password: PASSWORD.to_owned(),
    };
    let origin = Origin::default();
    let error = links::accept(&f.db, &made.secret, &form, &origin)
        .await
        .unwrap_err();
    assert!(
        matches!(error, AccountError::Field { field: "name", .. }),
        "{error}"
    );
    form.name = "Jo".to_owned();
    f.clock.advance(Purpose::Invite.lifetime_ms() - 1);
    let (_, user) = is_in(
        links::accept(&f.db, &made.secret, &form, &origin)
            .await
            .unwrap(),
    );
    assert_eq!(user.email, "jo@example.org");

    let mut tx = f.db.write().await.unwrap();
    let reset = links::reset(&mut tx, &user.id, &Actor::Shell, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    f.clock.advance(HOUR);
    let error = links::accept(&f.db, &reset.secret, &form, &origin).await;
    assert!(matches!(error, Err(AccountError::LinkInvalid)));
}

#[tokio::test]
async fn a_reset_ends_all_sessions_and_changes_the_password() {
    let f = fixture().await;
    let jo = f.user("jo@example.org", Role::Member).await;
    let session = f.sign_in("jo@example.org", PASSWORD).await.unwrap();
    let mut tx = f.db.write().await.unwrap();
    let reset = links::reset(&mut tx, &jo.id, &Actor::Shell, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let form = Accept {
        password: "nine patient otters".to_owned(),
        ..Accept::default()
    };
    links::accept(&f.db, &reset.secret, &form, &Origin::default())
        .await
        .unwrap();
    assert!(sessions::find(&f.db, &session).await.unwrap().is_none());
    assert!(f.sign_in("jo@example.org", PASSWORD).await.is_err());
    f.sign_in("jo@example.org", "nine patient otters")
        .await
        .unwrap();
}

#[tokio::test]
async fn tokens_expire_and_are_revoked() {
    let f = fixture().await;
    let jo = f.user("jo@example.org", Role::Member).await;
    let actor = Actor::User(jo.id.clone());
    let mut tx = f.db.write().await.unwrap();
    let soon = Some(tx.now() + HOUR);
    let (_, short) = tokens::create(&mut tx, &jo.id, "short", Scope::Read, soon, &actor, "")
        .await
        .unwrap();
    let (long, kept) = tokens::create(&mut tx, &jo.id, "long", Scope::All, None, &actor, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(kept.starts_with("crm_") && kept.starts_with(&long.prefix));
    f.clock.advance(HOUR);
    assert!(tokens::find(&f.db, &short).await.unwrap().is_none());
    assert!(tokens::find(&f.db, &kept).await.unwrap().is_some());
    let mut tx = f.db.write().await.unwrap();
    assert!(
        !tokens::revoke(&mut tx, "someone-else", &long.id, &actor, "")
            .await
            .unwrap()
    );
    assert!(
        tokens::revoke(&mut tx, &jo.id, &long.id, &actor, "")
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert!(tokens::find(&f.db, &kept).await.unwrap().is_none());
}

#[tokio::test]
async fn an_outdated_hash_is_renewed_at_sign_in() {
    use argon2::password_hash::{PasswordHasher, phc::PasswordHash};
    let f = fixture().await;
    let jo = f.user("jo@example.org", Role::Member).await;
    let weak = argon2::Argon2::from(argon2::Params::new(8, 1, 1, None).unwrap());
    let weak: PasswordHash = weak
        .hash_password_with_salt(PASSWORD.as_bytes(), b"0123456789abcdef")
        .unwrap();
    let mut tx = f.db.write().await.unwrap();
    users::set_password_hash(&mut tx, &jo.id, &weak.to_string())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    f.sign_in("jo@example.org", PASSWORD).await.unwrap();
    let mut tx = f.db.write().await.unwrap();
    let stored = users::password_hash(&mut tx, &jo.id)
        .await
        .unwrap()
        .unwrap();
    assert!(!passwords::is_outdated(&stored));
}

#[tokio::test]
async fn the_log_holds_no_secret_and_its_chain_is_unbroken() {
    let f = fixture().await;
    f.user("jo@example.org", Role::Member).await;
    let secret = f.sign_in("jo@example.org", PASSWORD).await.unwrap();
    let _ = f.sign_in("jo@example.org", "wrong wrong").await;
    let log = audit::list(&f.db, &audit::Filter::default()).await.unwrap();
    assert_eq!(log[0].action, "session.refused");
    let text = format!("{log:?}");
    assert!(!text.contains(&secret) && !text.contains("wrong wrong") && !text.contains("argon2"));
    assert!(matches!(
        audit::verify(&f.db).await.unwrap(),
        audit::Chain::Unbroken { rows: 3, .. }
    ));
}
