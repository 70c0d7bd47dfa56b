//! A fresh program per test, and people to use it.

use std::sync::{Arc, atomic::AtomicU64};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use crm_api::{App, config::Config};
use crm_jobs::{
    accounts::{
        Role, User, passwords,
        tokens::{self, Scope},
        users::{self, NewUser},
    },
    audit::Actor,
    clock::Clock,
    db::{self, Db, Gauge},
    queue::Registry,
};
use serde_json::Value;
use tower::ServiceExt;

pub const PASSWORD: &str = "four quiet herons";
pub const ADMIN: &str = "admin@example.org";
pub const MEMBER: &str = "member@example.org";

pub struct TestApp {
    _dir: tempfile::TempDir,
    pub db: Db,
    pub clock: Clock,
    /// Bytes free on the disk.
    pub free: Arc<AtomicU64>,
    router: Router,
}

/// Who sends a request.
#[derive(Clone, Default)]
pub struct Caller {
    headers: Vec<(String, String)>,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With settings other than the defaults.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::test(1_700_000_000_000);
        let db = Db::open(dir.path(), clock.clone()).await.unwrap();
        db::migrate(&db).await.unwrap();
        let lookup = |name: &str| {
            let found = settings.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let config = Config::from_lookup(lookup)
            .map_err(|e| e.join("; "))
            .unwrap();
        let mut state = App::new(db.clone(), config, Registry::default())
            .await
            .unwrap();
        let free = Arc::new(AtomicU64::new(1 << 40));
        state.gauge = Gauge::Told(db.dir().clone(), free.clone());
        Self {
            free,
            _dir: dir,
            db,
            clock,
            router: crm_api::app(state),
        }
    }

    pub async fn user(&self, email: &str, role: Role) -> User {
        let hash = passwords::hash(PASSWORD).await.unwrap();
        let mut tx = self.db.write().await.unwrap();
        let new = NewUser {
            email: email.to_owned(),
            name: format!("Sample {}", role.as_str()),
            role,
            password_hash: Some(hash),
        };
        let user = users::create(&mut tx, new, &Actor::System, "")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        user
    }

    pub async fn admin(&self) -> Caller {
        self.user(ADMIN, Role::Admin).await;
        self.sign_in(ADMIN, PASSWORD).await
    }

    pub async fn member(&self) -> Caller {
        self.user(MEMBER, Role::Member).await;
        self.sign_in(MEMBER, PASSWORD).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Caller {
        let form = [("email", email), ("password", password)];
        let reply = Caller::default().post(self, "/login", &form).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text);
        Caller::with_cookie(&reply.cookie().expect("a session cookie"))
    }

    pub async fn token(&self, user: &User, scope: Scope) -> Caller {
        let mut tx = self.db.write().await.unwrap();
        let made = tokens::create(&mut tx, &user.id, "test", scope, None, &Actor::Shell, "");
        let (_, secret) = made.await.unwrap();
        tx.commit().await.unwrap();
        Caller::default().and("authorization", &format!("Bearer {secret}"))
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let is_stream = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/event-stream");
        let bytes = if is_stream {
            Vec::new()
        } else {
            to_bytes(body, usize::MAX).await.unwrap().to_vec()
        };
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// The router itself, for streams.
    pub fn router(&self) -> Router {
        self.router.clone()
    }
}

impl Caller {
    pub fn with_cookie(cookie: &str) -> Self {
        Self::default().and("cookie", cookie)
    }

    /// Sends a header more.
    pub fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A header it sends.
    pub fn value(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn request(
        &self,
        method: Method,
        path: &str,
        kind: Option<&str>,
        body: String,
    ) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:8080");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        // A browser on our own page, unless the test says otherwise.
        let says = |name: &str| self.headers.iter().any(|(known, _)| known == name);
        if !says("sec-fetch-site") && !says("origin") && !says("referer") && !says("no-browser") {
            request = request.header("sec-fetch-site", "same-origin");
        }
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        request.body(Body::from(body)).unwrap()
    }

    pub async fn get(&self, app: &TestApp, path: &str) -> Reply {
        app.send(self.request(Method::GET, path, None, String::new()))
            .await
    }

    pub async fn post(&self, app: &TestApp, path: &str, form: &[(&str, &str)]) -> Reply {
        let body: Vec<String> = form
            .iter()
            .map(|(k, v)| format!("{k}={}", encode(v)))
            .collect();
        let kind = Some("application/x-www-form-urlencoded");
        app.send(self.request(Method::POST, path, kind, body.join("&")))
            .await
    }

    pub async fn json(&self, app: &TestApp, method: Method, path: &str, body: &Value) -> Reply {
        let kind = Some("application/json");
        app.send(self.request(method, path, kind, body.to_string()))
            .await
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Name and value of the session cookie, as the browser sends it back.
    pub fn cookie(&self) -> Option<String> {
        self.headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(';').next())
            .find(|pair| pair.contains("crm_session=") && !pair.ends_with('='))
            .map(ToOwned::to_owned)
    }

    /// What stands between two marks.
    pub fn between(&self, from: &str, to: &str) -> String {
        let (_, rest) = self
            .text
            .split_once(from)
            .unwrap_or_else(|| panic!("no {from:?} in {}", self.text));
        rest.split(to).next().unwrap_or_default().to_owned()
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
