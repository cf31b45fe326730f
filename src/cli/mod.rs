//! The command line: arguments, terminal, signals and files. Everything that orch does to its surroundings, apart from
//! calling AWS, is done here.

mod allow;
mod args;
mod checked;
mod confirm;
mod disk;
mod drift;
mod exit;
mod explain;
mod graph;
mod iam;
mod import;
mod inventory;
mod inventory_object;
mod journal;
mod lapse;
mod leased;
mod local;
mod lock;
mod logging;
mod looking;
mod open_files;
mod outputs;
mod panic;
mod past;
mod preview;
mod reach;
mod remote;
mod rules;
mod run;
mod runs;
mod saved;
mod schema;
mod serve;
mod shared_bucket;
mod signals;
mod status;
mod teller;
mod terminal;
mod threads;
mod validate;
mod vars;
mod whoami;

use std::process::ExitCode;

use clap::Parser as _;

use crate::report::diagnostic::Style;

use args::{Cli, Command};
use exit::Exit;
use journal::Journal;
use terminal::{For, Lines, Terminal};

/// Everything that the commands know of their surroundings.
struct Surroundings {
    terminal: Terminal,
    verbose: u8,
    quiet: bool,
    /// How many files may be open at once, where that is limited.
    files: Option<u64>,
}

impl Surroundings {
    /// How wide lines may be.
    fn width(&self) -> usize {
        match self.terminal.lines {
            Lines::Terminal(width) | Lines::Assumed(width) => width,
        }
    }

    /// How problems are drawn.
    fn style(&self) -> Style {
        let color = self.terminal.color_err;
        match self.terminal.lines {
            Lines::Terminal(width) => Style { color, width, folds: true },
            Lines::Assumed(width) => Style { color, width, folds: false },
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::look(
        cli.global.color,
        variable("NO_COLOR").as_deref(),
        variable("TERM").as_deref(),
        variable("COLUMNS").as_deref(),
    );
    terminal.settle();
    if cli.global.log_format == args::LogFormat::Json {
        terminal::say_json();
    }
    panic::listen();
    if let Err(error) = logging::start(&cli.global, variable("RUST_LOG").as_deref(), terminal.color_err) {
        terminal::notice(&format!("error: {error}\n"));
        return Exit::Refused.into();
    }
    let files = open_files::raise();
    let surroundings = Surroundings { terminal, verbose: cli.global.verbose, quiet: cli.global.quiet, files };
    let exit = match cli.command {
        Command::Validate(args) => validate::validate(&args, &surroundings),
        Command::Graph(args) => graph::graph(&args, &surroundings),
        Command::Preview(args) => preview::preview(&args, &surroundings),
        Command::Apply(args) => run::apply(&args, &surroundings),
        Command::Discard(args) => saved::discard(&args, &surroundings),
        Command::Adopt(args) => run::adopt(&args, &surroundings),
        Command::Import(args) => import::import(&args, &surroundings),
        Command::Destroy(args) => run::destroy(&args, &surroundings),
        Command::Cancel(args) => run::cancel(&args, &surroundings),
        Command::Explain(args) => explain::explain(&args, &surroundings),
        Command::Iam(args) => iam::iam(&args, &surroundings),
        Command::Schema => schema::schema(),
        Command::Rules(args) => rules::rules(&args),
        Command::Outputs(args) => outputs::outputs(&args, &surroundings),
        Command::Drift(args) => drift::drift(&args, &surroundings),
        Command::Status(args) => status::status(&args, &surroundings),
        Command::Unlock(args) => leased::unlock(&args, &surroundings),
        Command::Runs(args) => runs::runs(&args, &surroundings),
        Command::Local(serve::Local::Serve(args)) => serve::serve(&args),
    };
    exit.into()
}

/// A variable of the environment, if it is set and is text.
#[expect(clippy::disallowed_methods, reason = "this is the edge where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::disallowed_methods, reason = "this is the edge where what happens gets its time")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Writes results for people, and says so when they cannot be written: a full disk must not look like success.
fn print(text: &str, exit: Exit) -> Exit {
    print_for(For::People, text, exit)
}

/// The same for some reader.
fn print_for(reader: For, text: &str, exit: Exit) -> Exit {
    match terminal::results(text, reader) {
        Ok(()) => exit,
        Err(error) => {
            terminal::line(&format!("error: standard output cannot be written: {error}"));
            Exit::Failed
        }
    }
}

/// Writes what a run has to tell at its end. One that did not go well keeps its own exit code whether that could be told or not:
/// it says what became of the plan.
fn print_end(text: &str, exit: Exit, journal: &Journal) -> Exit {
    let Err(error) = terminal::results(text, For::People) else { return exit };
    let said = match exit {
        Exit::Done => "error: the run went well, but standard output",
        _ => "warning: standard output",
    };
    let mut text = format!("{said} cannot be written: {error}\n");
    for told in journal.told_again() {
        text.push_str("  help: ");
        text.push_str(&told);
        text.push('\n');
    }
    terminal::notice(&text);
    if exit == Exit::Done { Exit::Failed } else { exit }
}
