//! Stories about the HTTP room: real requests over a real socket, against the embedded store.

mod asking;
mod audit;
mod bad_input;
mod delivering;
mod description;
mod door;
mod heads;
mod limits;
mod registering;
mod rights;
mod secrecy;
mod strangers;
mod tokens;
