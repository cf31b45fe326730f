//! What is done with each text: to the end, whatever the text says. A panic or an overflow of the stack is the finding.
//!
//! The file is apart from the test so that a fuzzer can take the same functions.

use std::io;
use std::path::Path;

use orch::cfn::{Context, Document, Evaluator, Lookup, Pseudo};
use orch::expr::Expression;
use orch::plan::{Files, Given, Outside, load};
use orch::report::diagnostic::{Style, render};
use orch::rules;

const BASE: &str =
    "abstract = true\nname = \"net\"\nregion = \"us-east-1\"\n[accounts]\na = { id = \"111111111111\" }\n";

const TEMPLATE: &str = "Parameters: {Range: {Type: String, Default: 10.0.0.0/16}, Hub: {Type: String, Default: ''}}
Resources: {Net: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: !Ref Range}}}
Outputs: {Id: {Value: !Ref Net}}
";

/// The plan, a plan to extend and a template.
struct Beside<'a>(&'a str);

impl Files for Beside<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("plan.toml") => Ok(self.0.into()),
            Some("base.toml") => Ok(BASE.into()),
            Some("t.yaml") => Ok(TEMPLATE.into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn read_named(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path.starts_with("..") { Err(Outside { folder: ".".into() }.into()) } else { self.read(path) }
    }
}

/// Loads a plan, holds it to every rule and draws what is wrong.
pub(crate) fn plan(text: &str) {
    let loaded = load(Path::new("plan.toml"), &Beside(text), &Given { vars: &[], env: &|_| None });
    let mut problems = loaded.problems.clone();
    let is_sound = !problems.iter().any(orch::diag::Problem::is_error);
    assert_eq!(loaded.plan.is_some(), is_sound, "a plan that does not load says why");
    if let Some(plan) = loaded.readable() {
        problems.extend(rules::check(plan, &loaded.sources).problems);
    }
    render(&problems, &loaded.sources, Style { color: false, width: 80, folds: true });
}

/// Reads an expression and works it out, each of its paths being a text, a list and a number in turn.
pub(crate) fn expression(text: &str) {
    match Expression::parse(text) {
        Ok(expression) => {
            for reference in expression.references() {
                assert!(text.get(reference.range.clone()).is_some(), "a place is inside of the text");
            }
            for value in ["10.0.0.0/8".into(), vec!["x"; 3].into(), 7.into()] {
                let values = vec![value; expression.references().len()];
                if let Err(error) = expression.evaluate(&values) {
                    assert!(text.get(error.range).is_some(), "a place is inside of the text");
                }
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(text.get(fault.range).is_some(), "a place is inside of the text");
            }
        }
    }
}

/// Reads a template, looks for its faults and works out all that it holds.
pub(crate) fn template(text: &str) {
    let document = match Document::read(text) {
        Ok(document) => document,
        Err(error) => return assert!(error.at <= text.len() && !error.message.is_empty()),
    };
    for fault in document.faults() {
        assert!(text.get(fault.at).is_some(), "a place is inside of the text");
    }
    assert!(document.same(&document));
    for world in [World { knows: false }, World { knows: true }] {
        let evaluator = Evaluator::new(&document, &world);
        for resource in document.resources.values() {
            let _ = (evaluator.exists(resource), evaluator.properties(resource));
        }
        for output in document.outputs.values() {
            let _ = output.value.as_deref().map(|value| evaluator.value(value));
            let _ = output.export.as_deref().map(|name| evaluator.text(name));
        }
        let order = document.order(&|name| evaluator.holds(name));
        assert!(order.len() <= document.resources.len());
    }
}

/// A world that knows all of a template's values, or none.
struct World {
    knows: bool,
}

impl World {
    fn tell(&self, name: &str) -> Lookup {
        if self.knows { format!("known {name}").into() } else { Lookup::Unknown }
    }
}

impl Context for World {
    fn parameter(&self, name: &str) -> Lookup {
        self.tell(name)
    }

    fn pseudo(&self, _: Pseudo) -> Lookup {
        self.tell("us-east-1")
    }

    fn resource(&self, id: &str) -> Lookup {
        self.tell(id)
    }

    fn attribute(&self, id: &str, _: &str) -> Lookup {
        self.tell(id)
    }

    fn export(&self, name: &str) -> Lookup {
        self.tell(name)
    }

    fn zones(&self, region: &str) -> Lookup {
        if self.knows { serde_json::json!([region, region]).into() } else { Lookup::Unknown }
    }
}
