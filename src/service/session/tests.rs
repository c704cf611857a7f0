//! Sessions on both databases.
