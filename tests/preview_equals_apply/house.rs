//! A world for one case, and the commands that are tried in it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orch::aws::{Environment, Regional, Sessions, StackSpec};
use orch::diag::{Problem, Sources};
use orch::engine::{Limits, Settings};
use orch::event::{Command, Event};
use orch::graph::{Graph, of_plan};
use orch::inventory::{Inventory, News};
use orch::kinds::stack::ChangeSets;
use orch::plan::{Files, Given, Plan, load};
use orch::preview::{Changed, Preview, Saved, changed};
use orch::report::{Palette, preview_text};
use orch::run::{Gathered, Job, Looking, Means, Outlooks, execute, foresee, specs};
use orch::sim::ec2::Tags;
use orch::sim::s3::{Bucket, Encryption, Object};
use orch::sim::world::Place;
use orch::sim::{Sim, World};
use orch::simulate::{Live, read, simulate};
use tokio::sync::mpsc;

use super::cases::{Case, Hand};
use super::files::{Edit, text};

struct Edited(&'static [Edit]);

impl Files for Edited {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        text(name, self.0).map(String::into_bytes).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// A plan, ready to be run.
pub(crate) struct Ready {
    pub(crate) plan: Arc<Plan>,
    pub(crate) graph: Arc<Graph>,
    pub(crate) sources: Arc<Sources>,
}

pub(crate) fn ready(edits: &'static [Edit]) -> Ready {
    let loaded = load(Path::new("plan.toml"), &Edited(edits), &Given { vars: &[], env: &|_| None });
    assert!(!loaded.problems.iter().any(Problem::is_error), "{:?}", loaded.problems);
    let plan = loaded.plan.unwrap();
    let graph = of_plan(&plan).unwrap();
    Ready { plan: Arc::new(plan), graph: Arc::new(graph), sources: Arc::new(loaded.sources) }
}

/// A plan that is tried, and how.
#[derive(Clone, Copy)]
pub(crate) struct Tried {
    pub(crate) edits: &'static [Edit],
    /// Whether the nodes are taken over, and whether from others too.
    pub(crate) taking: Option<bool>,
    /// Whether drift is taken back.
    pub(crate) reverts_drift: bool,
}

impl Tried {
    fn job(self) -> (Arc<Job>, Arc<Sources>) {
        let Ready { plan, graph, sources } = ready(self.edits);
        let chosen = vec![true; plan.nodes.len()];
        let job = Job::apply(plan, graph, &chosen);
        let job = match self.taking {
            Some(from_others) => job.taking_over(from_others),
            None => job,
        };
        (Arc::new(job.reverting_drift(self.reverts_drift)), sources)
    }
}

/// What a preview leaves for the run.
pub(crate) struct Ahead {
    pub(crate) outlooks: Arc<Outlooks>,
    pub(crate) change_sets: Arc<ChangeSets>,
}

impl Ahead {
    /// Deletes the change sets that were made.
    pub(crate) async fn sweep(&self) {
        self.change_sets.sweep().await;
    }
}

/// A world with what a case puts into it.
pub(crate) struct House {
    pub(crate) sim: Sim,
    pub(crate) sessions: Arc<Sessions>,
    /// What is remembered of earlier runs.
    pub(crate) inventory: Mutex<Inventory>,
}

/// Sessions at an embedded AWS for a job's accounts.
async fn open(sim: &Sim, job: &Job) -> Arc<Sessions> {
    let keys = sim.clone();
    let environment =
        Environment::given(sim.http_client(), sim.time_source(), move |_| Some(keys.credentials("111111111111")));
    Arc::new(Sessions::open(&specs(&[job]), &environment).await.unwrap())
}

pub(crate) const SETTINGS: Settings = Settings { limits: Limits::UNLIMITED, fail_fast: false };

impl House {
    /// The world as the case has it before the plan that is tried.
    pub(crate) async fn build(case: &Case) -> Self {
        let sim = Sim::builder().build();
        let Ready { plan, graph, .. } = ready(&[]);
        let whole = Job::apply(Arc::clone(&plan), graph, &vec![true; plan.nodes.len()]);
        let sessions = open(&sim, &whole).await;
        let house = Self { sim, sessions, inventory: Mutex::new(Inventory::empty("net")) };
        house.publish(&[]);
        if let Some(before) = case.before {
            let ahead = Ahead { outlooks: Arc::default(), change_sets: Arc::default() };
            let told = house.apply(Tried { edits: before, taking: None, reverts_drift: false }, ahead).await;
            let failed = told.iter().find(|event| matches!(event, Event::NodeFailed { .. }));
            assert!(failed.is_none(), "{}: {failed:?}", case.name);
        }
        for hand in case.by_hand {
            house.by_hand(*hand).await;
        }
        house
    }

    /// How many changes there were so far, those of change sets and of the templates that they need aside.
    pub(crate) fn changes(&self) -> usize {
        let changes = |operation: &str| {
            !["Describe", "Get", "Head", "List", "AssumeRole"].iter().any(|verb| operation.starts_with(verb))
                && !operation.ends_with("ChangeSet")
                && operation != "PutObject"
        };
        self.sim.calls().iter().filter(|call| changes(&call.operation)).count()
    }

    /// Puts templates where a plan, or another template, may name them by their URLs.
    fn publish(&self, edits: &[Edit]) {
        let texts = ["hub.yaml", "part.yaml"].map(|name| (name, text(name, edits).unwrap()));
        let put = |world: &mut World| {
            let place = Place { account: "111111111111".parse().unwrap(), region: "eu-west-1".into() };
            world.buckets.insert("net-templates".to_owned(), Bucket { place, created: world.now });
            for (name, text) in texts {
                let encryption = Encryption { algorithm: "AES256".to_owned(), kms_key: None };
                let object = Object { text, content_type: None, encryption, modified: world.now };
                world.objects.insert(format!("net-templates/{name}"), object);
            }
        };
        self.sim.change(put).unwrap();
    }

    fn at(&self, account: &str) -> Regional {
        self.sessions.region(&account.into(), &"us-east-1".into()).unwrap()
    }

    async fn by_hand(&self, hand: Hand) {
        let (master, dev) = (self.at("master"), self.at("dev"));
        let peering = dev.every_peering().await.unwrap().into_iter().find(|peering| peering.state.is_live());
        let table = async |regional: &Regional, stack: &str| {
            let stack = regional.stack(stack).await.unwrap().unwrap();
            stack.outputs["TableId"].clone()
        };
        match hand {
            Hand::DeletePeering => dev.delete_peering(&peering.unwrap().id).await.unwrap(),
            Hand::TagPeering(key, value) => {
                let tags = [(key.to_owned(), value.to_owned())].into();
                dev.set_tags(&peering.unwrap().id, &tags).await.unwrap();
            }
            Hand::DeleteRoute => {
                dev.delete_route(&table(&dev, "net-spoke").await, "10.0.0.0/16").await.unwrap();
            }
            Hand::LeadElsewhere => {
                let table = table(&dev, "net-spoke").await;
                dev.delete_route(&table, "10.0.0.0/16").await.unwrap();
                let gateway = dev.stack("gateway").await.unwrap().unwrap().outputs["Id"].clone();
                dev.create_route(&table, "10.0.0.0/16", orch::aws::RouteTarget::Gateway, &gateway).await.unwrap();
            }
            Hand::Unmark => self.mark(&[]),
            Hand::MarkForOthers => self.mark(&[("orch:plan", "other"), ("orch:node", "stacks/other")]),
            Hand::Stack(account, name, template) => {
                self.create(account, name, template, &[]).await;
                tokio::time::sleep(Duration::from_mins(10)).await;
            }
            Hand::Begun(account, name, template) => self.create(account, name, template, &[]).await,
            Hand::Broken(account, name, node) => {
                let tags = [("orch:plan", "net"), ("orch:node", node)];
                self.create(account, name, "Resources: {Odd: {Type: AWS::EC2::Odd}}\n", &tags).await;
                tokio::time::sleep(Duration::from_mins(10)).await;
            }
            Hand::DeleteStack(account, name) => {
                let stack = self.at(account).stack(name).await.unwrap().unwrap();
                self.at(account).delete_stack(&stack.id, "by-hand").await.unwrap();
                tokio::time::sleep(Duration::from_mins(10)).await;
            }
            Hand::Ec2(account, change) => {
                let account = self.at(account).account_id().clone();
                let place = orch::sim::Place { account, region: "us-east-1".into() };
                self.sim
                    .change(|world| {
                        let own =
                            world.accounts.get_mut(&place.account).unwrap().regions.get_mut(&place.region).unwrap();
                        change(&mut own.ec2);
                    })
                    .unwrap();
            }
            Hand::Request => {
                let vpc = async |regional: &Regional, stack: &str| {
                    regional.stack(stack).await.unwrap().unwrap().outputs["VpcId"].clone()
                };
                let tags = [("orch:plan", "net"), ("orch:node", "peerings/link")];
                let request = orch::aws::PeeringRequest {
                    vpc: vpc(&dev, "net-spoke").await,
                    peer_vpc: vpc(&master, "net-hub").await,
                    peer_account: master.account_id().to_string(),
                    peer_region: "us-east-1".to_owned(),
                    tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect(),
                };
                dev.request_peering(&request).await.unwrap();
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
        }
    }

    /// Has resources of a type take a minute.
    pub(crate) fn slow(&self, kind: &str) {
        let slow =
            |world: &mut World| world.rules.timing.resource_types.insert(kind.to_owned(), Duration::from_mins(1));
        self.sim.change(slow).unwrap();
    }

    /// Puts other tags of orch in place of those that everything has.
    fn mark(&self, marks: &[(&str, &str)]) {
        let mark = |tags: &mut Tags| {
            let was_marked = tags.contains_key("orch:plan");
            tags.retain(|key, _| !key.starts_with("orch:"));
            if was_marked {
                tags.extend(marks.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
            }
        };
        let all = |world: &mut World| {
            for regional in world.accounts.values_mut().flat_map(|account| account.regions.values_mut()) {
                for stack in regional.cloudformation.stacks.values_mut() {
                    stack.config.iter_mut().for_each(|config| mark(&mut config.tags));
                    stack.resources.values_mut().for_each(|resource| mark(&mut resource.tags));
                }
            }
            world.peerings.values_mut().for_each(|peering| mark(&mut peering.requester.tags));
        };
        self.sim.change(all).unwrap();
    }

    async fn create(&self, account: &str, name: &str, template: &str, tags: &[(&str, &str)]) {
        let spec = StackSpec {
            name: name.to_owned(),
            template: orch::aws::Template::Text(template.replace("@VPC", &self.vpc(account).await).into()),
            parameters: indexmap::IndexMap::new(),
            kept: Vec::new(),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            capabilities: Vec::new(),
            settings: orch::aws::Settings::default(),
        };
        self.at(account).create_stack(&spec, name).await.unwrap();
    }

    /// The VPC of the plan's stack in an account, if there is one.
    async fn vpc(&self, account: &str) -> String {
        let name = if account == "master" { "net-hub" } else { "net-spoke" };
        let stack = self.at(account).stack(name).await.unwrap();
        stack.and_then(|stack| stack.outputs.get("VpcId").cloned()).unwrap_or_default()
    }

    /// What a plan would do.
    pub(crate) async fn preview(&self, tried: Tried, read_only: bool) -> (Preview, Ahead) {
        let ahead = Ahead { outlooks: Arc::default(), change_sets: Arc::default() };
        self.look(tried, read_only, ahead).await
    }

    /// The same, saved.
    pub(crate) async fn save(&self, tried: Tried) -> Saved {
        let ahead = Ahead { outlooks: Arc::default(), change_sets: Arc::new(ChangeSets::to_be_saved()) };
        let (preview, ahead) = self.look(tried, false, ahead).await;
        let saved = Saved {
            made: 0,
            plan: "plan.toml".to_owned(),
            local: true,
            only: Vec::new(),
            skip: Vec::new(),
            skip_resource: Vec::new(),
            variables: Vec::new(),
            accounts: BTreeMap::new(),
            preview,
            grounds: ahead.outlooks.grounds(),
            change_sets: ahead.outlooks.waiting(),
        };
        ahead.change_sets.leave(&saved.change_sets);
        ahead.sweep().await;
        Saved::read(&saved.text()).unwrap()
    }

    /// Looks again at what was saved: what has changed since, and what binds the run.
    pub(crate) async fn again(&self, saved: &Saved, tried: Tried) -> (Vec<Changed>, Ahead) {
        let change_sets = Arc::new(ChangeSets::of(saved));
        let ahead = Ahead { outlooks: Arc::new(Outlooks::binding()), change_sets };
        let (preview, ahead) = self.look(tried, false, ahead).await;
        let found = changed(saved, &preview, &ahead.outlooks.grounds());
        for waiting in &saved.change_sets {
            ahead.change_sets.use_up(&self.at(waiting.account.as_str()), waiting);
        }
        (found, ahead)
    }

    async fn look(&self, tried: Tried, read_only: bool, ahead: Ahead) -> (Preview, Ahead) {
        self.publish(tried.edits);
        let (job, sources) = tried.job();
        let looking = Looking {
            sessions: Arc::clone(&self.sessions),
            sources,
            outlooks: Arc::clone(&ahead.outlooks),
            change_sets: (!read_only).then(|| Arc::clone(&ahead.change_sets)),
        };
        (foresee(&job, SETTINGS, looking).await, ahead)
    }

    /// What a plan would do, and what a simulation does with what is not known of it; with the calls of the simulation, none
    /// of which changes anything here.
    pub(crate) async fn simulate(&self, tried: Tried) -> (Preview, Vec<String>) {
        let (job, sources) = tried.job();
        let (outlooks, change_sets) = (Arc::<Outlooks>::default(), Arc::<ChangeSets>::default());
        let sessions = Arc::clone(&self.sessions);
        let looking = Looking {
            sessions: Arc::clone(&sessions),
            sources: Arc::clone(&sources),
            outlooks: Arc::clone(&outlooks),
            change_sets: Some(Arc::clone(&change_sets)),
        };
        let preview = foresee(&job, SETTINGS, looking).await;
        change_sets.sweep().await;
        let before = self.sim.calls().len();
        let preview = simulate(&job, SETTINGS, Live { sessions, sources, outlooks }, preview).await;
        let calls = &self.sim.calls()[before..];
        assert!(!calls.iter().any(|call| call.mutating), "{calls:#?}");
        (preview, calls.iter().map(|call| call.operation.to_string()).collect())
    }

    /// The same world, seen by another process, which has looked at nothing yet.
    pub(crate) async fn afresh(&self, case: &Case) -> Self {
        let (job, _) = Tried { edits: case.after, taking: None, reverts_drift: false }.job();
        let inventory = Mutex::new(self.inventory.lock().unwrap().clone());
        Self { sim: self.sim.clone(), sessions: open(&self.sim, &job).await, inventory }
    }

    /// An embedded AWS that is seeded with this one, and what both are asked by: each place's calls here and there.
    pub(crate) async fn twin(&self) -> (Sim, Vec<(Regional, Regional)>) {
        let Ready { plan, graph, sources } = ready(&[]);
        let job = Job::apply(Arc::clone(&plan), graph, &vec![true; plan.nodes.len()]);
        let (sessions, outlooks) = (Arc::clone(&self.sessions), Arc::<Outlooks>::default());
        let seeds = read(&job, &Live { sessions, sources, outlooks }).await.unwrap();
        let sim = Sim::builder().seeded(&seeds);
        let there = open(&sim, &job).await;
        let places = ["master", "dev"].map(|account| {
            let at = |sessions: &Sessions| sessions.region(&account.into(), &"us-east-1".into()).unwrap();
            (at(&self.sessions), at(&there))
        });
        (sim, places.into())
    }

    /// Carries out what was seen.
    pub(crate) async fn apply(&self, tried: Tried, ahead: Ahead) -> Vec<Event> {
        self.publish(tried.edits);
        let (job, sources) = tried.job();
        self.run(&job, Command::Apply, sources, &Arc::default(), ahead).await
    }

    /// Takes a job to its end, and remembers the routes that it made.
    pub(crate) async fn run(
        &self,
        job: &Arc<Job>,
        command: Command,
        sources: Arc<Sources>,
        gathered: &Arc<Gathered>,
        ahead: Ahead,
    ) -> Vec<Event> {
        let told: Arc<Mutex<Vec<Event>>> = Arc::default();
        let sink = Arc::clone(&told);
        let means = Means {
            sessions: Arc::clone(&self.sessions),
            gathered: Arc::clone(gathered),
            sources,
            sink: Arc::new(move |event| sink.lock().unwrap().push(event)),
            outlooks: ahead.outlooks,
            change_sets: Arc::clone(&ahead.change_sets),
        };
        let (_words, control) = mpsc::unbounded_channel();
        execute(job, command, SETTINGS, means, control).await;
        ahead.change_sets.sweep().await;
        let news = News { laid: gathered.laid(), gone: gathered.lifted(), ..News::default() };
        self.inventory.lock().unwrap().take_in(news);
        std::mem::take(&mut *told.lock().unwrap())
    }

    /// The preview as it is drawn, with names in place of ids.
    pub(crate) fn shown(preview: &Preview) -> String {
        Self::named(&preview_text(preview, Palette::PLAIN))
    }

    /// A text with names in place of ids.
    pub(crate) fn named(text: &str) -> String {
        let mut named: Vec<String> = Vec::new();
        let words: Vec<String> = text
            .split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .map(|word| {
                let bare = word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
                let is_id = bare.split_once('-').is_some_and(|(kind, rest)| {
                    ["vpc", "pcx", "rtb", "subnet", "igw"].contains(&kind)
                        && rest.len() >= 8
                        && rest.chars().all(|c| c.is_ascii_hexdigit())
                });
                if !is_id {
                    return word.to_owned();
                }
                let made_up = bare.contains("-0000000000000");
                let kind = bare.split('-').next().unwrap_or_default();
                let kind = if made_up { format!("{kind}-made-up") } else { kind.to_owned() };
                let place = named.iter().position(|known| known == bare).unwrap_or_else(|| {
                    named.push(bare.to_owned());
                    named.len() - 1
                });
                word.replace(bare, &format!("{kind}-{}", place + 1))
            })
            .collect();
        words.concat()
    }

    /// The change sets that wait to be executed: stack and name.
    pub(crate) async fn change_sets(&self) -> Vec<((&'static str, &'static str), String)> {
        let mut found = Vec::new();
        for (account, name) in STACKS {
            let regional = self.at(account);
            let Some(stack) = regional.stack(name).await.unwrap() else { continue };
            let sets = regional.change_sets(&stack.id).await.unwrap();
            let waiting = sets.into_iter().filter(|set| !set.execution.starts_with("EXECUTE"));
            found.extend(waiting.map(|set| ((account, name), set.name)));
        }
        found
    }

    /// Deletes the change sets that wait to be executed.
    pub(crate) async fn delete_change_sets(&self) {
        for ((account, name), change_set) in self.change_sets().await {
            let regional = self.at(account);
            let stack = regional.stack(name).await.unwrap().unwrap();
            regional.delete_change_set_of(&stack.id, &change_set).await.unwrap();
        }
    }

    /// Whether the last operation of a stack bears a change set's name.
    pub(crate) async fn was_executed(&self, (account, name): &(&str, &str), change_set: &str) -> bool {
        let regional = self.at(account);
        let stack = regional.stack(name).await.unwrap().unwrap();
        let operation = orch::aws::Operation {
            stack: stack.id,
            id: None,
            token: Some(change_set.to_owned()),
            before: None,
            forecast: None,
            deletes: false,
        };
        let (_, events) = regional.settled(&operation, &|_| {}).await.unwrap();
        events.iter().any(|event| event.token.as_deref() == Some(change_set))
    }

    /// Holds that no change set is left anywhere.
    pub(crate) async fn assert_no_change_sets(&self, case: &str) {
        let left = self.change_sets().await;
        assert!(left.is_empty(), "{case}: {left:?}");
    }
}

/// The plan's stacks: account and name.
const STACKS: [(&str, &str); 2] = [("master", "net-hub"), ("dev", "net-spoke")];
