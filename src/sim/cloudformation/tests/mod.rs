//! `CloudFormation` as its callers see it: by calls of the handler, and by the real SDK client over HTTP.

use std::time::Duration;

use jiff::Timestamp;

use super::Stack;
use crate::sim::caller::Caller;
use crate::sim::wire::{ApiError, Params, Request, Service};
use crate::sim::world::{Place, World, later};
use crate::sim::{ResourceFault, Timing, dispatch};

mod change_sets;
mod client;
mod creation;
mod deletion;
mod drift;
mod exports;
mod guards;
mod made_up;
mod nested;
mod resources;
mod revert;
mod rollback;
mod seeded;
mod settings;
mod templates;
mod updates;

const ACCOUNT: &str = "111111111111";

/// A VPC with a subnet, a table and a way out.
const NET: &str = "
Parameters:
  Range: {Type: String, Default: 10.0.0.0/16}
  Part: {Type: String, Default: 10.0.1.0/24}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Range}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: !Ref Part, AvailabilityZone: !Select [0, !GetAZs '']}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Association: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}}
Outputs:
  VpcId: {Value: !Ref Vpc}
  Range: {Value: !GetAtt Vpc.CidrBlock}
";

/// A world, one place in it, and a way to ask.
struct Bench {
    world: World,
    place: Place,
}

impl Bench {
    /// Every resource takes a second.
    fn new() -> Self {
        let place = Place { account: ACCOUNT.parse().unwrap(), region: "us-east-1".into() };
        let mut world = World::new(1, Timestamp::constant(1_767_225_600, 0));
        world.rules.timing =
            Timing { gateway: Duration::from_millis(500), resource: Duration::from_secs(1), ..Timing::default() };
        Self { world, place }
    }

    /// What an operation answers, as XML.
    fn ask(&mut self, operation: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
        self.ask_service(Service::CloudFormation, operation, params)
    }

    /// The same of EC2.
    fn ask_ec2(&mut self, operation: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
        self.ask_service(Service::Ec2, operation, params)
    }

    fn ask_service(&mut self, service: Service, operation: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(params);
        let request = Request {
            service,
            operation: operation.to_owned(),
            place: self.place.clone(),
            caller: Caller {
                account: self.place.account.clone(),
                arn: format!("arn:aws:iam::{ACCOUNT}:user/test"),
                user_id: "AIDATEST".to_owned(),
                is_role: false,
                mfa: false,
            },
            params: Params::parse(form.finish().as_bytes()),
        };
        dispatch::handle(&mut self.world, &request).map(|reply| reply.body)
    }

    #[track_caller]
    fn ok(&mut self, operation: &str, params: &[(&str, &str)]) -> String {
        self.ask(operation, params).unwrap()
    }

    /// The code and the message of an error.
    #[track_caller]
    fn refused(&mut self, operation: &str, params: &[(&str, &str)]) -> String {
        self.ask(operation, params).unwrap_err().to_string()
    }

    /// Begins to create a stack.
    #[track_caller]
    fn create(&mut self, name: &str, template: &str) {
        self.ok("CreateStack", &[("StackName", name), ("TemplateBody", template)]);
    }

    /// Creates a stack and waits until it stands.
    #[track_caller]
    fn created(&mut self, name: &str, template: &str) {
        self.create(name, template);
        self.settle();
        assert_eq!(self.status(name), "CREATE_COMPLETE", "{}", self.story(name));
    }

    /// Updates a stack to a template and waits until that is over.
    #[track_caller]
    fn updated(&mut self, name: &str, template: &str) {
        self.ok("UpdateStack", &[("StackName", name), ("TemplateBody", template)]);
        self.settle();
    }

    fn wait(&mut self, millis: u64) {
        let until = later(self.world.now, Duration::from_millis(millis));
        self.world.advance(until);
    }

    /// Goes on until no stack is at work, for an hour at most.
    fn settle(&mut self) {
        let end = later(self.world.now, Duration::from_hours(1));
        while self.world.at(&self.place).cloudformation.stacks.values().any(|stack| stack.status.is_in_progress()) {
            match self.world.next_due() {
                Some(due) if due <= end => {
                    self.world.advance(due);
                }
                _ => panic!("a stack is stuck"),
            }
        }
    }

    #[track_caller]
    fn stack(&self, name: &str) -> &Stack {
        self.world.at(&self.place).cloudformation.find(name).unwrap()
    }

    #[track_caller]
    fn status(&self, name: &str) -> &'static str {
        self.stack(name).status.as_str()
    }

    #[track_caller]
    fn output<'a>(&'a self, name: &str, key: &str) -> &'a str {
        &self.stack(name).outputs.iter().find(|output| output.key == key).unwrap().value
    }

    #[track_caller]
    fn id(&self, name: &str, logical_id: &str) -> String {
        self.stack(name).resources[logical_id].id().to_owned()
    }

    /// A stack's events, oldest first: the time in seconds, what, which state, why.
    #[track_caller]
    fn story(&self, name: &str) -> String {
        let stack = self.stack(name);
        let lines = stack.events.iter().map(|event| {
            let millis = event.at.as_millisecond() - stack.created.as_millisecond();
            let reason = event.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "a test's seconds are few")]
            let seconds = millis as f64 / 1000.0;
            format!("{seconds:.1} {} {}{reason}", event.logical_id, event.status)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Lets a resource fail.
    fn fail(&mut self, logical_id: &str, action: &str) {
        self.world.rules.faults.resources.push(ResourceFault {
            logical_id: Some(logical_id.to_owned()),
            action: Some(action.to_owned()),
            reason: "Planned".to_owned(),
            ..ResourceFault::default()
        });
    }

    /// Lets nothing fail any more.
    fn mend(&mut self) {
        self.world.rules.faults.resources.clear();
    }
}
