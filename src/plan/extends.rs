//! A plan and the plans it extends, laid upon one another.

use std::path::Path;

use super::codes;
use super::document::{Data, Entry, Table, merge, read};
use super::files::{Files, file_beside, read_named_text, read_text};
use super::problems::Problems;
use crate::diag::{FileId, Problem, Sources, Span};

/// How many plans may extend each other: nobody reads as many.
const LONGEST: usize = 32;

/// Reads the plan at `path` and all that it extends; gives what they say together.
///
/// `None` when one of them cannot be read or is not TOML: what the rest says would be misleading. Relative paths in
/// values stay with the file that declares them, since every value keeps its place.
pub(super) fn read_extended(
    path: &Path,
    files: &dyn Files,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Option<Table> {
    let file = match read_text(files, path) {
        // An empty text has no line to point at.
        Ok(text) => sources.add(path, if text.is_empty() { "\n".to_owned() } else { text }),
        Err(unread) => {
            let message = format!("the plan {} cannot be read: {}", path.display(), unread.reason);
            let (text, at) = unread.shown.unwrap_or_default();
            let end = text[at..].chars().next().map_or(at, |bad| at + bad.len_utf8());
            let file = sources.add(path, text);
            let help = unread.help.unwrap_or("name the file of a plan: orch validate PATH");
            problems.error(codes::UNREADABLE, &Span::new(file, at..end), message, help);
            return None;
        }
    };
    let mut layers = vec![read(&sources.get(file).text.clone(), file, problems)];
    let mut chain: Vec<Link> = Vec::new();
    let mut current = file;
    while let Some((place, next)) = extended(layers.last()?, problems) {
        let path = match file_beside("the plan", &sources.get(current).path, &next) {
            Ok(path) => path,
            Err(message) => {
                let help = "write the path of a plan, as seen from this file: extends = \"base.toml\"";
                problems.error(codes::UNREADABLE, &place, message, help);
                return None;
            }
        };
        chain.push(Link { from: current, place: place.clone() });
        if let Some(first) = chain.iter().position(|link| sources.get(link.from).path == path) {
            let message = format!("plans extend each other in a circle: this leads back to {}", path.display());
            problems.add(codes::EXTENDS_CYCLE, &place, message, |problem| cycle(problem, &chain[first..], sources));
            return None;
        }
        if chain.len() > LONGEST {
            let message = format!("plans extend each other more than {LONGEST} times over");
            problems.error(codes::EXTENDS_CYCLE, &place, message, "lay some of them together");
            return None;
        }
        current = match read_named_text(files, &path) {
            Ok(text) => sources.add(&path, text),
            Err(unread) => {
                let message = format!("the plan {} cannot be read: {}", path.display(), unread.reason);
                let code = if unread.outside { codes::OUTSIDE } else { codes::UNREADABLE };
                problems.error(code, &place, message, unread.help.unwrap_or(PATH_HELP));
                return None;
            }
        };
        let base = read(&sources.get(current).text.clone(), current, problems);
        if let Some(Entry { item, .. }) = base.get("abstract")
            && !matches!(item.data, Data::Boolean(_))
        {
            problems.wrong_type(item, "true or false", ABSTRACT_HELP);
        }
        layers.push(base);
    }
    if problems.any_errors() {
        return None;
    }
    let mut whole = layers.pop()?;
    while let Some(over) = layers.pop() {
        // What a plan is to its readers is not handed down to those that extend it.
        whole.shift_remove("abstract");
        merge(&mut whole, over);
    }
    Some(whole)
}

/// One `extends` with the file it stands in.
struct Link {
    from: FileId,
    place: Span,
}

/// How `abstract` is written.
pub(super) const ABSTRACT_HELP: &str = "write abstract = true, without quotes, or take it away";

/// What to do about a path that leads nowhere.
pub(super) const PATH_HELP: &str = "the path is relative to the file that names it";

/// The path that a plan extends, with its place.
fn extended(table: &Table, problems: &mut Problems) -> Option<(Span, String)> {
    let item = &table.get("extends")?.item;
    let Data::Text(path) = &item.data else {
        problems.wrong_type(
            item,
            "the path of a plan in quotes",
            "a plan extends one plan; that one may extend another",
        );
        return None;
    };
    Some((item.span.clone(), path.to_string()))
}

fn cycle(problem: Problem, chain: &[Link], sources: &Sources) -> Problem {
    let links = chain.iter().rev().skip(1).rev();
    let problem = problem.help("take one of these `extends` away");
    links.fold(problem, |problem, link| {
        problem.related(link.place.clone(), format!("{} goes on here", sources.get(link.from).path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::Disk;

    #[test]
    fn a_chain_of_plans_has_an_end_before_it_has_one_by_itself() {
        let chain = |length: usize| {
            let text = |at: usize| if at < length { format!("extends = \"{}.toml\"\n", at + 1) } else { String::new() };
            (0..=length).fold(Disk::default(), |disk, at| disk.with(&format!("{at}.toml"), text(at))).load("0.toml")
        };
        let is_cut = |length| chain(length).problems.iter().any(|problem| problem.code == codes::EXTENDS_CYCLE);
        assert!(!is_cut(LONGEST) && is_cut(LONGEST + 1));
    }
}
