//! Counters and durations, kept as ready handles so that counting a request costs an atomic addition.

use std::sync::Arc;

use ::metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Seconds; a cached validation takes microseconds, a password login tens of milliseconds.
const BUCKETS: [f64; 11] = [0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 10.0];

/// The recorder and what renders it. It is handed around, not installed as a global.
#[derive(Clone)]
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let builder = PrometheusBuilder::new();
        let builder = match builder.set_buckets(&BUCKETS) {
            Ok(with) => with,
            // Only an empty list is refused.
            Err(_) => PrometheusBuilder::new(),
        };
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        Self { recorder: Arc::new(recorder), handle }
    }
}

const META: Metadata<'static> = Metadata::new("archstone", Level::INFO, None);

impl Metrics {
    /// A counter; asking again with the same labels gives the same one.
    pub fn counter(&self, name: &'static str, labels: &[(&'static str, String)]) -> Counter {
        self.recorder.register_counter(&key(name, labels), &META)
    }

    /// A gauge.
    pub fn gauge(&self, name: &'static str, labels: &[(&'static str, String)]) -> Gauge {
        self.recorder.register_gauge(&key(name, labels), &META)
    }

    /// A histogram of seconds.
    pub fn histogram(&self, name: &'static str, labels: &[(&'static str, String)]) -> Histogram {
        self.recorder.register_histogram(&key(name, labels), &META)
    }

    /// Lets code that has no handle count here too. The first installation in a process stays.
    pub fn install(&self) {
        let _ = ::metrics::set_global_recorder(self.recorder.clone());
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Moves recorded durations into their buckets; to be called every few seconds, or they pile up.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

fn key(name: &'static str, labels: &[(&'static str, String)]) -> Key {
    Key::from_parts(name, labels.iter().map(|(k, v)| Label::new(*k, v.clone())).collect::<Vec<_>>())
}

/// The handles of one route.
#[derive(Debug, Clone)]
pub struct RouteMetrics {
    /// By class of status, 1xx to 5xx.
    statuses: [Counter; 5],
    seconds: Histogram,
}

impl RouteMetrics {
    /// Handles for a route.
    pub fn new(metrics: &Metrics, method: &str, template: &str) -> Self {
        let of = |class: &str| {
            metrics.counter(
                "archstone_http_requests_total",
                &[("method", method.to_owned()), ("route", template.to_owned()), ("status", class.to_owned())],
            )
        };
        Self {
            statuses: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(of),
            seconds: metrics.histogram(
                "archstone_http_request_seconds",
                &[("method", method.to_owned()), ("route", template.to_owned())],
            ),
        }
    }

    /// Counts one answer.
    pub fn record(&self, status: u16, took: std::time::Duration) {
        if let Some(counter) = self.statuses.get(usize::from(status / 100).wrapping_sub(1)) {
            counter.increment(1);
        }
        self.seconds.record(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_and_class_of_status() {
        let metrics = Metrics::default();
        let route = RouteMetrics::new(&metrics, "GET", "/v3/auth/tokens");
        route.record(200, std::time::Duration::from_micros(40));
        route.record(404, std::time::Duration::from_micros(40));
        metrics.upkeep();
        let text = metrics.render();
        assert!(
            text.contains(r#"archstone_http_requests_total{method="GET",route="/v3/auth/tokens",status="2xx"} 1"#),
            "{text}"
        );
        assert!(text.contains("archstone_http_request_seconds_bucket"), "{text}");
    }
}
