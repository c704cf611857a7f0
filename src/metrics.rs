//! Counters and gauges, kept as ready handles; `routes` counts the requests.

mod routes;

use std::sync::{Arc, Mutex, PoisonError};

use ::metrics::{Counter, Gauge, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

pub use routes::RouteMetrics;

/// The recorder and what renders it. It is handed around, not installed as a global.
#[derive(Clone)]
pub struct Metrics {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    routes: Arc<Mutex<Vec<RouteMetrics>>>,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        Self { recorder: Arc::new(recorder), handle, routes: Arc::default() }
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

    /// Counts the requests of one more route.
    pub fn route(&self, method: &str, template: &str) -> RouteMetrics {
        let route = RouteMetrics::new(method, template);
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).push(route.clone());
        route
    }

    /// Lets code that has no handle count here too. The first installation in a process stays.
    pub fn install(&self) {
        let _ = ::metrics::set_global_recorder(self.recorder.clone());
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        let mut text = self.handle.render();
        text.push_str(&routes::render(&self.routes.lock().unwrap_or_else(PoisonError::into_inner)));
        text
    }
}

fn key(name: &'static str, labels: &[(&'static str, String)]) -> Key {
    Key::from_parts(name, labels.iter().map(|(k, v)| Label::new(*k, v.clone())).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered_with_the_requests() {
        let metrics = Metrics::default();
        metrics.counter("archstone_things_total", &[("kind", "a".to_owned())]).increment(2);
        metrics.route("GET", "/v3/auth/tokens").record(200, std::time::Duration::from_micros(40));
        let text = metrics.render();
        for line in [
            r#"archstone_things_total{kind="a"} 2"#,
            r#"archstone_http_requests_total{method="GET",route="/v3/auth/tokens",status="2xx"} 1"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in:\n{text}");
        }
    }
}
