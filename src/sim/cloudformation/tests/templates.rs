use super::{Bench, NET};

#[test]
fn a_template_comes_back_as_it_was_but_for_what_is_not_ascii() {
    let mut bench = Bench::new();
    bench.created("net", &format!("Description: Zürich\n{NET}"));
    let xml = bench.ok("GetTemplate", &[("StackName", "net")]);
    assert!(xml.starts_with("<TemplateBody>Description: Z?rich\n\nParameters:"), "{xml}");
    assert!(bench.ok("DescribeStacks", &[]).contains("<Description>Z?rich</Description>"));
}

#[test]
fn a_template_is_validated_and_summed_up() {
    let mut bench = Bench::new();
    let template = "Parameters: {P: {Type: String, NoEcho: true, AllowedValues: [a, '<b>']}}\nResources: {R: {Type: AWS::IAM::Role}}";
    insta::assert_snapshot!(bench.ok("ValidateTemplate", &[("TemplateBody", template)]), @"<Parameters><member><ParameterKey>P</ParameterKey><NoEcho>true</NoEcho></member></Parameters><Capabilities><member>CAPABILITY_IAM</member></Capabilities><CapabilitiesReason>The following resource(s) require capabilities: [AWS::IAM::Role]</CapabilitiesReason><DeclaredTransforms></DeclaredTransforms>");
    insta::assert_snapshot!(bench.ok("GetTemplateSummary", &[("TemplateBody", template)]), @"<Parameters><member><ParameterKey>P</ParameterKey><ParameterType>String</ParameterType><NoEcho>true</NoEcho><ParameterConstraints><AllowedValues><member>a</member><member>&lt;b&gt;</member></AllowedValues></ParameterConstraints></member></Parameters><Capabilities><member>CAPABILITY_IAM</member></Capabilities><CapabilitiesReason>The following resource(s) require capabilities: [AWS::IAM::Role]</CapabilitiesReason><DeclaredTransforms></DeclaredTransforms><ResourceTypes><member>AWS::IAM::Role</member></ResourceTypes>");
    insta::assert_snapshot!(bench.refused("ValidateTemplate", &[]), @"ValidationError: Either Template URL or Template Body must be specified.");
}

#[test]
fn a_template_with_a_type_that_is_none_is_refused() {
    let mut bench = Bench::new();
    let refused = |bench: &mut Bench, resources: &str| {
        let template = format!("Conditions: {{C: !Equals [a, b]}}\nResources: {resources}");
        bench.ask("ValidateTemplate", &[("TemplateBody", &template)]).err().map(|error| error.to_string())
    };
    let found = refused(&mut bench, "{A: {Type: Topic}, B: {Type: 'AWS::SNS::Topic'}, C: {Type: 'AWS::Queue'}}");
    let message = "ValidationError: Template format error: Unrecognized resource types: [AWS::Queue, Topic]";
    assert_eq!(found.as_deref(), Some(message));
    assert_eq!(refused(&mut bench, "{A: {Type: Topic, Condition: C}, B: {Type: 'My::Own::Net::MODULE'}}"), None);
    assert_eq!(refused(&mut bench, "{A: {Type: Topic, Properties: !Transform {Name: M}}}"), None);
}

#[test]
fn secrets_are_not_told() {
    let mut bench = Bench::new();
    let template = "Parameters: {P: {Type: String, NoEcho: true, Default: secret}}\nResources: {G: {Type: AWS::EC2::InternetGateway}}";
    bench.created("s", template);
    let xml = bench.ok("DescribeStacks", &[("StackName", "s")]);
    assert!(xml.contains("<ParameterValue>****</ParameterValue>") && !xml.contains("secret"));
}

#[test]
fn conditions_decide_what_exists() {
    let mut bench = Bench::new();
    let template = "
Parameters: {Public: {Type: String, Default: 'false'}}
Conditions: {IsPublic: !Equals [!Ref Public, 'true']}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, EnableDnsHostnames: !If [IsPublic, true, !Ref AWS::NoValue]}}
  Gateway: {Type: AWS::EC2::InternetGateway, Condition: IsPublic}
Outputs:
  Gateway: {Value: !Ref Gateway, Condition: IsPublic}
  Kind: {Value: !If [IsPublic, public, private]}
";
    bench.created("a", template);
    assert_eq!(bench.stack("a").resources.keys().collect::<Vec<_>>(), ["Vpc"]);
    assert_eq!(bench.output("a", "Kind"), "private");
    bench.updated("a", &template.replace("'false'", "'true'"));
    assert_eq!(bench.status("a"), "UPDATE_COMPLETE", "{}", bench.story("a"));
    assert_eq!(bench.output("a", "Gateway"), bench.id("a", "Gateway"));
}

#[test]
fn the_shipped_templates_stand_within_seconds() {
    let templates =
        [include_str!("../../../../plans/templates/hub.yaml"), include_str!("../../../../plans/templates/spoke.yaml")];
    for template in templates {
        let mut bench = Bench::new();
        let document = crate::cfn::Document::read(template).unwrap();
        let mut params =
            vec![("StackName".to_owned(), "net".to_owned()), ("TemplateBody".to_owned(), template.to_owned())];
        let mut number = 0;
        for parameter in document.parameters.values().filter(|parameter| parameter.default.is_none()) {
            let value =
                if parameter.name == "CidrBlock" { "10.0.0.0/20".to_owned() } else { format!("10.0.{number}.0/24") };
            number += 1;
            params.push((format!("Parameters.member.{number}.ParameterKey"), parameter.name.clone()));
            params.push((format!("Parameters.member.{number}.ParameterValue"), value));
        }
        let params: Vec<(&str, &str)> = params.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        bench.ok("CreateStack", &params);
        bench.settle();
        assert_eq!(bench.status("net"), "CREATE_COMPLETE", "{}", bench.story("net"));
        let last = bench.story("net").lines().last().unwrap().to_owned();
        assert!(last.starts_with("3.0 ") || last.starts_with("4.0 "), "{last}");
        let xml = bench.ok("DescribeStacks", &[]);
        for output in ["VPCId", "VPCCIDRBlock", "RouteTableId", "InternalRouteTableA", "InternalRouteTableB"] {
            assert!(xml.contains(&format!("<OutputKey>{output}</OutputKey>")), "{output}");
        }
    }
}
