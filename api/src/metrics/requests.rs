//! Requests by route, counted as they pass.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::{Method, StatusCode};
use crm_jobs::measure::Histogram;

use super::text::{Kind, Page};

/// All requests so far. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Counted>);

#[derive(Debug, Default)]
struct Counted {
    // As many entries as the route table has: paths never go in.
    routes: Mutex<BTreeMap<(&'static str, String), Arc<Counts>>>,
    in_flight: AtomicI64,
}

#[derive(Debug, Default)]
struct Counts {
    /// By status class, from `1xx` to `5xx`.
    classes: [AtomicU64; 5],
    took: Histogram,
}

/// One request under way; also one that is dropped half-way ends.
#[derive(Debug)]
pub struct InFlight(Requests);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Requests {
    /// Counts a request as under way until the value is dropped.
    pub fn begin(&self) -> InFlight {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.clone())
    }

    /// Counts an answer to a route's pattern.
    pub fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let key = (name(method), route.to_owned());
        let counts = {
            let mut routes = self.0.routes.lock().unwrap_or_else(PoisonError::into_inner);
            routes.entry(key).or_default().clone()
        };
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        counts.classes[class].fetch_add(1, Ordering::Relaxed);
        counts.took.add(took);
    }

    /// Writes all of it down.
    pub fn write(&self, page: &mut Page) {
        let routes = self
            .0
            .routes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        page.family(
            "crm_http_requests_total",
            Kind::Counter,
            "Requests answered, by route pattern, method and class of status.",
        );
        for ((method, route), counts) in &routes {
            for (n, count) in counts.classes.iter().enumerate() {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let class = format!("{}xx", n + 1);
                    let labels = [("method", *method), ("route", route), ("status", &class)];
                    page.count(&labels, count);
                }
            }
        }
        page.family(
            "crm_http_request_duration_seconds",
            Kind::Histogram,
            "From a request's first byte to its answer's head.",
        );
        for ((method, route), counts) in &routes {
            let labels = [("method", *method), ("route", route.as_str())];
            page.histogram(&labels, &counts.took.observed());
        }
        page.family(
            "crm_http_requests_in_flight",
            Kind::Gauge,
            "Requests whose answer has not begun.",
        );
        page.gauge(&[], self.0.in_flight.load(Ordering::Relaxed));
    }
}

/// Anybody can send a method of his own making: those are one.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
