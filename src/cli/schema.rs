//! `orch schema`.

use crate::plan;

use super::exit::Exit;
use super::print_for;
use super::terminal::For;

/// Prints the JSON Schema of plans.
pub(super) fn schema() -> Exit {
    print_for(For::Json, &text(), Exit::Done)
}

fn text() -> String {
    format!("{:#}\n", plan::schema())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test reads the schema and the shipped plans")]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use serde_json::Value as Json;

    use super::*;

    fn root() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
    }

    fn problems(plan: &str) -> Vec<String> {
        let plan: Json = serde_json::to_value(toml::from_str::<toml::Table>(plan).unwrap()).unwrap();
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource("plan.schema.json", plan::schema()).unwrap();
        let schema = compiler.compile("plan.schema.json", &mut schemas).unwrap();
        schemas.validate(&plan, schema).err().map(|error| format!("{error:#}")).into_iter().collect()
    }

    #[test]
    fn the_shipped_schema_is_the_code_s() {
        let shipped = fs::read_to_string(root().join("schema/plan.schema.json")).unwrap();
        assert!(
            shipped.replace("\r\n", "\n") == text(),
            "write it anew: cargo run -- schema > schema/plan.schema.json"
        );
    }

    #[test]
    fn every_shipped_plan_is_valid() {
        let mut seen = 0;
        for entry in fs::read_dir(root().join("plans")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = fs::read_to_string(&path).unwrap();
                assert_eq!(problems(&text), [""; 0], "{}", path.display());
                assert!(text.contains("#:schema ../schema/plan.schema.json"), "{} names no schema", path.display());
                seen += 1;
            }
        }
        assert_eq!(seen, 3);
        assert!(Path::new(&root()).join("schema/plan.schema.json").exists());
    }

    #[test]
    fn broken_plans_are_not() {
        for broken in [
            "nmae = \"x\"",
            "name = 1",
            "abstract = \"yes\"",
            "accounts = { a = { id = \"123\" } }",
            "accounts = { a = { id = \"111111111111\", rolle = \"x\" } }",
            "accounts = { a = { id = 111111111111 } }",
            "stacks = { s = { tempalte = \"t.yaml\" } }",
            "stacks = { s = { manage = \"no\" } }",
            "stacks = { s = { capabilities = [\"IAM\"] } }",
            "stacks = { s = { parameters = { A = { b = 1 } } } }",
            "stacks = { s = { allow = { ORCH1 = \"x\" } } }",
            "stacks = { s = { allow = { ORCH061 = true } } }",
            "peerings = { p = { requester = \"vpc-1\" } }",
            "peerings = { p = { requester = { vpn = \"x\" } } }",
            "routes = { r = { route_tables = \"rtb-1\" } }",
            "routes = { r = { replace = 1 } }",
            "defaults = { stack = { name = \"x\" } }",
        ] {
            assert!(!problems(broken).is_empty(), "{broken}");
        }
    }
}
