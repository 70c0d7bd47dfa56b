//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};

use crm_jobs::measure::Observed;

/// What a family of samples is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the program runs.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations in buckets.
    Histogram,
    /// A sum and a count.
    Summary,
}

/// A page being written: families, each with its samples right after it.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    name: &'static str,
}

impl Page {
    /// Begins a family.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        };
        self.name = name;
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A family of one gauge without labels; nothing at all if it is not known.
    pub fn one<T: Display>(&mut self, name: &'static str, help: &str, value: Option<T>) {
        if let Some(value) = value {
            self.family(name, Kind::Gauge, help);
            self.gauge(&[], value);
        }
    }

    /// A sample of a gauge.
    pub fn gauge(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.sample("", labels, None, value);
    }

    /// A sample of a counter.
    pub fn count(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.sample("", labels, None, value);
    }

    /// Sum and count of a summary.
    pub fn summary(&mut self, labels: &[(&str, &str)], sum_s: f64, count: i64) {
        self.sample("_sum", labels, None, sum_s);
        self.sample("_count", labels, None, count);
    }

    /// All buckets of a histogram.
    pub fn histogram(&mut self, labels: &[(&str, &str)], seen: &Observed) {
        for (bound, count) in &seen.buckets {
            self.sample("_bucket", labels, Some(&bound.to_string()), count);
        }
        self.sample("_bucket", labels, Some("+Inf"), seen.count);
        self.sample("_sum", labels, None, seen.sum_s);
        self.sample("_count", labels, None, seen.count);
    }

    fn sample(
        &mut self,
        suffix: &str,
        labels: &[(&str, &str)],
        bound: Option<&str>,
        value: impl Display,
    ) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        let all = labels.iter().copied().chain(bound.map(|le| ("le", le)));
        for (n, (name, value)) in all.enumerate() {
            let open = if n == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{name}=\"{}\"", escaped(value));
        }
        if !labels.is_empty() || bound.is_some() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// The whole page.
    pub fn finish(self) -> String {
        self.text
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_buckets_named() {
        let mut page = Page::default();
        page.family("x_total", Kind::Counter, "Things.");
        page.count(&[("a", "say \"no\"\\\n")], 3);
        page.family("y", Kind::Histogram, "Times.");
        let seen = Observed {
            buckets: vec![(0.5, 1)],
            count: 2,
            sum_s: 1.25,
        };
        page.histogram(&[], &seen);
        assert_eq!(
            page.finish(),
            "# HELP x_total Things.\n# TYPE x_total counter\nx_total{a=\"say \\\"no\\\"\\\\\\n\"} 3\n\
             # HELP y Times.\n# TYPE y histogram\ny_bucket{le=\"0.5\"} 1\ny_bucket{le=\"+Inf\"} 2\ny_sum 1.25\ny_count 2\n"
        );
    }
}
