//! The role's own template.

use std::time::Duration;

use orch::aws::{Settings, StackSpec, Template};
use orch::cfn::Document;
use orch::grants::{Bootstrap, Holder, Purpose, Wanted, bootstrap};
use orch::iam::Policy;

use super::house::{Act, House, Step};
use super::story::SHORT;

/// Makes a stack of a template in account `dev` of an embedded AWS, and gives its status.
async fn created(text: &str) -> String {
    let house = House::new();
    let sessions = house.sessions().await;
    let dev = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
    let spec = StackSpec {
        name: "orch-role".to_owned(),
        template: Template::Text(text.into()),
        parameters: indexmap::IndexMap::new(),
        kept: Vec::new(),
        tags: indexmap::IndexMap::new(),
        capabilities: vec!["CAPABILITY_NAMED_IAM".to_owned()],
        settings: Settings::default(),
    };
    dev.create_stack(&spec, "once").await.unwrap();
    tokio::time::sleep(Duration::from_mins(10)).await;
    dev.stack("orch-role").await.unwrap().unwrap().status.to_string()
}

#[tokio::test(start_paused = true)]
async fn the_template_of_a_role_is_sound_and_has_the_role_that_the_plan_assumes_with_its_policy() {
    let ready = Step::new("bootstrap", Act::Apply, SHORT.0).ready();
    for for_templates in [false, true] {
        let wanted = Wanted { purposes: Purpose::USUAL.into(), strict: false, for_templates };
        let grants = ready.grants(&wanted);
        let dev = grants.iter().find(|grant| grant.holder == Holder::Account("dev".into())).unwrap();
        let more = Bootstrap { permissions_boundary: Some("arn:aws:iam::222222222222:policy/edge"), trust: None };
        let template = bootstrap(&ready.plan, &ready.sources, dev, &"dev".into(), more).unwrap();
        let text = serde_json::to_string_pretty(&template).unwrap();
        let document = Document::read(&text).unwrap();
        let faults = document.faults();
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(created(&text).await, "CREATE_COMPLETE");
        let role = &template["Resources"]["Role"]["Properties"];
        assert_eq!(role["RoleName"], "MasterAcctRole");
        assert_eq!(role["PermissionsBoundary"], "arn:aws:iam::222222222222:policy/edge");
        let trust = &role["AssumeRolePolicyDocument"]["Statement"][0];
        assert_eq!(trust["Principal"]["AWS"], "arn:aws:iam::111111111111:root");
        assert_eq!(trust["Action"], "sts:AssumeRole");
        if !for_templates {
            let policy = &role["Policies"][0]["PolicyDocument"];
            assert_eq!(Policy::of_json(policy).unwrap(), dev.policy);
        }
    }
    let grants = ready.grants(&Wanted { purposes: Purpose::USUAL.into(), strict: false, for_templates: false });
    let master = grants.iter().find(|grant| grant.role.is_none()).unwrap();
    let error = bootstrap(&ready.plan, &ready.sources, master, &"master".into(), Bootstrap::default()).unwrap_err();
    assert!(error.to_string().contains("no role is assumed"), "{error}");
}
