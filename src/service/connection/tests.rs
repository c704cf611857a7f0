//! Tests of the service of connections.
