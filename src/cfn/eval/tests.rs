//! Each intrinsic function, in YAML and in JSON, and each way to call it wrongly.

use serde_json::json;

use super::*;

/// Parameters `P` (text), `N` (not known yet) and `L` (a list); a resource `Net` that exists and one `Late` that does not yet.
struct World;

impl Context for World {
    fn parameter(&self, name: &str) -> Lookup {
        match name {
            "P" => "p".into(),
            "L" => json!(["a", "b", "c"]).into(),
            _ => Lookup::Unknown,
        }
    }

    fn pseudo(&self, pseudo: Pseudo) -> Lookup {
        match pseudo {
            Pseudo::Region => "us-east-1".into(),
            Pseudo::AccountId => "111111111111".into(),
            _ => Lookup::Unknown,
        }
    }

    fn resource(&self, id: &str) -> Lookup {
        if id == "Net" { "vpc-1".into() } else { Lookup::Unknown }
    }

    fn attribute(&self, id: &str, attribute: &str) -> Lookup {
        match (id, attribute) {
            ("Net", "CidrBlock") => "10.0.0.0/16".into(),
            ("Net", _) => Lookup::Missing,
            _ => Lookup::Unknown,
        }
    }

    fn export(&self, name: &str) -> Lookup {
        if name == "p-out" { "exported".into() } else { Lookup::Missing }
    }

    fn zones(&self, region: &str) -> Lookup {
        json!([format!("{region}a"), format!("{region}b")]).into()
    }
}

const AROUND: &str = "
Parameters: {P: {Type: String}, N: {Type: String}, L: {Type: CommaDelimitedList}}
Mappings: {M: {p: {key: [1, 2], text: found}}}
Conditions:
  Holds: !Equals [!Ref P, p]
  Fails: !Not [!Condition Holds]
  Late: !Equals [!Ref N, x]
  Circle: !Or [!Condition Circle, !Condition Fails]
  Both: !And [!Condition Holds, !Condition Fails]
  Either: !Or [!Condition Late, !Condition Holds]
  Open: !And [!Condition Late, !Condition Holds]
  Number: !Equals [1, '1']
Resources: {Net: {Type: T}, Late: {Type: T}}
";

/// The value of one expression, in YAML or JSON.
fn eval(expression: &str) -> Result<String, EvalErrorKind> {
    let document = Document::read(AROUND).unwrap();
    let (_, node) = super::super::tree(&format!("V: {expression}")).unwrap();
    let value = Evaluator::new(&document, &World).value(node.get("V").unwrap());
    value.map(|value| value.to_string()).map_err(|error| error.kind)
}

#[track_caller]
fn gives(expression: &str, value: &str) {
    assert_eq!(eval(expression).unwrap(), value, "{expression}");
}

#[track_caller]
fn fails(expression: &str, text: &str) {
    assert_eq!(eval(expression).unwrap_err().to_string(), text, "{expression}");
}

#[test]
fn ref_gives_parameters_resources_and_pseudo_parameters() {
    gives("!Ref P", r#""p""#);
    gives(r#"{"Ref": "L"}"#, r#"["a","b","c"]"#);
    gives("!Ref Net", r#""vpc-1""#);
    gives("!Ref AWS::Region", r#""us-east-1""#);
    fails("!Ref N", "N is not known yet");
    fails("!Ref Late", "Late is not known yet");
    fails(
        "!Ref X",
        "Template format error: Unresolved resource dependencies [X] in the Resources block of the template",
    );
    fails("!Ref [P]", "Template format error: every Ref object must have a single String value.");
}

#[test]
fn no_value_takes_away_what_it_is_given_to() {
    gives("{a: !Ref AWS::NoValue, b: [1, !Ref AWS::NoValue, 2]}", r#"{"b":[1,2]}"#);
    gives("!If [Fails, 1, !Ref AWS::NoValue]", "null");
    gives("!Sub 'a${AWS::NoValue}b'", r#""ab""#);
}

#[test]
fn get_att_gives_attributes() {
    gives("!GetAtt Net.CidrBlock", r#""10.0.0.0/16""#);
    gives(r#"{"Fn::GetAtt": ["Net", "CidrBlock"]}"#, r#""10.0.0.0/16""#);
    fails("!GetAtt Late.X", "Late.X is not known yet");
    fails("!GetAtt Net.X", "Template error: resource Net does not support attribute type X in Fn::GetAtt");
    fails(
        "!GetAtt Net",
        "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
    );
}

#[test]
fn sub_replaces_variables() {
    gives("!Sub '${P}-${Net.CidrBlock}-${AWS::Region}-${!P}'", r#""p-10.0.0.0/16-us-east-1-${P}""#);
    gives(r#"{"Fn::Sub": ["${a}${P}", {"a": {"Ref": "Net"}}]}"#, r#""vpc-1p""#);
    fails("!Sub '${Late}'", "Late is not known yet");
    fails("!Sub '${L}'", &EvalErrorKind::Usage(Function::Sub).to_string());
    fails(
        "!Sub '${a b}'",
        "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons, not `a b`",
    );
}

#[test]
fn join_and_split_are_inverse() {
    gives("!Join [',', !Ref L]", r#""a,b,c""#);
    gives(r#"{"Fn::Join": ["", ["x", {"Ref": "P"}, 1, true]]}"#, r#""xp1true""#);
    gives("!Split ['.', !GetAtt Net.CidrBlock]", r#"["10","0","0","0/16"]"#);
    fails("!Join [',', x]", &EvalErrorKind::Usage(Function::Join).to_string());
    fails("!Split [',', !Ref L]", &EvalErrorKind::Usage(Function::Split).to_string());
}

#[test]
fn select_takes_one_item_and_looks_at_no_other() {
    gives("!Select [1, !Ref L]", r#""b""#);
    gives(r#"{"Fn::Select": ["0", [{"Ref": "P"}, {"Ref": "Late"}]]}"#, r#""p""#);
    gives("!Select [1, !GetAZs '']", r#""us-east-1b""#);
    fails("!Select [3, !Ref L]", "Template error: Fn::Select cannot select nonexistent value at index 3");
    fails("!Select [x, !Ref L]", &EvalErrorKind::Usage(Function::Select).to_string());
}

#[test]
fn cidr_divides_a_range() {
    gives("!Cidr [!GetAtt Net.CidrBlock, 2, 8]", r#"["10.0.0.0/24","10.0.1.0/24"]"#);
    gives(r#"{"Fn::Select": [1, {"Fn::Cidr": ["10.0.0.0/20", "2", "10"]}]}"#, r#""10.0.4.0/22""#);
    gives("!Cidr ['2001:db8::/56', 1]", r#"["2001:db8::/64"]"#);
    fails(
        "!Cidr ['10.0.0.0/24', 2, 8]",
        "Template error: Fn::Cidr: 10.0.0.0/24 has no room for 2 CIDRs with 8 subnet bits",
    );
    fails("!Cidr ['10.0.0.0/24', x, 8]", &EvalErrorKind::Usage(Function::Cidr).to_string());
}

#[test]
fn find_in_map_looks_up_worked_out_keys() {
    gives("!FindInMap [M, !Ref P, text]", r#""found""#);
    gives(r#"{"Fn::FindInMap": ["M", "p", "key"]}"#, "[1,2]");
    gives("!FindInMap [M, q, key, {DefaultValue: !Ref P}]", r#""p""#);
    fails("!FindInMap [M, q, key]", "Template error: Unable to get mapping for M::q::key");
}

#[test]
fn conditions_choose() {
    gives("!If [Holds, !Ref P, !Ref Late]", r#""p""#);
    gives(r#"{"Fn::If": ["Fails", {"Ref": "Late"}, 2]}"#, "2");
    gives("!If [Both, 1, 2]", "2");
    gives("!If [Number, 1, 2]", "1");
    gives("!Equals [!Ref P, p]", "true");
    fails("!If [Late, 1, 2]", "N is not known yet");
    fails("!If [X, 1, 2]", "Template format error: Unresolved condition dependency X");
    fails("!If [Circle, 1, 2]", "Template format error: Circular dependency between conditions: [Circle]");
    fails("!If [Holds, 1]", "Template error: Fn::If requires a list argument with three elements");
    fails("!And [!Condition Holds]", &EvalErrorKind::Usage(Function::And).to_string());
}

#[test]
fn what_decides_a_condition_hides_what_is_unknown() {
    gives("!If [Either, 1, 2]", "1");
    fails("!If [Open, 1, 2]", "N is not known yet");
}

#[test]
fn zones_base64_imports_and_extensions_work() {
    gives("!GetAZs ''", r#"["us-east-1a","us-east-1b"]"#);
    gives("!GetAZs eu-west-1", r#"["eu-west-1a","eu-west-1b"]"#);
    gives(r#"{"Fn::Base64": {"Ref": "P"}}"#, r#""cA==""#);
    gives("!ImportValue\n  Fn::Sub: '${P}-out'", r#""exported""#);
    gives("{Fn::Length: !Ref L}", "3");
    gives("{Fn::ToJsonString: {a: !Ref P}}", r#""{\"a\":\"p\"}""#);
    fails("!ImportValue x", "No export named x found");
    fails("!Transform {Name: M}", "Template error: Fn::Transform cannot be evaluated here");
}

#[test]
fn an_unknown_property_does_not_hide_the_others() {
    let text = format!(
        "{}\n  R: {{Type: T, Properties: {{A: !Ref P, B: !Ref Late, C: !Ref AWS::NoValue}}}}",
        AROUND.trim_end()
    );
    let text =
        text.replace("Resources: {Net: {Type: T}, Late: {Type: T}}", "Resources:\n  Net: {Type: T}\n  Late: {Type: T}");
    let document = Document::read(&text).unwrap();
    let properties = Evaluator::new(&document, &World).properties(&document.resources["R"]);
    assert_eq!(properties.len(), 2);
    assert_eq!(properties[0], ("A".to_owned(), Ok(json!("p"))));
    assert!(properties[1].1.as_ref().is_err_and(EvalError::is_unknown));
}
