//! Paces.
