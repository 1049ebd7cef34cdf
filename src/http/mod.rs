//! The HTTP face: routes, headers and bodies; every decision is the domain's.

pub mod address;
pub mod body;
mod connection;
pub mod console;
pub mod context;
mod cors;
mod download;
pub mod error;
mod exchange;
pub mod form;
pub mod health;
mod img;
pub mod log;
pub mod management;
pub mod mcp;
pub mod metrics;
pub mod oauth;
mod observe;
pub mod openapi;
pub mod outside;
mod pages;
pub mod reply;
pub mod rest;
pub mod routing;
pub mod server;
pub mod sse;
mod state;
mod storage;

pub use error::{ApiError, ApiResult};
pub use state::{State, Stopping};
