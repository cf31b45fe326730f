//! `orch import`.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::aws::Sessions;
use crate::event::Failure;
use crate::ids::Region;
use crate::import::{Facts, Head, Written, key, text, write};
use crate::plan::{self, Files, Given, Plan, codes};
use crate::report::diagnostic;
use crate::run::{every_account, gather};
use crate::text::counted;

use super::args::{Target, Vars};
use super::disk::{self, Tree};
use super::exit::Exit;
use super::signals::Signals;
use super::threads::on_threads;
use super::vars::{name_and_value, variable_name};
use super::{Surroundings, checked, print, reach, terminal};

/// Arguments of `import`.
#[derive(Args, Debug)]
pub(super) struct Import {
    /// The plan's name, unique in the organisation
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// A region to look at; repeatable, and the first is the plan's own
    #[arg(long = "region", value_name = "REGION", required = true)]
    pub regions: Vec<String>,
    /// An account: its name in the plan, its id, and the role to assume in it; repeatable
    ///
    /// Without a role, the caller's own credentials are used.
    #[arg(long, value_name = "NAME=ID[:ROLE]", value_parser = account, required_unless_present = "accounts")]
    pub account: Vec<Account>,
    /// A TOML file with `[accounts]`, which the plan extends; it must lie in the plan's folder
    #[arg(long, value_name = "FILE", conflicts_with = "account")]
    pub accounts: Option<PathBuf>,
    /// The plan to write; the templates go to `templates/` beside it
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Overwrite files that are there
    #[arg(long)]
    pub force: bool,
    /// Let the file of accounts have this variable of the environment; repeatable
    #[arg(long = "allow-env", value_name = "NAME", value_parser = variable_name)]
    pub allow_env: Vec<String>,
    /// AWS.
    #[command(flatten)]
    pub target: Target,
}

impl Import {
    /// What the plan is given besides its own text.
    fn vars(&self) -> Vars {
        Vars { allow_env: self.allow_env.clone(), ..Vars::default() }
    }
}

/// An account of `import`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// Its name in the plan.
    pub name: String,
    /// Its twelve digits.
    pub id: String,
    /// The role to assume in it.
    pub role: Option<String>,
}

/// Splits `NAME=ID[:ROLE]`.
fn account(text: &str) -> Result<Account, String> {
    let (name, rest) = name_and_value(text).map_err(|_| "write NAME=ID or NAME=ID:ROLE".to_owned())?;
    let (id, role) = match rest.split_once(':') {
        Some((id, role)) => (id.to_owned(), Some(role.to_owned())),
        None => (rest, None),
    };
    Ok(Account { name, id, role })
}

/// Writes a first plan from what stands.
pub(super) fn import(args: &Import, surroundings: &Surroundings) -> Exit {
    attempt(args, surroundings).unwrap_or_else(|exit| exit)
}

fn attempt(args: &Import, surroundings: &Surroundings) -> Result<Exit, Exit> {
    if !args.force && disk::is_there(&args.out) {
        return Err(refuse(&format!("{} is there already\n  help: give --force to overwrite it", args.out.display())));
    }
    let regions: Vec<Region> = args.regions.iter().map(|region| region.as_str().into()).collect();
    let head = Head { text: head(args)?, region: regions[0].clone() };
    let plan = begin(args, &head, surroundings)?;
    let facts = look(args, &plan, &regions, surroundings)?;
    let written = write(&head, &facts);
    for line in &written.told {
        terminal::line(line);
    }
    if written.counts == [0; 3] {
        terminal::notice("there is nothing that a plan could describe; nothing was written\n");
        return Ok(Exit::Failed);
    }
    save(args, &written)?;
    let [stacks, peerings, routes] = written.counts;
    let said = format!(
        "{}: {}, {}, {}; {}\n",
        args.out.display(),
        counted(stacks, "stack"),
        counted(peerings, "peering"),
        counted(routes, "route"),
        counted(written.templates.len(), "template"),
    );
    Ok(print(&said, judge(args, surroundings)))
}

/// The first lines of the plan: what the arguments say.
fn head(args: &Import) -> Result<String, Exit> {
    let mut head = format!("name = {}\nregion = {}\n", text(&args.name), text(&args.regions[0]));
    if let Some(file) = &args.accounts {
        return Ok(format!("extends = {}\n{head}", text(&beside(&args.out, file)?)));
    }
    head.push_str("\n[accounts]\n");
    for account in &args.account {
        let role = account.role.as_ref().map(|role| format!(", role = {}", text(role))).unwrap_or_default();
        let _ = writeln!(head, "{} = {{ id = {}{role} }}", key(&account.name), text(&account.id));
    }
    Ok(head)
}

/// A file as the plan names it. It must lie in the plan's folder, since a plan reads nothing outside of that.
fn beside(plan: &Path, file: &Path) -> Result<String, Exit> {
    disk::below(plan, file).map_err(|error| refuse(&format!("{}: {error}", file.display()))).and_then(|path| {
        path.ok_or_else(|| {
            refuse(&format!(
                "{} does not lie in the folder of {}\n  help: the plan extends it, and reads nothing outside of its folder",
                file.display(),
                plan.display()
            ))
        })
    })
}

/// The plan as it begins, in place of the file that is not there yet.
struct Beginning<'a> {
    path: &'a Path,
    text: &'a str,
    tree: Tree,
}

impl Files for Beginning<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == self.path { Ok(self.text.into()) } else { self.tree.read(path) }
    }

    fn read_named(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.tree.read_named(path)
    }
}

/// The plan with its accounts and nothing else, or the exit code after its problems were shown.
fn begin(args: &Import, head: &Head, surroundings: &Surroundings) -> Result<Plan, Exit> {
    let files = Beginning { path: &args.out, text: &head.text, tree: Tree::of_plan(&args.out, &[]) };
    let loaded = plan::load(&args.out, &files, &Given { vars: &[], env: &|name| args.vars().environment(name) });
    // That it has no nodes yet is no mistake.
    let sound = loaded.problems.iter().filter(|problem| problem.is_error()).all(|problem| problem.code == codes::EMPTY);
    loaded.plan.or(loaded.draft).filter(|_| sound).ok_or_else(|| {
        terminal::notice(&diagnostic::render(&loaded.problems, &loaded.sources, surroundings.style()));
        Exit::Refused
    })
}

fn look(args: &Import, plan: &Plan, regions: &[Region], surroundings: &Surroundings) -> Result<Facts, Exit> {
    let environment = reach::environment(&args.target, plan, surroundings)?;
    let looked = on_threads(async {
        let mut signals = Signals::listen()?;
        let opening = Box::pin(async { Sessions::open(&every_account(plan), &environment).await });
        let sessions = match signals.or(opening).await? {
            Ok(sessions) => sessions,
            Err(errors) => {
                return Ok(Err(errors
                    .iter()
                    .map(|error| Failure { help: error.help(), ..Failure::new(error.to_string(), "") })
                    .collect()));
            }
        };
        signals.or(Box::pin(gather(plan, &sessions, regions))).await
    })??;
    looked.map_err(|failures: Vec<Failure>| {
        for Failure { summary, cause, help, .. } in &failures {
            let cause = if cause.is_empty() { String::new() } else { format!(": {cause}") };
            terminal::line(&format!("error: {summary}{cause}"));
            for help in help {
                terminal::line(&format!("  help: {help}"));
            }
        }
        terminal::notice("nothing was written: a plan of half of what stands would be taken for one of all of it\n");
        Exit::NoAccount
    })
}

/// Writes the plan and its templates; nothing at all if a file of other content is in the way.
fn save(args: &Import, written: &Written) -> Result<(), Exit> {
    let folder = args.out.parent().unwrap_or_else(|| Path::new(""));
    let mut files: Vec<(PathBuf, &str)> =
        written.templates.iter().map(|(path, text)| (folder.join(path), text.as_str())).collect();
    files.push((args.out.clone(), &written.plan));
    let in_the_way = |(path, text): &&(PathBuf, &str)| {
        disk::is_there(path) && disk::read(path).ok().as_deref() != Some(text.as_bytes())
    };
    let taken: Vec<String> = files.iter().filter(in_the_way).map(|(path, _)| path.display().to_string()).collect();
    if !taken.is_empty() && !args.force {
        let names = taken.join(", ");
        return Err(refuse(&format!("in the way: {names}; nothing was written\n  help: give --force to overwrite")));
    }
    for (path, text) in &files {
        disk::write(path, text).map_err(|error| {
            terminal::line(&format!("error: {}: {error}", path.display()));
            Exit::Failed
        })?;
    }
    Ok(())
}

/// Holds the plan that was written to the rules, and shows what they find.
fn judge(args: &Import, surroundings: &Surroundings) -> Exit {
    let findings = checked::find(&args.out, &args.vars());
    terminal::notice(&diagnostic::render(&findings.problems, &findings.sources, surroundings.style()));
    if findings.checked.is_some() {
        return Exit::Done;
    }
    terminal::notice("what stands breaks rules: mend it, or excuse the node with `allow`\n");
    Exit::Failed
}

fn refuse(error: &str) -> Exit {
    terminal::notice(&format!("error: {error}\n"));
    Exit::Refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_name_an_id_and_perhaps_a_role() {
        let read = |text: &str| account(text).map(|account| (account.name, account.id, account.role));
        assert_eq!(read("dev=222222222222"), Ok(("dev".to_owned(), "222222222222".to_owned(), None)));
        let arn = "arn:aws:iam::222222222222:role/Orch";
        let role = read(&format!("dev=222222222222:{arn}")).unwrap().2;
        assert_eq!(role.as_deref(), Some(arn));
        assert!(read("222222222222").is_err());
    }
}
