//! `orch outputs`.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use tokio::sync::mpsc;

use crate::diag::Sources;
use crate::engine::Settings;
use crate::event::Command;
use crate::graph::Ix;
use crate::ids::{Kind, NodeId};
use crate::report::{NodeOutputs, Palette, outputs_env, outputs_json, outputs_table};
use crate::run::{Gathered, Job, Means, Task, execute, shown_outputs};

use super::args::{On, Slots};
use super::checked::Hold;
use super::exit::Exit;
use super::signals::Signals;
use super::teller::Teller;
use super::terminal::For;
use super::threads::on_threads;
use super::{Surroundings, checked, print_for, reach, terminal};

/// Arguments of `outputs`.
#[derive(Args, Debug)]
pub(super) struct Outputs {
    /// What it is about.
    #[command(flatten)]
    pub on: On,
    /// The form of the outputs
    #[arg(long, value_enum, default_value_t = OutputsFormat::Table)]
    pub format: OutputsFormat,
    /// Slots.
    #[command(flatten)]
    pub limits: Slots,
}

/// The forms of `outputs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputsFormat {
    /// For people.
    Table,
    /// An object of nodes by name, each with account, region and outputs.
    Json,
    /// Shell assignments, `STACKS_MASTER_VPCID='vpc-…'`.
    Env,
}

/// Prints what the chosen nodes gave, read from AWS. What does not exist is named, and the exit code says so.
pub(super) fn outputs(args: &Outputs, surroundings: &Surroundings) -> Exit {
    tell(args, surroundings).unwrap_or_else(|exit| exit)
}

fn tell(args: &Outputs, surroundings: &Surroundings) -> Result<Exit, Exit> {
    let checked = checked::open(&args.on.plan, &args.on.vars, Hold::ThatItLoads, surroundings)?;
    let chosen = checked.choose(&args.on.choice)?;
    let job = Arc::new(Job::outputs(Arc::clone(&checked.plan), &checked.graph, &chosen));
    let environment = reach::environment(&args.on.target, &checked.plan, surroundings)?;
    // What is read is the result here; how it was read is not worth a line each.
    let quiet = Surroundings { quiet: surroundings.verbose == 0, ..*surroundings };
    let teller = Teller::new(&job, &quiet);
    let gathered = Arc::new(Gathered::default());
    let tally = on_threads(async {
        let jobs = [&*job];
        let mut signals = Signals::listen()?;
        let opening = reach::sessions(&jobs, &environment, &checked.sources);
        let means = Means {
            sessions: signals.or(Box::pin(opening)).await??,
            gathered: Arc::clone(&gathered),
            sources: Arc::clone(&checked.sources),
            sink: teller.sink(),
            outlooks: Arc::default(),
            change_sets: Arc::default(),
        };
        let settings = Settings { limits: args.limits.limits(), fail_fast: false };
        let (_silent, control) = mpsc::unbounded_channel();
        signals.or(execute(&job, Command::Outputs, settings, means, control)).await
    })??;
    let mut exit = if tally.is_success() { Exit::Done } else { Exit::Failed };
    let asked = |node: &NodeId| job.graph().get(node).is_some_and(|ix| job.task(ix) == Task::Find);
    for node in teller.absent().into_iter().filter(asked) {
        terminal::line(&format!("{node} does not exist"));
        exit = Exit::Failed;
    }
    let found = given(&gathered, &job, &checked.sources);
    let text = match args.format {
        OutputsFormat::Table => outputs_table(&found, Palette { enabled: surroundings.terminal.color_out }),
        OutputsFormat::Json => outputs_json(&found),
        OutputsFormat::Env => outputs_env(&found).map_err(|error| {
            terminal::line(&format!("error: {error}"));
            Exit::Failed
        })?,
    };
    let reader = match args.format {
        OutputsFormat::Table => For::People,
        OutputsFormat::Json => For::Json,
        OutputsFormat::Env => For::Shell,
    };
    Ok(print_for(reader, &text, exit))
}

/// What the nodes of a job gave, in the order of the plan.
pub(super) fn given(gathered: &Gathered, job: &Job, sources: &Sources) -> Vec<NodeOutputs> {
    let node = |ix: Ix| {
        let node = job.node(ix)?;
        let given = gathered.given(&node.id)?;
        let mut outputs = shown_outputs(&node.spec, sources, &given.outputs).into_owned();
        // A stack's ARN is long, names the stack only, and is what nobody comes here for.
        if node.id.kind != Kind::Stack {
            outputs.extend(given.id.map(|id| ("id".to_owned(), id)));
        }
        let (account, region) = (node.account.clone(), node.region.clone());
        Some(NodeOutputs { node: node.id.clone(), account, region, outputs })
    };
    job.taking_part().filter(|ix| job.task(*ix) != Task::Recall).filter_map(node).collect()
}
