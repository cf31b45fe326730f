use super::{Bench, NET};

#[test]
fn a_stacks_policy_and_its_protection_are_kept() {
    let mut bench = Bench::new();
    bench.created("net", NET);
    assert_eq!(bench.ok("GetStackPolicy", &[("StackName", "net")]), "");
    bench.ok("SetStackPolicy", &[("StackName", "net"), ("StackPolicyBody", "{}")]);
    assert_eq!(bench.ok("GetStackPolicy", &[("StackName", "net")]), "<StackPolicyBody>{}</StackPolicyBody>");
    for (enabled, deleted) in [("true", false), ("false", true)] {
        let params = [("StackName", "net"), ("EnableTerminationProtection", enabled)];
        bench.ok("UpdateTerminationProtection", &params);
        let xml = bench.ok("DescribeStacks", &[("StackName", "net")]);
        assert!(
            xml.contains(&format!("<EnableTerminationProtection>{enabled}</EnableTerminationProtection>")),
            "{xml}"
        );
        assert_eq!(bench.ask("DeleteStack", &[("StackName", "net")]).is_ok(), deleted);
    }
}

#[test]
fn a_world_goes_on_after_it_was_written_and_read_in_the_middle_of_everything() {
    let mut bench = Bench::new();
    bench.created("old", NET);
    bench.ok("UpdateStack", &[("StackName", "old"), ("TemplateBody", &NET.replace("10.0.1.0", "10.0.2.0"))]);
    bench.create("new", NET);
    bench.wait(1500);
    let text = serde_json::to_string(&bench.world).unwrap();
    let mut copy = Bench::new();
    copy.world = serde_json::from_str(&text).unwrap();
    copy.world.rules = bench.world.rules.clone();
    for bench in [&mut bench, &mut copy] {
        bench.settle();
        assert_eq!((bench.status("old"), bench.status("new")), ("UPDATE_COMPLETE", "CREATE_COMPLETE"));
    }
    assert_eq!(bench.story("old"), copy.story("old"));
    assert_eq!(bench.story("new"), copy.story("new"));
}
