//! Parameters whose values are read in Systems Manager and in Secrets Manager.

use std::io;
use std::path::Path;
use std::time::Duration;

use orch::plan::Files;
use orch::preview::{Action, Preview, Shown};
use orch::sim::stored::Given;
use orch::sim::{Effect, Fault, Faults, Outcome, Place, Sim, Timing};

use crate::in_process::{Ready, read};

const TEMPLATE: &str = "\
Parameters: {Open: {Type: String, Default: ''}, Hidden: {Type: String, NoEcho: true, Default: ''}}
Resources:
  Gateway: {Type: AWS::EC2::InternetGateway, Properties: {Tags: [{Key: Open, Value: !Ref Open}, {Key: Hidden, Value: !Ref Hidden}]}}
Outputs:
  Name: {Value: db}
";

struct Texts(String);

impl Files for Texts {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let is_plan = path.extension().is_some_and(|extension| extension == "toml");
        Ok(if is_plan { self.0.clone() } else { TEMPLATE.to_owned() }.into_bytes())
    }
}

/// A plan with these stacks; the account `dev` is reached by a role.
fn plan(stacks: &str) -> Ready {
    let head = "name = \"elsewhere\"\nregion = \"us-east-1\"\n[accounts]\nmaster = { id = \"111111111111\" }\n\
                dev = { id = \"222222222222\", role = \"Deploy\" }\n[defaults.stacks]\ntemplate = \"t.yaml\"\naccount = \"dev\"\n";
    read("plan.toml", &Texts(format!("{head}{stacks}")))
}

fn place(account: &str, region: &str) -> Place {
    Place { account: account.parse().unwrap(), region: region.into() }
}

fn sim() -> Sim {
    let parameter = |name: &str, value: &str| Given::Parameter(name.to_owned(), value.to_owned(), true);
    let secret = |name: &str, text: &str| Given::Secret(name.to_owned(), text.to_owned());
    Sim::builder()
        .timing(Timing::instant())
        .stored(place("222222222222", "us-east-1"), parameter("/own", "of-dev"))
        .stored(place("111111111111", "eu-west-1"), parameter("/far", "of-master-in-europe"))
        .stored(
            place("222222222222", "us-east-1"),
            secret("db", r#"{"user": "admin", "password": "hunter22", "port": 5432, "list": []}"#),
        )
        .stored(place("222222222222", "us-east-1"), secret("text", "no json"))
        .build()
}

/// The values of a resource's tags in the stack of a node.
fn tags(sim: &Sim, place: &Place) -> Vec<(String, String)> {
    let gateways =
        sim.inspect(|world| world.ec2(place).internet_gateways.values().cloned().collect::<Vec<_>>()).unwrap();
    let tags = gateways.iter().flat_map(|gateway| gateway.tags.iter());
    let own = tags.filter(|(key, _)| ["Open", "Hidden"].contains(&key.as_str()));
    let mut own: Vec<(String, String)> = own.map(|(key, value)| (key.to_string(), value.to_string())).collect();
    own.sort();
    own
}

fn count(sim: &Sim, operation: &str) -> usize {
    sim.calls().iter().filter(|call| &*call.operation == operation && call.outcome == Outcome::Succeeded).count()
}

/// What is done with a node, and its parameters as they are shown.
type Told = (Action, Vec<(String, Option<Shown>)>);

fn shown(preview: &Preview) -> Vec<Told> {
    let parameters = |node: &orch::preview::Foreseen| {
        node.parameters.iter().map(|one| (one.name.clone(), one.after.clone())).collect()
    };
    preview.nodes.iter().map(|node| (node.action, parameters(node))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_value_is_read_where_it_is_and_a_changed_one_is_an_update_that_shows_neither() {
    let plan = plan(
        "[stacks.one]\nparameters = { Open = { ssm = \"/far\", account = \"master\", region = \"eu-west-1\" }, \
         Hidden = { secret = \"db\", key = \"password\" } }\n",
    );
    let sim = sim();
    let (preview, tally) = plan.preview(&sim, true).await;
    let hidden = |name: &str| (name.to_owned(), Some(Shown::Hidden));
    assert_eq!(shown(&preview), [(Action::Create, vec![hidden("Open"), hidden("Hidden")])]);
    assert_eq!((tally.done, tally.changed), (1, 1));
    let dev = place("222222222222", "us-east-1");
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(tags(&sim, &dev), [pair("Hidden", "hunter22"), pair("Open", "of-master-in-europe")]);
    // Whose session it was.
    let at = |operation: &str| {
        let calls = sim.calls();
        let call = calls.iter().find(|call| &*call.operation == operation).unwrap();
        (call.account.clone().unwrap().to_string(), call.region.to_string())
    };
    assert_eq!(at("GetParameter"), ("111111111111".to_owned(), "eu-west-1".to_owned()));
    assert_eq!(at("GetSecretValue"), ("222222222222".to_owned(), "us-east-1".to_owned()));
    let (again, _) = plan.preview(&sim, false).await;
    assert_eq!(again.nodes[0].action, Action::Nothing, "{again:?}");
    let given = Given::Parameter("/far".to_owned(), "another-value".to_owned(), true);
    sim.store(&place("111111111111", "eu-west-1"), &given).unwrap();
    let (changed, tally) = plan.preview(&sim, true).await;
    assert_eq!(shown(&changed), [(Action::Update, vec![hidden("Open")])]);
    assert_eq!(changed.nodes[0].parameters[0].before, Some(Shown::Hidden));
    assert_eq!(tally.changed, 1);
    assert!(tags(&sim, &dev).contains(&pair("Open", "another-value")));
}

#[tokio::test(start_paused = true)]
async fn what_a_fleet_takes_is_read_once_and_again_when_it_has_aged() {
    let plan = plan(
        "[stacks.one]\nfor_each = [\"a\", \"b\", \"c\", \"d\"]\nparameters = { Open = { ssm = \"/own\" } }\n\
         [stacks.last]\ndepends_on = [\"stacks.one\"]\nparameters = { Open = { ssm = \"/own\" } }\n",
    );
    let sim = sim();
    let (_, tally) = plan.preview(&sim, true).await;
    assert_eq!((tally.done, count(&sim, "GetParameter")), (5, 1));
    // A run that takes long reads it again for those that begin later.
    let slow = Timing { resource: Duration::from_mins(3), ..Timing::instant() };
    let sim = Sim::builder()
        .timing(slow)
        .stored(place("222222222222", "us-east-1"), Given::Parameter("/own".to_owned(), "of-dev".to_owned(), false))
        .build();
    let (_, tally) = plan.preview(&sim, true).await;
    assert_eq!((tally.done, count(&sim, "GetParameter")), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_another_stack_gives_is_waited_for_and_so_is_what_may_still_be_made() {
    let plan = plan(
        "[stacks.db]\n[stacks.app]\nparameters = { Hidden = { secret = \"{{ stacks.db.outputs.Name }}\", key = \"port\" } }\n\
         [stacks.late]\ndepends_on = [\"stacks.db\"]\nparameters = { Open = { ssm = \"/made-by-db\" } }\n",
    );
    let sim = sim();
    let (preview, _) = plan.preview(&sim, false).await;
    let until = |node: usize| preview.nodes[node].until.iter().map(|until| until.node.to_string()).collect::<Vec<_>>();
    assert_eq!(preview.nodes[1].failure, None);
    assert_eq!((until(2), preview.nodes[2].failure.clone()), (vec!["stacks.db".to_owned()], None));
    let given = Given::Parameter("/made-by-db".to_owned(), "made".to_owned(), false);
    sim.store(&place("222222222222", "us-east-1"), &given).unwrap();
    let (_, tally) = plan.preview(&sim, true).await;
    assert_eq!((tally.done, tally.failed), (3, 0));
    let tags = tags(&sim, &place("222222222222", "us-east-1"));
    assert!(tags.iter().any(|(_, value)| value == "5432") && tags.iter().any(|(_, value)| value == "made"), "{tags:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_told_with_its_place_and_what_to_do() {
    let denied = |operation: &str, effect: Effect| {
        let fault = Fault::new(effect).on(operation);
        Faults { calls: vec![fault], ..Faults::default() }
    };
    for (value, faults, says, help) in [
        (
            "{ ssm = \"/none\" }",
            Faults::default(),
            "ParameterNotFound",
            "store it in Systems Manager of account dev in us-east-1",
        ),
        (
            "{ secret = \"none\" }",
            Faults::default(),
            "ResourceNotFoundException",
            "store it in Secrets Manager of account dev",
        ),
        ("{ secret = \"db\", stage = \"OTHER\" }", Faults::default(), "staging label: OTHER", "correct its name"),
        (
            "{ secret = \"db\", key = \"none\" }",
            Faults::default(),
            "has no field `none`",
            "it has user, password, port, list",
        ),
        (
            "{ secret = \"db\", key = \"list\" }",
            Faults::default(),
            "neither a text nor a number",
            "name a field that is one",
        ),
        ("{ secret = \"text\", key = \"a\" }", Faults::default(), "holds no JSON object", "take `key` away"),
        (
            "{ ssm = \"/own\" }",
            denied("GetParameter", Effect::AccessDenied),
            "is not authorized",
            "allow ssm:GetParameter",
        ),
        (
            "{ secret = \"db\" }",
            denied("GetSecretValue", Effect::AccessDenied),
            "is not authorized",
            "allow secretsmanager:GetSecretValue",
        ),
    ] {
        let sim = sim();
        sim.set_faults(faults);
        let (preview, _) =
            plan(&format!("[stacks.one]\nparameters = {{ Hidden = {value} }}\n")).preview(&sim, false).await;
        let failure = preview.nodes[0].failure.clone().unwrap_or_else(|| panic!("{value}: {preview:?}"));
        assert_eq!(failure.summary, "the value of parameter Hidden cannot be read", "{value}");
        assert!(failure.cause.contains(says), "{value}: {}", failure.cause);
        assert!(failure.help.iter().any(|line| line.contains(help)), "{value}: {:?}", failure.help);
        assert_eq!(failure.place.as_deref(), Some("plan.toml:10:25"), "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_outlasts_throttles_an_outage_and_a_session_that_has_ended() {
    let plan = plan(
        "[stacks.one]\nparameters = { Open = { ssm = \"/own\" }, Hidden = { secret = \"db\", key = \"password\" } }\n",
    );
    for effect in [Effect::Throttle, Effect::ServerError, Effect::Expired, Effect::LostAfter, Effect::Refused] {
        let sim = sim();
        let fault = |operation: &str| Fault { first: Some(1), ..Fault::new(effect).on(operation) };
        sim.set_faults(Faults { calls: vec![fault("GetParameter"), fault("GetSecretValue")], ..Faults::default() });
        let (_, tally) = plan.preview(&sim, true).await;
        assert_eq!((tally.done, tally.failed), (1, 0), "{effect:?}");
    }
}
