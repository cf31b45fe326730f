//! Drawings of the graph as text: for people, for Graphviz, for Mermaid and for programs.
//!
//! Each format is a pure function of a [`Drawing`].

mod dot;
mod drawing;
mod json;
mod mermaid;
mod text;

pub use drawing::{Caption, Drawing, Need, Node};

#[cfg(test)]
mod samples;
