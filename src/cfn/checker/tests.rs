use super::*;

/// Every fault with the text at its place.
fn faults(text: &str) -> String {
    let document = Document::read(text).unwrap();
    let shown = |fault: Fault| format!("{} <- {}", fault.message, &text[fault.at]);
    document.faults().into_iter().map(shown).collect::<Vec<_>>().join(
        "
",
    )
}

#[test]
fn a_sound_template_has_none() {
    let text = "Parameters: {P: {Type: String, Default: x}}\nMappings: {M: {a: {b: c}}}\nConditions: {C: !Equals [!Ref P, x], D: !Not [!Condition C]}\nResources:\n  A: {Type: T, Condition: C, Properties: {X: !Sub '${P}${AWS::Region}', Y: !FindInMap [M, a, b]}}\n  B: {Type: T, DependsOn: A, Properties: {Condition: {StringEquals: x}, Z: !If [D, !GetAtt A.X, 1]}}\nOutputs: {O: {Value: !Ref A, Condition: C}}";
    assert_eq!(faults(text), "");
}

#[test]
fn every_reference_must_lead_somewhere() {
    let text = "Conditions: {C: !Equals [!Ref A, x], D: !Or [!Condition E, !Condition C]}\nResources:\n  A: {Type: T, DependsOn: B, Properties: {X: !Ref F, Y: !GetAtt G.H, Z: !If [I, 1, !FindInMap [J, a, b]], W: !Sub '${K}'}}\nOutputs: {O: {Value: !Ref L, Condition: M}}";
    insta::assert_snapshot!(faults(text), @"
    Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template <- A
    Template format error: Unresolved condition dependency E in the Conditions block of the template <- E
    Template format error: Unresolved resource dependencies [B] in the Resources block of the template <- B
    Template format error: Unresolved resource dependencies [F] in the Resources block of the template <- F
    Template error: instance of Fn::GetAtt references undefined resource G <- G.H
    Template format error: Unresolved condition dependency I in the Resources block of the template <- I
    Template error: Mapping named 'J' is not present in the 'Mappings' section of template. <- J
    Template format error: Unresolved resource dependencies [K] in the Resources block of the template <- '${K}'
    Template format error: Unresolved condition dependency M in the Outputs block of the template <- M
    Template format error: Unresolved resource dependencies [L] in the Outputs block of the template <- L
    ");
}

#[test]
fn the_structure_must_be_a_templates() {
    let text = "Globals: {}\nParameters: {P: {Default: x}, Q: {Type: Number, Default: x}}\nResources:\n  A-B: {Type: T, Propertys: {}}\n  C: {Properties: {X: !Sub '${a b}'}}\nOutputs: {O: {}}";
    insta::assert_snapshot!(faults(text), @"
    Template format error: Every Parameters object must contain a Type member. <- P
    Template validation error: Parameter 'Q' must be a number <- x
    Invalid template property or properties [Globals] <- Globals
    Template format error: Resource name A-B is non alphanumeric. <- A-B
    Invalid template resource property 'Propertys' <- Propertys
    Template format error: [/Resources/C] Every Resources object must contain a Type member. <- C
    Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons, not `a b` <- '${a b}'
    Template format error: Every Outputs member must contain a Value object <- O
    ");
    insta::assert_snapshot!(faults("Resources: {}"), @"Template format error: At least one Resources member must be defined. <- Resources");
}

#[test]
fn null_is_refused_where_it_is_certain_to_be() {
    let text = "Parameters: {P: {Type: String, Default: }}\nMappings: {M: {a: {b: ~}}}\nResources:\n  A: {Type: T, Properties: }\n  B: {Type: T, DependsOn: , Metadata: {X: null}, Properties: {X: ~, Y: {Z: null}}}\n  C: {Type: 'Custom::T', Properties: {X: null}}\nOutputs: {O: {Value: null}}";
    insta::assert_snapshot!(faults(text).replace("<- \n", "<-\n"), @"
    [/Parameters/P/Default] 'null' values are not allowed in templates <-
    [/Mappings/M/a/b] 'null' values are not allowed in templates <- ~
    [/Resources/A/Properties] 'null' values are not allowed in templates <-
    [/Resources/B/DependsOn] 'null' values are not allowed in templates <-
    [/Resources/B/Properties/X] 'null' values are not allowed in templates <- ~
    [/Outputs/O/Value] 'null' values are not allowed in templates <- null
    ");
}

#[test]
fn calls_must_have_a_form_that_functions_take() {
    let text = "Conditions: {C: !Not [!Equals [a]], D: !And [!Condition C]}\nResources:\n  V: {Type: T}\n  A: {Type: T, Properties: {A: !GetAtt V, B: !If [C, x], C: !Reff V, D: {'Fn::Nope': x}, E: !Join [',', x], F: !Sub [a, b], G: !FindInMap [M, a], H: !Ref [V], I: !Select [0], J: !Split [a], K: !Cidr [a], L: !ToJsonString {a: b}}}\nOutputs: {O: {Value: !GetAtt [V]}}";
    insta::assert_snapshot!(faults(text), @"
    Template error: Mapping named 'M' is not present in the 'Mappings' section of template. <- M
    Template error: every Fn::Equals object requires a list of 2 string parameters. <- !Equals [a]
    Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters. <- !And [!Condition C]
    Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute <- V
    Template error: Fn::If requires a list argument with three elements <- !If [C, x]
    Template error: encountered unsupported function: Fn::Reff <- V
    Template error: encountered unsupported function: Fn::Nope <- {'Fn::Nope': x}
    Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined. <- !Join [',', x]
    Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string <- !Sub [a, b]
    Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value <- !FindInMap [M, a]
    Template format error: every Ref object must have a single String value. <- !Ref [V]
    Template error: Fn::Select requires a list argument with two elements: an integer index and a list <- !Select [0]
    Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split. <- !Split [a]
    Template error: every Fn::Cidr object requires two parameters, (1) a CIDR block and (2) a count, and an optional third, the number of subnet bits <- !Cidr [a]
    Template error: encountered unsupported function: Fn::ToJsonString <- !ToJsonString {a: b}
    Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute <- !GetAtt [V]
    ");
    let sound = "Resources:\n  V: {Type: T}\n  A: {Type: T, Properties: {A: !GetAtt [V, !Ref AWS::Region], B: !Join [',', !GetAZs ''], C: !GetStackOutput {StackName: x}, D: {Fn::Nope: x, Other: y}, E: !Sub 5, F: !Cidr [a, b], G: !Base64 {Ref: V}, H: {'Fn::GetAZs': }}}";
    assert_eq!(faults(sound), "");
}

#[test]
fn members_that_name_something_must_be_texts() {
    let text = "Resources:\n  A: {Type: T, Condition: No, DependsOn: [B, 1, !Ref B], DeletionPolicy: Keep, UpdateReplacePolicy: !Ref P}\n  B: {Type: T}\nOutputs: {O: {Value: x, Condition: Yes}}\nParameters: {P: {Type: Text}, Q: {Type: 'AWS::EC2::Thing::Id'}, R: {Type: 'List<Text>'}}";
    insta::assert_snapshot!(faults(text), @"
    Template format error: Unrecognized parameter type: Text <- Text
    Template format error: Unrecognized parameter type: List<Text> <- 'List<Text>'
    Template format error: Every Condition member must be a string. <- No
    Template format error: DependsOn must be a string or list of strings. <- 1
    Template format error: DependsOn must be a string or list of strings. <- B
    Template format error: Unrecognized DeletionPolicy Keep for resource A <- Keep
    Template format error: Every UpdateReplacePolicy member must be a string. <- P
    Template format error: Every Condition member must be a string. <- Yes
    ");
}

#[test]
fn the_language_extensions_are_no_macro_that_could_mend_a_template() {
    let extended = |rest: &str| faults(&format!("Transform: AWS::LanguageExtensions\n{rest}"));
    assert_eq!(
        extended(
            "Parameters: {P: {Type: String}}\nResources: {A: {Type: T, DeletionPolicy: !Ref P, Properties: {X: !Length [a], Y: !FindInMap [M, a, b, {DefaultValue: c}], Z: !Ref {Ref: P}}}}"
        ),
        ""
    );
    assert_eq!(extended("Resources: {A: {Type: T, DependsOn: A}}"), "Circular dependency between resources: [A] <- A");
    assert_eq!(extended("Resources: {'Fn::ForEach::X': [a, [b], {}], A: {Type: T, DependsOn: A}}"), "");
}

#[test]
fn circles_are_refused() {
    let text = "Resources:\n  A: {Type: T, DependsOn: B}\n  B: {Type: T, DependsOn: A}";
    insta::assert_snapshot!(faults(text), @"Circular dependency between resources: [A, B] <- A");
}

#[test]
fn what_a_macro_may_mend_is_left_to_it() {
    assert_eq!(faults("Transform: AWS::Serverless-2016-10-31\nGlobals: {}\nResources: {A: {X: !Ref B}}"), "");
}

#[test]
fn quotas_are_held_at_their_sections() {
    let many = |section: &str, count: usize, entry: &str| {
        let entries: Vec<_> = (0..count).map(|index| format!("  N{index}: {entry}\n")).collect();
        format!("{section}:\n{}", entries.concat())
    };
    let text = [
        many("Parameters", 201, "{Type: String, Default: x}"),
        many("Resources", 501, "{Type: T}"),
        many("Outputs", 201, "{Value: x}"),
    ];
    insta::assert_snapshot!(faults(&text.concat()), @"
    Template format error: Number of resources, 501, is greater than maximum allowed, 500 <- Resources
    Template format error: Number of parameters, 201, is greater than maximum allowed, 200 <- Parameters
    Template format error: Number of outputs, 201, is greater than maximum allowed, 200 <- Outputs
    ");
    let text = [
        many("Parameters", 200, "{Type: String, Default: x}"),
        many("Resources", 500, "{Type: T}"),
        many("Outputs", 200, "{Value: x}"),
    ];
    assert_eq!(faults(&text.concat()), "");
}

#[test]
fn a_description_has_so_many_bytes() {
    let described = |count| faults(&format!("Description: {}\nResources: {{A: {{Type: T}}}}", "é".repeat(count)));
    assert_eq!(described(512), "");
    assert!(described(513).starts_with("Template format error: 'Description' length is greater than 1024. <- éé"));
}

#[test]
fn a_variable_is_found_where_it_is_written() {
    let text = "Resources:\n  Z: {Type: T}\n  A:\n    Type: T\n    Properties:\n      X: !Sub |\n        é ${!B} ${Z.C}\n        ${ B }\n      Y: !Sub \"\\u0024{C}\"";
    let places: Vec<_> = Document::read(text).unwrap().faults().iter().map(|fault| &text[fault.place(text)]).collect();
    assert_eq!(places, ["${ B }", "\"\\u0024{C}\""], "what is not written plainly is the whole text");
}
