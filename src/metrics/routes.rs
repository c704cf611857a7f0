//! Requests by route: counted by each core for itself, added up when somebody asks.
//!
//! A counter that all cores share costs every request a trip to another core's cache for each number it changes; a
//! histogram that keeps every duration until it is sorted in costs that, memory and the sorting.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Seconds; a cached validation takes microseconds, a password login tens of milliseconds.
const BUCKETS: [f64; 11] = [0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 10.0];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Most sets of numbers for one route; with more threads than that some share.
const MAX_SHARDS: usize = 16;

/// One thread's numbers, on cache lines that no other thread's numbers are on.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    classes: [AtomicU64; CLASSES.len()],
    /// Durations up to each limit and above the one before it; the last has no limit.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    nanos: AtomicU64,
}

#[derive(Debug)]
struct Counts {
    method: String,
    template: String,
    shards: Box<[Shard]>,
}

/// The numbers of one route.
#[derive(Debug, Clone)]
pub struct RouteMetrics(Arc<Counts>);

/// A number for each thread that counts.
fn thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: usize = NEXT.fetch_add(1, Relaxed));
    NUMBER.with(|number| *number)
}

impl RouteMetrics {
    pub(super) fn new(method: &str, template: &str) -> Self {
        let shards = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_SHARDS);
        let shards = (0..shards).map(|_| Shard::default()).collect();
        Self(Arc::new(Counts { method: method.to_owned(), template: template.to_owned(), shards }))
    }

    /// Counts one answer.
    pub fn record(&self, status: u16, took: Duration) {
        let Some(shard) = self.0.shards.get(thread() % self.0.shards.len()) else { return };
        if let Some(class) = shard.classes.get(usize::from(status / 100).wrapping_sub(1)) {
            class.fetch_add(1, Relaxed);
        }
        let secs = took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|limit| secs <= *limit).unwrap_or(BUCKETS.len());
        shard.buckets[bucket].fetch_add(1, Relaxed);
        shard.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    fn sum(&self, of: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.0.shards.iter().map(|shard| of(shard).load(Relaxed)).sum()
    }

    fn labels(&self) -> String {
        format!(r#"method="{}",route="{}""#, self.0.method, self.0.template)
    }
}

/// The lines of all routes, as Prometheus reads them.
pub(super) fn render(routes: &[RouteMetrics]) -> String {
    let mut out = String::from("# TYPE archstone_http_requests_total counter\n");
    for route in routes {
        let labels = route.labels();
        for (at, class) in CLASSES.iter().enumerate() {
            let count = route.sum(|shard| &shard.classes[at]);
            let _ = writeln!(out, r#"archstone_http_requests_total{{{labels},status="{class}"}} {count}"#);
        }
    }
    out.push_str("\n# TYPE archstone_http_request_seconds histogram\n");
    for route in routes {
        if route.sum(|shard| &shard.nanos) == 0 {
            // Not asked for yet.
            continue;
        }
        let labels = route.labels();
        let mut count = 0;
        let limits = BUCKETS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (at, limit) in limits.enumerate() {
            count += route.sum(|shard| &shard.buckets[at]);
            let _ = writeln!(out, r#"archstone_http_request_seconds_bucket{{{labels},le="{limit}"}} {count}"#);
        }
        let sum = Duration::from_nanos(route.sum(|shard| &shard.nanos)).as_secs_f64();
        let _ = writeln!(out, "archstone_http_request_seconds_sum{{{labels}}} {sum}");
        let _ = writeln!(out, "archstone_http_request_seconds_count{{{labels}}} {count}");
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route_class_of_status_and_duration() {
        let route = RouteMetrics::new("GET", "/v3/users/{id}");
        route.record(200, Duration::from_micros(40));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| route.record(404, Duration::from_millis(1)));
            }
        });
        route.record(503, Duration::from_secs(60));
        route.record(0, Duration::from_secs(60));
        let text = render(&[route]);
        for line in [
            r#"archstone_http_requests_total{method="GET",route="/v3/users/{id}",status="2xx"} 1"#,
            r#"archstone_http_requests_total{method="GET",route="/v3/users/{id}",status="4xx"} 20"#,
            r#"archstone_http_requests_total{method="GET",route="/v3/users/{id}",status="5xx"} 1"#,
            r#"archstone_http_request_seconds_bucket{method="GET",route="/v3/users/{id}",le="0.00005"} 1"#,
            r#"archstone_http_request_seconds_bucket{method="GET",route="/v3/users/{id}",le="0.001"} 21"#,
            r#"archstone_http_request_seconds_bucket{method="GET",route="/v3/users/{id}",le="10"} 21"#,
            r#"archstone_http_request_seconds_bucket{method="GET",route="/v3/users/{id}",le="+Inf"} 23"#,
            r#"archstone_http_request_seconds_count{method="GET",route="/v3/users/{id}"} 23"#,
            r#"archstone_http_request_seconds_sum{method="GET",route="/v3/users/{id}"} 120.02004"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in:\n{text}");
        }
    }
}
