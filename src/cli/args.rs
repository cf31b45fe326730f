//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::engine::Limits;

use super::allow::{Resource, resource};
use super::drift::{Drift, DriftArgs};
use super::explain::Explain;
use super::iam::Iam;
use super::import::Import;
use super::leased::{Locking, Unlock};
use super::outputs::Outputs;
use super::run::Adopt;
use super::runs::Runs;
use super::saved::Discard;
use super::serve::Local;
use super::status::Status;
pub(super) use super::vars::Vars;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "orch",
    version,
    about = "Build AWS infrastructure that spans accounts and regions from one plan file",
    long_about = "Build AWS infrastructure that spans accounts and regions from one plan file.\n\n\
        A plan declares CloudFormation stacks, VPC peerings and routes. Values refer to outputs of other nodes; those \
        references are the order. Every node runs the moment its own inputs exist, in whatever account and region it \
        lives, and does only what AWS does not already show: running again is always safe, and is how to resume.",
    after_long_help = "Exit codes:\n  \
        0    everything is as the plan says\n  \
        1    some nodes failed, something asked for does not exist, or results could not be written\n  \
        2    the plan or the command line is in error; AWS was not called (validate --remote asks it)\n  \
        3    an account cannot be used, or AWS would not tell what was asked; nothing was changed\n  \
        4    a question was answered with no, or there was no terminal to ask at; nothing was changed\n  \
        5    preview: there is something to do; drift: something has drifted\n  \
        6    apply of a saved preview: what it was made of has changed since; nothing was changed\n  \
        7    another run holds the plan's lock; nothing was changed\n  \
        130  interrupted, and no node failed\n\n\
        Try it without AWS:\n  orch apply plans/us-east-1.toml --local",
    propagate_version = true,
    disable_help_subcommand = true
)]
pub(super) struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Args, Debug)]
pub(super) struct Global {
    /// Say more on standard error: -v for what orch decides, -vv for every call, -vvv for the SDK too
    ///
    /// `RUST_LOG` takes the same filters as everywhere in Rust and wins over this. Whatever it says, the SDK's requests and
    /// answers are not logged: secrets stand in them.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// Print results and failures only
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// The form of the log on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, help_heading = "Output")]
    pub log_format: LogFormat,
    /// When to use colour; `NO_COLOR` and a terminal that has none are respected
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, help_heading = "Output")]
    pub color: ColorChoice,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// A line for a person.
    Text,
    /// A JSON object a line.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal that has it.
    Auto,
    /// Even into a pipe.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check plans, without calling AWS or (--remote) by asking it
    ///
    /// Reads each plan with all that it extends and the templates it names, expands its groups, resolves every
    /// reference and sorts the graph. All problems are shown at once, each at its line. Makes no call, unless --remote
    /// is given: then a plan that is sound so far is held against what AWS says, by calls that only look, in all
    /// accounts at once.
    #[command(after_long_help = "Examples:\n  \
        orch validate plans/us-east-1.toml\n  \
        orch validate plans/us-east-1.toml --remote\n  \
        orch validate plans/*.toml\n  \
        orch validate plans/*.toml --format sarif > orch.sarif")]
    Validate(Validate),
    /// Show the graph of a plan without calling AWS
    ///
    /// Every node with what it waits for, and the expression that makes it wait. With --only and --skip, the chosen
    /// nodes and what they wait for among each other. Makes no call.
    #[command(after_long_help = "Examples:\n  \
        orch graph plans/us-east-1.toml\n  \
        orch graph plans/us-east-1.toml --format dot | dot -Tsvg > graph.svg\n  \
        orch graph plans/us-east-1.toml --only account:dev --format mermaid")]
    Graph(GraphArgs),
    /// Show what `apply` would do, by reading only
    ///
    /// Reads everything that the plan touches, in all accounts at once, and says for every node what would be done:
    /// nothing, create, update in place, replace, or what it depends on that only the run will tell. Where a stack
    /// differs, CloudFormation works the update out in a change set, which is deleted again; --read-only makes none.
    /// Ends with 0 where there is nothing to do, 5 where there is something, 1 where a node would fail, simulated or not.
    ///
    /// With --save the preview is kept in a file, and its change sets wait at AWS: `orch apply FILE` does exactly that, or
    /// refuses; `orch discard FILE` deletes the change sets.
    #[command(after_long_help = "Examples:\n  \
        orch preview plans/us-east-1.toml\n  \
        orch preview plans/us-east-1.toml --simulate\n  \
        orch preview plans/us-east-1.toml --only account:dev\n  \
        orch preview plans/us-east-1.toml --save changes.json\n  \
        orch preview plans/us-east-1.toml --read-only --format markdown > comment.md")]
    Preview(PreviewArgs),
    /// Make AWS what the plan says
    ///
    /// Checks the whole plan, then that the credentials of every account are those of that account, then shows what
    /// would be done, as `orch preview` does, and asks. Then it runs every node as soon as what it refers to exists: reads what is there, compares, and does only the difference. When a
    /// node fails, those that need it are skipped and everything else goes on. Apply again to resume.
    ///
    /// A stack that a failure has left in a state from which it cannot be updated is led out of it first, and one that
    /// never was complete is deleted and created anew; docs/recovery.md has every state and its way out.
    ///
    /// In place of a plan a saved preview can be given: then exactly that is done, without a question, or nothing, if what
    /// it was made of has changed since.
    ///
    /// Ctrl-C once starts nothing new and lets running nodes settle; a second one stops at once. What AWS has begun
    /// goes on there, and the next apply picks it up.
    #[command(after_long_help = "Examples:\n  \
        orch apply changes.json                              what `orch preview --save changes.json` has shown\n  \
        orch apply plans/us-east-1.toml                      on AWS, with your own credentials\n  \
        orch apply plans/us-east-1.toml --local              on the embedded AWS, kept in .orch/local/\n  \
        orch apply plans/us-east-1.toml --only account:dev   one account's nodes\n  \
        orch apply plans/us-east-1.toml --skip peerings --skip routes\n  \
        orch apply plans/us-east-1.toml --only 'stacks.spoke[dev]' --yes")]
    Apply(Apply),
    /// Give a saved preview up: delete the change sets that wait for it
    ///
    /// The file stays where it is, and can no longer be applied if it had a change set.
    #[command(after_long_help = "Examples:\n  orch discard changes.json")]
    Discard(Discard),
    /// Take over what stands without the tags of these nodes
    ///
    /// A stack or a peering that somebody else has made, or orch for another plan, becomes the node's: its tags are
    /// written, and with them whatever else differs from the plan. Shows what that is and asks, as `apply` does. Nothing
    /// is made that is not there, and nothing is deleted or made anew to come to it. What bears the tags of another plan
    /// or node is refused unless --from-other says that it is meant.
    #[command(after_long_help = "Examples:\n  \
        orch adopt plans/us-east-1.toml stacks.master\n  \
        orch adopt plans/us-east-1.toml stacks.spoke peerings --yes\n  \
        orch adopt plans/us-east-1.toml 'stacks.spoke[dev]' --from-other")]
    Adopt(Adopt),
    /// Write a first plan from what stands in some accounts
    ///
    /// Reads the stacks, peerings and routes into peerings of every account and region at once, and writes a plan that
    /// describes them, with their templates beside it. References are guessed where an output gives a parameter's value.
    /// The plan adopts what stands, so `orch preview` of it says that there is nothing to do. Nothing is changed at AWS.
    #[command(after_long_help = "Examples:\n  \
        orch import --name network --region us-east-1 --account hub=111111111111 \\\n      \
        --account dev=222222222222:MasterAcctRole --out plans/network.toml\n  \
        orch import --name network --region us-east-1 --region us-west-2 --accounts plans/accounts.toml --out plans/network.toml")]
    Import(Import),
    /// Delete what the plan made, in reverse order
    ///
    /// Routes first, then peerings, then stacks, each as soon as all that needs it is gone. Deletes only stacks and
    /// peerings that carry this plan's tags, routes into such peerings, and routes that the inventory says orch made:
    /// other routes bear no mark of who made them, so they are left and named. Without --only and --skip, what left the
    /// plan goes too (docs/left.md). What `manage = false` reads is never touched. Shows all of it and asks before it
    /// begins.
    #[command(after_long_help = "Examples:\n  \
        orch destroy plans/us-east-1.toml --local\n  \
        orch destroy plans/us-east-1.toml --only account:dev\n  \
        orch destroy plans/us-east-1.toml --yes\n  \
        orch destroy plans/us-east-1.toml --retain 'stacks.spoke[dev]:LogBucket'")]
    Destroy(Destroy),
    /// Break off the updates that run at AWS, and wait until they are taken back
    ///
    /// Cancels the updates of this plan's own stacks, in all accounts at once, whoever began them; each stack is then as
    /// it was before. CloudFormation cancels updates only: of a stack that is being created or deleted it is said what
    /// to do. Asks before it begins.
    #[command(after_long_help = "Examples:\n  \
        orch cancel plans/us-east-1.toml\n  \
        orch cancel plans/us-east-1.toml --only account:dev --yes")]
    Cancel(Run),
    /// Explain one node of a plan without calling AWS
    ///
    /// What it is, which file and line made it, what it would send with what is known and unknown, what it waits for and
    /// why (the very expression), and who waits for it.
    #[command(after_long_help = "Examples:\n  \
        orch explain plans/us-east-1.toml stacks.master\n  \
        orch explain plans/us-east-1.toml 'peerings.spoke[dev]'")]
    Explain(Explain),
    /// Print what each account must allow for a plan, without calling AWS
    ///
    /// Exactly the actions that orch calls for this plan, on its stacks, peerings, tables and objects where AWS allows that;
    /// docs/iam.md explains it.
    #[command(after_long_help = "Examples:\n  \
        orch iam plans/us-east-1.toml\n  \
        orch iam plans/us-east-1.toml --for read-only --account dev\n  \
        orch iam plans/us-east-1.toml --for-templates --bootstrap --account dev > orch-role.json")]
    Iam(Iam),
    /// Print the JSON Schema of plans, for editors
    Schema,
    /// List the rules that plans are held to, or explain one
    #[command(after_long_help = "Examples:\n  orch rules\n  orch rules ORCH060\n  orch rules unknown-output")]
    Rules(Rules),
    /// Print what the plan's nodes gave: stack outputs and peering ids, read from AWS
    #[command(after_long_help = "Examples:\n  \
        orch outputs plans/us-east-1.toml\n  \
        orch outputs plans/us-east-1.toml --format json | jq -r '.[\"stacks.master\"].outputs.VPCId'\n  \
        eval \"$(orch outputs plans/us-east-1.toml --format env)\"")]
    Outputs(Outputs),
    /// Show what was changed or deleted by hand since it was deployed
    ///
    /// Has CloudFormation compare the resources of every stack that the plan manages with what it last deployed, in all
    /// accounts at once, and shows what differs, property by property. Peerings and routes are compared with the plan.
    /// That changes nothing; `orch apply --revert-drift` brings it back. `orch preview` is another question: it compares
    /// templates, parameters and tags with those that were last deployed.
    #[command(after_long_help = "Exit codes:\n  \
        0    nothing has drifted\n  \
        3    something could not be read or compared, whatever the rest is\n  \
        5    something has drifted or is gone\n\n\
        Examples:\n  \
        orch drift plans/us-east-1.toml\n  \
        orch drift plans/us-east-1.toml --only account:dev\n  \
        orch drift plans/us-east-1.toml --format markdown > drift.md")]
    Drift(DriftArgs),
    /// Show how every node stands at AWS, also in the middle of somebody's run
    ///
    /// The live state of each stack, peering and route, how long ago it last began to change, why a stack failed, what
    /// is missing and what that waits for, what is somebody else's. Asks all accounts at once, waits for nothing and
    /// changes nothing. An account that cannot be read is told, and the others are shown.
    #[command(after_long_help = "Exit codes:\n  \
        0    every node stands\n  \
        1    something is missing, failed, under way or somebody else's\n  \
        3    something could not be read, whatever the rest is\n\n\
        Examples:\n  \
        orch status plans/us-east-1.toml\n  \
        orch status plans/us-east-1.toml --only account:dev\n  \
        orch status plans/us-east-1.toml --format json | jq '.nodes[] | select(.health != \"fine\")'")]
    Status(Status),
    /// List the runs of this folder, show one, delete old ones
    ///
    /// Every `apply`, `adopt`, `destroy` and `cancel` that begins leaves a journal in .orch/runs, in the folder that orch was started
    /// in. It is a record for people: orch itself decides nothing by it. Makes no call to AWS. docs/runs.md says what is in it.
    #[command(after_long_help = "Examples:\n  \
        orch runs\n  \
        orch runs show last\n  \
        orch runs --format json | jq -r '.runs[] | select(.ended == \"killed\") | .id'\n  \
        orch runs prune --keep 50\n  \
        orch runs prune --older-than 90d")]
    Runs(Runs),
    /// Take the lock of a plan away from the run that holds it
    ///
    /// For a run that is stuck, or was killed where one does not want to wait for its lock to be taken over. Says who holds it,
    /// and asks. A run that goes on begins nothing new once it notices.
    Unlock(Unlock),
    /// The embedded AWS that --local stands for
    #[command(subcommand)]
    Local(Local),
}

/// Not a doc comment, where brackets would be taken for links.
const ONLY: &str = "Take these nodes only; repeatable\n\n\
    A node (stacks.master), one instance (stacks.spoke[dev]), a group (stacks.spoke), a kind (peerings), or all of an \
    account (account:dev); * stands for any text. What is left out is not run; where a run needs its outputs they are \
    read from AWS.";

/// Which of the plan's nodes are meant.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Choice {
    /// Take these nodes only; repeatable
    #[arg(long, value_name = "NODES", help_heading = "Plan", long_help = ONLY)]
    pub only: Vec<String>,
    /// Leave these nodes out; repeatable, and wins over --only
    #[arg(long, value_name = "NODES", help_heading = "Plan")]
    pub skip: Vec<String>,
}

/// How much is done at once.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Slots {
    /// How many nodes may be at work at once
    ///
    /// Generous, because the work is waiting for AWS.
    #[arg(long, value_name = "N", default_value = "256", help_heading = "Run")]
    pub concurrency: NonZeroUsize,
    /// How many nodes may be at work at once in one account; a peering works in two
    #[arg(long, value_name = "N", default_value = "64", help_heading = "Run")]
    pub account_concurrency: NonZeroUsize,
}

impl Slots {
    /// The same for the engine, whose lanes are the accounts.
    pub(super) fn limits(self) -> Limits {
        Limits { total: self.concurrency, per_lane: self.account_concurrency }
    }
}

/// Which AWS is meant.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Target {
    /// Use the embedded AWS; its world is kept in .orch/local/ between commands
    #[arg(long, help_heading = "Target")]
    pub local: bool,
    /// Faults and durations for the embedded AWS, from a TOML file (see docs/embedded-aws.md)
    #[arg(long, value_name = "FILE", requires = "local", help_heading = "Target")]
    pub local_config: Option<PathBuf>,
}

/// What a command is about: a plan, which of its nodes, and which AWS.
#[derive(Args, Clone, Debug)]
pub(super) struct On {
    /// The plan file
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Variables.
    #[command(flatten)]
    pub vars: Vars,
    /// Nodes.
    #[command(flatten)]
    pub choice: Choice,
    /// AWS.
    #[command(flatten)]
    pub target: Target,
}

/// Arguments of `validate`.
#[derive(Args, Debug)]
pub(super) struct Validate {
    /// The plan files; those marked abstract are checked only through the plans that extend them
    #[arg(required = true, value_name = "PLAN")]
    pub plans: Vec<PathBuf>,
    /// The form of what was found
    #[arg(long, value_enum, default_value_t = ValidateFormat::Text)]
    pub format: ValidateFormat,
    /// Ask AWS too: who it is in every account, what CloudFormation says of the templates, and what stands already
    #[arg(long)]
    pub remote: bool,
    /// Variables.
    #[command(flatten)]
    pub vars: Vars,
    /// AWS.
    #[command(flatten)]
    pub target: Target,
}

/// The forms of `validate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ValidateFormat {
    /// Problems drawn on standard error, a line for each plan on standard output.
    Text,
    /// One document for all plans.
    Json,
    /// SARIF 2.1.0, as code scanning takes it.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
}

/// Arguments of `rules`.
#[derive(Args, Debug)]
pub(super) struct Rules {
    /// The rule to explain, by its number or name: ORCH012, unknown-output
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
    /// The form of the listing
    #[arg(long, value_enum, default_value_t = RulesFormat::Text, conflicts_with = "rule")]
    pub format: RulesFormat,
}

/// The forms of `rules`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RulesFormat {
    /// A line for each rule.
    Text,
    /// The page of the docs.
    Markdown,
}

/// Arguments of `graph`.
#[derive(Args, Debug)]
pub(super) struct GraphArgs {
    /// The plan file
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// The form of the drawing
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub format: GraphFormat,
    /// Variables.
    #[command(flatten)]
    pub vars: Vars,
    /// Nodes.
    #[command(flatten)]
    pub choice: Choice,
}

/// The forms of `graph`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    /// A listing in the order of the run.
    Text,
    /// For Graphviz.
    Dot,
    /// For Markdown pages that draw Mermaid.
    Mermaid,
    /// For programs.
    Json,
}

/// Arguments of `apply`.
#[derive(Args, Debug)]
pub(super) struct Apply {
    /// What a run has.
    #[command(flatten)]
    pub run: Run,
    /// Only show what would be done, as `orch preview` does
    #[arg(long)]
    pub dry_run: bool,
    /// Delete what left the plan too, once all else has ended well
    ///
    /// Stacks and peerings that bear the plan's name and are no node's any more, and routes that orch made; `orch preview`
    /// lists them. It goes with the whole plan, not with --only or --skip.
    #[arg(long)]
    pub prune: bool,
    /// Drift.
    #[command(flatten)]
    pub drift: Drift,
    /// The lock.
    #[command(flatten)]
    pub locking: Locking,
    /// Pass over this resource when a rollback that has failed is gone on with; repeatable
    ///
    /// For a stack in `UPDATE_ROLLBACK_FAILED`. CloudFormation then takes the resource for rolled back, though it is not:
    /// put it right by hand. NODE:RESOURCE as in `stacks.spoke[dev]:Vpc`, with the resource's name in the template.
    #[arg(long, value_name = "NODE:RESOURCE", value_parser = resource, help_heading = "Recovery")]
    pub skip_resource: Vec<Resource>,
}

/// Arguments of `destroy`.
#[derive(Args, Debug)]
pub(super) struct Destroy {
    /// What a run has.
    #[command(flatten)]
    pub run: Run,
    /// Only show what would be deleted, as `orch preview --destroy` does
    #[arg(long)]
    pub dry_run: bool,
    /// The lock.
    #[command(flatten)]
    pub locking: Locking,
    /// Leave this resource behind in the account if its stack cannot be deleted otherwise; repeatable
    ///
    /// Nothing is left behind unless a deletion has failed. NODE:RESOURCE as in `stacks.spoke[dev]:Vpc`, with the
    /// resource's name in the template.
    #[arg(long, value_name = "NODE:RESOURCE", value_parser = resource, help_heading = "Recovery")]
    pub retain: Vec<Resource>,
    /// Leave behind in the account whatever cannot be deleted
    ///
    /// Nothing is left behind unless a deletion has failed; what is left is named.
    #[arg(long, conflicts_with = "retain", help_heading = "Recovery")]
    pub force: bool,
}

/// Arguments of `apply`, `destroy` and `cancel`.
#[derive(Args, Debug)]
pub(super) struct Run {
    /// What it is about.
    #[command(flatten)]
    pub on: On,
    /// Do not ask; required where there is no terminal
    #[arg(short, long)]
    pub yes: bool,
    /// Start nothing new once a node has failed
    #[arg(long, help_heading = "Run")]
    pub fail_fast: bool,
    /// Slots.
    #[command(flatten)]
    pub limits: Slots,
}

/// Arguments of `preview`.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct PreviewArgs {
    /// What it is about.
    #[command(flatten)]
    pub on: On,
    /// The form of the preview
    #[arg(long, value_enum, default_value_t = PreviewFormat::Text)]
    pub format: PreviewFormat,
    /// Carry the plan out on the embedded AWS, which begins with what is live, and show what comes of it, marked so
    #[arg(long, conflicts_with_all = ["save", "prune", "destroy", "revert_drift"])]
    pub simulate: bool,
    /// Make no change sets: they run the macros of a template, which is code. For plans that one does not trust
    #[arg(long, conflicts_with = "revert_drift")]
    pub read_only: bool,
    /// Drift.
    #[command(flatten)]
    pub drift: Drift,
    /// Save the preview to a file, for `orch apply FILE`; its change sets are left to wait at AWS
    #[arg(long, value_name = "FILE", conflicts_with_all = ["read_only", "prune", "destroy"])]
    pub save: Option<PathBuf>,
    /// Pass over this resource when a rollback that has failed is gone on with, as with `apply`; repeatable
    #[arg(long, value_name = "NODE:RESOURCE", value_parser = resource, help_heading = "Recovery")]
    pub skip_resource: Vec<Resource>,
    /// Show what `apply --prune` would do, which deletes what left the plan
    #[arg(long)]
    pub prune: bool,
    /// Show what `destroy` would do
    #[arg(long, conflicts_with_all = ["prune", "read_only", "revert_drift"])]
    pub destroy: bool,
    /// Slots.
    #[command(flatten)]
    pub limits: Slots,
}

/// The forms of `preview` and `drift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PreviewFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
