//! The client against an HTTP server.
