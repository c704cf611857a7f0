//! Tests of the OpenID Connect upstream.
