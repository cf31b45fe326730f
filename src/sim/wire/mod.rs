//! The wire: what the SDK clients send and what they read, without any knowledge of what the operations mean.

pub mod error;
pub(crate) mod params;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod rest;
pub(crate) mod xml;

pub use error::ApiError;
pub(crate) use params::Params;
pub(crate) use reply::Reply;
pub(crate) use request::{Request, Service};
pub(crate) use xml::Xml;
