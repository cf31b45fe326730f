//! Templates that mean harm: each ends in a clear answer, on a small stack, for bounded work.

use std::fmt::Write as _;

use super::{Context, Document, EvalErrorKind, Evaluator, Lookup, Pseudo};

/// Runs a test on a stack of half of what a thread is given otherwise.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(test).unwrap().join().unwrap();
}

/// A world of which nothing is known.
struct Nothing;

impl Context for Nothing {
    fn parameter(&self, _: &str) -> Lookup {
        Lookup::Unknown
    }

    fn pseudo(&self, _: Pseudo) -> Lookup {
        Lookup::Unknown
    }

    fn resource(&self, _: &str) -> Lookup {
        Lookup::Unknown
    }

    fn attribute(&self, _: &str, _: &str) -> Lookup {
        Lookup::Unknown
    }

    fn export(&self, _: &str) -> Lookup {
        Lookup::Unknown
    }

    fn zones(&self, _: &str) -> Lookup {
        Lookup::Unknown
    }
}

/// The output `O` of a template, as JSON or as what is wrong with it.
fn output(text: &str) -> Result<String, EvalErrorKind> {
    let document = Document::read(text).unwrap();
    let value = document.outputs["O"].value.clone().unwrap();
    Evaluator::new(&document, &Nothing).value(&value).map(|value| value.to_string()).map_err(|error| error.kind)
}

/// `inner`, with a function laid around it so many times.
fn nested(times: usize, before: &str, inner: &str, after: &str) -> String {
    format!("{}{inner}{}", before.repeat(times), after.repeat(times))
}

#[test]
fn what_is_nested_without_end_is_no_template() {
    on_a_small_stack(|| {
        let mut block = String::new();
        for level in 0..2_000 {
            let _ = writeln!(block, "{}a:", " ".repeat(level));
        }
        for text in [
            nested(100_000, "{\"a\":", "1", "}"),
            format!("{{\"a\": {}}}", nested(100_000, "[", "1", "]")),
            "{\"a\":".repeat(100_000),
            nested(100_000, "[", "1", "]"),
            format!("a: {}", nested(100_000, "{a: ", "1", "}")),
            format!("a: {}", "[".repeat(100_000)),
            "- ".repeat(100_000),
            "? ".repeat(100_000),
            block,
        ] {
            let error = Document::read(&text).unwrap_err();
            let said = ["nested more than 128 deep", "recursion limit exceeded", "a key must be a text"];
            assert!(said.iter().any(|said| error.message.contains(said)), "{}: {error}", &text[..20]);
        }
    });
}

#[test]
fn aliases_that_multiply_are_refused() {
    for (open, close) in [("[", "]"), ("{x: [", "]}")] {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..30 {
            let below = vec![format!("*a{}", level - 1); 10].join(", ");
            let _ = writeln!(text, "a{level}: &a{level} {open}{below}{close}");
        }
        let error = Document::read(&text).unwrap_err();
        assert!(error.message.starts_with("aliases add more than"), "{error}");
    }
}

#[test]
fn the_deepest_template_is_worked_out_or_refused() {
    on_a_small_stack(|| {
        for (times, before, inner, after) in [
            (60, "!Join ['', [", "x", "]]"),
            (60, "!Sub ['${a}', {a: ", "x", "}]"),
            (60, "!Select [0, [", "x", "]]"),
            (60, "!If [!Equals [a, a], ", "x", ", x]"),
            (120, "[", "x", "]"),
            (120, "!Base64 {'Fn::Base64': ", "x", "}"),
            (120, "{a: ", "x", "}"),
        ] {
            let text = format!("Resources: {{}}\nOutputs: {{O: {{Value: {}}}}}", nested(times, before, inner, after));
            match Document::read(&text) {
                Ok(document) => {
                    let value = document.outputs["O"].value.clone().unwrap();
                    let result = Evaluator::new(&document, &Nothing).value(&value);
                    let known =
                        |kind: &EvalErrorKind| matches!(kind, EvalErrorKind::TooDeep(_) | EvalErrorKind::TooLarge);
                    assert!(result.as_ref().map_err(|error| known(&error.kind)).err() != Some(false), "{result:?}");
                    let _ = document.faults();
                    assert!(document.same(&document.clone()));
                }
                Err(error) => assert!(error.message.contains("128 deep"), "{error}"),
            }
        }
    });
}

#[test]
fn conditions_that_lead_to_conditions_come_to_an_end() {
    on_a_small_stack(|| {
        let chain = |length: usize| {
            let mut text = String::from("Resources: {}\nOutputs: {O: {Value: !If [C0, 'even', 'odd']}}\nConditions:\n");
            for link in 0..length {
                let _ = writeln!(text, "  C{link}: !Not [!Condition C{}]", link + 1);
            }
            let _ = writeln!(text, "  C{length}: !Equals [a, a]");
            output(&text)
        };
        assert_eq!(chain(20).unwrap(), "\"even\"");
        assert_eq!(chain(2_000), Err(EvalErrorKind::TooDeep(128)));
    });
}

#[test]
fn a_mapping_that_leads_back_to_itself_is_not_followed() {
    on_a_small_stack(|| {
        let text = "Resources: {}\nMappings: {M: {a: {b: !FindInMap [M, a, b], c: plain}}}\n\
                    Outputs: {O: {Value: !FindInMap [M, a, b]}}";
        assert!(matches!(output(text), Err(EvalErrorKind::Unsupported(_))));
        assert_eq!(
            output(&text.replace("Value: !FindInMap [M, a, b]", "Value: !FindInMap [M, a, c]")).unwrap(),
            "\"plain\""
        );
    });
}

#[test]
fn texts_that_multiply_themselves_are_refused_before_they_are_made() {
    let value = |value: &str| output(&format!("Resources: {{}}\nOutputs: {{O: {{Value: {value}}}}}"));
    let doubled = |times| nested(times, "!Sub ['${a}${a}', {a: ", "x", "}]");
    assert_eq!(value(&doubled(5)).unwrap(), format!("\"{}\"", "x".repeat(32)));
    assert_eq!(value(&doubled(40)), Err(EvalErrorKind::TooLarge));
    let long = "a".repeat(20_000);
    assert_eq!(value(&format!("!Join ['{long}', !Split [a, '{long}']]")), Err(EvalErrorKind::TooLarge));
    assert_eq!(value(&nested(45, "!ToJsonString {'Fn::ToJsonString': ", "'\"'", "}")), Err(EvalErrorKind::TooLarge));
    let many = vec!["!Split [a, *long]"; 900].join(", ");
    assert_eq!(
        output(&format!("Metadata: {{L: &long '{long}'}}\nResources: {{}}\nOutputs: {{O: {{Value: [{many}]}}}}")),
        Err(EvalErrorKind::TooLarge)
    );
}

#[test]
fn numbers_without_end_are_refused() {
    let value = |value: &str| output(&format!("Resources: {{}}\nOutputs: {{O: {{Value: {value}}}}}"));
    for count in ["4294967296", "18446744073709551615"] {
        assert!(matches!(value(&format!("!Cidr [10.0.0.0/8, '{count}', 8]")), Err(EvalErrorKind::Cidr(_))), "{count}");
    }
    let nines = "9".repeat(10_000);
    assert!(matches!(value(&format!("!Cidr [10.0.0.0/8, {nines}, 8]")), Err(EvalErrorKind::Usage(_))));
    assert!(matches!(value(&format!("!Cidr ['::/0', 256, {nines}]")), Err(EvalErrorKind::Usage(_))));
    assert!(matches!(value(&format!("!Select [{nines}, [a]]")), Err(EvalErrorKind::Usage(_))));
}

#[test]
fn resources_in_a_long_row_are_ordered_and_in_a_long_ring_are_told() {
    on_a_small_stack(|| {
        let mut row = String::from("Resources:\n");
        for id in 0..10_000 {
            let _ = writeln!(row, "  R{id}: {{Type: T, DependsOn: R{}}}", id + 1);
        }
        let ring = Document::read(&format!("{row}  R10000: {{Type: T, DependsOn: R0}}\n")).unwrap();
        assert_eq!(ring.circles(&|_| None)[0].len(), 10_001);
        let row = Document::read(&format!("{row}  R10000: {{Type: T}}\n")).unwrap();
        assert_eq!((row.circles(&|_| None).len(), row.order(&|_| None).len()), (0, 10_001));
    });
}

#[test]
fn a_pattern_that_would_take_long_decides_nothing() {
    let text = "Parameters: {P: {Type: String, AllowedPattern: '(a{500}){500}|b'}, Q: {Type: String, AllowedPattern: '[a-z]{1,64}'}}";
    let document = Document::read(text).unwrap();
    assert!(document.parameters["P"].accept("c").is_ok());
    assert!(document.parameters["Q"].accept("C").is_err());
}
