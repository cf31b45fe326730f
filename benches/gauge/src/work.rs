//! The hot paths, each as something to prepare and something to measure.

use std::sync::Arc;

use orch::cfn::{Context, Document, Evaluator, Lookup, Pseudo};
use orch::diag::{Problem, Sources};
use orch::engine::Summary;
use orch::graph::Graph;
use orch::plan::{Loaded, Parsed, Plan};
use orch::rules;
use serde_json::Value as Json;

use crate::engine;
use crate::shapes::Written;

const TEMPLATE: &str = include_str!("../../../plans/templates/spoke.yaml");

/// Parses a plan and expands it.
///
/// # Panics
/// If it has an error.
pub fn load(written: &Written) -> Loaded {
    sound(written.load())
}

/// Expands a plan that was parsed.
///
/// # Panics
/// If it has an error.
pub fn expand(written: &Written, parsed: Parsed) -> Loaded {
    sound(written.expand(parsed))
}

fn sound(loaded: Loaded) -> Loaded {
    assert!(loaded.plan.is_some(), "{:?}", loaded.problems);
    loaded
}

/// Holds a plan against every rule.
///
/// # Panics
/// If it breaks one as an error.
pub fn check(plan: &Plan, sources: &Sources) -> rules::Checked {
    let checked = rules::check(plan, sources);
    assert!(!checked.problems.iter().any(Problem::is_error), "{:?}", checked.problems);
    checked
}

/// Makes a schedule of a graph and takes it to its end.
///
/// # Panics
/// If a node did not end well.
pub fn schedule(graph: &Arc<Graph>) -> Summary {
    let summary = engine::play(engine::schedule(graph));
    assert!(summary.is_success());
    summary
}

/// What stands around a template: all that it asks for is known.
struct Around;

impl Context for Around {
    fn parameter(&self, _name: &str) -> Lookup {
        "10.0.16.0/20".into()
    }

    fn pseudo(&self, pseudo: Pseudo) -> Lookup {
        match pseudo {
            Pseudo::Region => "us-east-1".into(),
            _ => "us-east-1-dev".into(),
        }
    }

    fn resource(&self, id: &str) -> Lookup {
        format!("id-of-{id}").into()
    }

    fn attribute(&self, id: &str, attribute: &str) -> Lookup {
        format!("{attribute}-of-{id}").into()
    }

    fn export(&self, _name: &str) -> Lookup {
        Lookup::Missing
    }

    fn zones(&self, region: &str) -> Lookup {
        ["a", "b", "c"].map(|letter| Json::from(format!("{region}{letter}"))).to_vec().into()
    }
}

/// The shipped spoke's template, read.
///
/// # Panics
/// If it is none.
pub fn template() -> Document {
    Document::read(TEMPLATE).expect("the shipped template is one")
}

/// Reads the shipped spoke's template and works out every value in it.
///
/// # Panics
/// If it is no template, or something of it cannot be worked out.
pub fn evaluate() -> Vec<Json> {
    let document = template();
    let evaluator = Evaluator::new(&document, &Around);
    let properties = document.resources.values().flat_map(|resource| evaluator.properties(resource));
    let properties = properties.map(|(name, value)| value.unwrap_or_else(|error| panic!("{name}: {error}")));
    let outputs = document.outputs.values().filter_map(|output| output.value.as_deref());
    properties.chain(outputs.map(|value| evaluator.value(value).expect("an output has a value"))).collect()
}
