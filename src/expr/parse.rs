//! From what `handlebars` parsed to an expression, or to everything in it that is not part of the language.

use std::ops::Range;
use std::sync::Arc;

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Path, PathSeg, Template, TemplateErrorReason};

use super::expression::{Part, Term};
use super::scan::{Scan, scan};
use super::{Expression, Fault, Helper, Reference};

/// Parses a text.
pub(super) fn parse(text: &str) -> Result<Expression, Vec<Fault>> {
    let scan = scan(text).map_err(|fault| vec![fault])?;
    if scan.tags.is_empty() && scan.template == text && !text.contains("{{") {
        return Ok(Expression { parts: vec![Part::Text(text.to_owned())], references: Vec::new() });
    }
    let template = Template::compile(&scan.template).map_err(|error| vec![syntax(text, &scan, &error)])?;
    let mut reader = Reader { text, scan: &scan, next: 0, references: Vec::new(), faults: Vec::new() };
    let parts = reader.template(Some(&template));
    if reader.faults.is_empty() { Ok(Expression { parts, references: reader.references }) } else { Err(reader.faults) }
}

/// The fault for what the parser refused, at the tag where it stopped.
fn syntax(text: &str, scan: &Scan, error: &handlebars::TemplateError) -> Fault {
    let stopped = error.pos().map(|(line, column)| scan.original(offset(&scan.template, line, column)));
    let tag = stopped.and_then(|at| scan.tags.iter().find(|tag| tag.start <= at && at <= tag.end).or(scan.tags.last()));
    let range = tag.cloned().unwrap_or(0..text.len());
    match error.reason() {
        TemplateErrorReason::MismatchingClosedHelper(open, close) => {
            Fault::new(range, format!("`{{{{#{open}}}}}` was opened, but `{{{{/{close}}}}}` closes"))
                .help(format!("close it with {{{{/{open}}}}}"))
        }
        _ => unbalanced(text, scan).unwrap_or_else(|| {
            Fault::new(range, "this is not an expression")
                .help("an expression is a path, a helper with its arguments, or {{#if path}}…{{else}}…{{/if}}")
        }),
    }
}

/// The fault of a block that has no end, or of an `else` or an end without a block: of those the parser says no more than
/// where it came to an end itself.
fn unbalanced(text: &str, scan: &Scan) -> Option<Fault> {
    let mut open = Vec::new();
    for tag in &scan.tags {
        let inside = text[tag.clone()].trim_start_matches(|c: char| matches!(c, '{' | '~') || c.is_whitespace());
        let mark = inside.chars().next()?;
        let word = inside.trim_start_matches(mark).trim_start();
        let name = &word[..word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len())];
        let fault = |message: String| Fault::new(tag.clone(), message);
        match mark {
            '#' => open.push((tag, name)),
            '/' if open.pop().is_none() => {
                let help = format!("take it away, or write {{{{#{name} path}}}} before it");
                return Some(fault(format!("`{{{{/{name}}}}}` closes nothing")).help(help));
            }
            // The scan takes no other word that begins so.
            _ if inside.starts_with("else") && open.is_empty() => {
                let help = "take it away, or write it between {{#if path}} and {{/if}}";
                return Some(fault("`{{else}}` stands in no block".to_owned()).help(help));
            }
            _ => {}
        }
    }
    let (tag, name) = open.pop()?;
    let fault = Fault::new(tag.clone(), format!("`{{{{#{name}}}}}` is not closed"));
    Some(fault.help(format!("close it with {{{{/{name}}}}}")))
}

/// The byte offset of a line and a column, both counted from one, the column in characters.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    let rest = text.get(before..).unwrap_or_default();
    before + rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum::<usize>()
}

/// Walks the parsed template in the order of the text, with a finger on the words that were scanned.
struct Reader<'a> {
    text: &'a str,
    scan: &'a Scan,
    next: usize,
    references: Vec<Reference>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn template(&mut self, template: Option<&Template>) -> Vec<Part> {
        template.map_or_else(Vec::new, |template| {
            template.elements.iter().filter_map(|element| self.element(element)).collect()
        })
    }

    fn element(&mut self, element: &TemplateElement) -> Option<Part> {
        match element {
            TemplateElement::RawString(text) => Some(Part::Text(text.clone())),
            TemplateElement::Expression(expression) => self.expression(expression).map(Part::Value),
            TemplateElement::HelperBlock(block) => self.block(block),
            // The scan refuses the others by their first character; this stays right should the grammar grow.
            _ => {
                let fault = Fault::new(0..self.text.len(), "this is not part of a plan's expressions");
                self.faults.push(fault.help("write a path, a helper with its arguments, or {{#if path}}…{{/if}}"));
                None
            }
        }
    }

    /// A path by itself or a helper with its arguments.
    fn expression(&mut self, expression: &HelperTemplate) -> Option<Term> {
        if expression.params.is_empty() && expression.hash.is_empty() {
            return self.parameter(&expression.name);
        }
        let name = expression.name.as_name().unwrap_or_default();
        let range = self.word(name);
        let arguments = self.parameters(&expression.params);
        let Some(helper) = Helper::from_name(name) else {
            self.faults.push(unknown_helper(name, range));
            return None;
        };
        if !helper.takes(expression.params.len()) {
            let given = match expression.params.len() {
                1 => "1 argument".to_owned(),
                count => format!("{count} arguments"),
            };
            let fault = Fault::new(range, format!("`{name}` is given {given}"));
            self.faults.push(fault.help(format!("write {}", helper.usage())));
            return None;
        }
        Some(Term::Call { helper, arguments: arguments?, range })
    }

    fn block(&mut self, block: &HelperTemplate) -> Option<Part> {
        let name = block.name.as_name().unwrap_or_default();
        let range = self.word(name);
        let negated = match name {
            "if" => false,
            "unless" => true,
            _ => {
                self.faults.push(unknown_block(name, range));
                return None;
            }
        };
        let condition = if let [condition] = block.params.as_slice() {
            self.parameter(condition)
        } else {
            let fault = Fault::new(range, format!("`{name}` takes one condition"));
            self.faults.push(fault.help(format!("write {{{{#{name} path}}}}, or {{{{#{name} (eq path \"text\")}}}}")));
            None
        };
        let then = self.template(block.template.as_ref());
        let otherwise = self.template(block.inverse.as_ref());
        Some(Part::If { condition: condition?, negated, then, otherwise })
    }

    /// The arguments, all of them looked at even when one is wrong.
    fn parameters(&mut self, parameters: &[Parameter]) -> Option<Vec<Term>> {
        let terms: Vec<_> = parameters.iter().map(|parameter| self.parameter(parameter)).collect();
        terms.into_iter().collect()
    }

    fn parameter(&mut self, parameter: &Parameter) -> Option<Term> {
        match parameter {
            Parameter::Literal(value) if value.is_null() => {
                let fault = Fault::new(self.word("null"), "`null` is no value of a plan");
                self.faults.push(fault.help("write '' for an empty text"));
                None
            }
            Parameter::Literal(value) if value.is_array() || value.is_object() => {
                let fault = Fault::new(0..self.text.len(), "lists and tables are not written in an expression");
                self.faults.push(fault.help("write the list in TOML, for example below [vars]"));
                None
            }
            Parameter::Literal(value) => Some(Term::Literal(value.clone())),
            Parameter::Path(path) => self.path(path),
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(expression) => self.expression(expression),
                _ => None,
            },
            _ => {
                let name = parameter.as_name().unwrap_or_default();
                let range = self.word(name);
                self.faults.push(unknown_helper(name, range));
                None
            }
        }
    }

    fn path(&mut self, path: &Path) -> Option<Term> {
        let (Path::Relative((_, written)) | Path::Local((_, _, written))) = path;
        let range = self.word(written);
        let Some(parts) = plain_path(path) else {
            let fault = Fault::new(range, format!("`{written}` is not a path of a plan"));
            self.faults.push(fault.help(
                "a path begins with vars, plan, self, each, accounts, stacks, peerings or routes and goes on with dots",
            ));
            return None;
        };
        self.references.push(Reference { path: parts, text: written.as_str().into(), range });
        Some(Term::Reference(self.references.len() - 1))
    }

    /// The range of the next word that is `written`. The parser and the scan see the same words in the same order; a
    /// word that is not found has the whole text for its place.
    fn word(&mut self, written: &str) -> Range<usize> {
        let ahead = &self.scan.words[self.next..];
        match ahead.iter().position(|range| &self.text[range.clone()] == written) {
            Some(skipped) => {
                self.next += skipped + 1;
                ahead[skipped].clone()
            }
            None => 0..self.text.len(),
        }
    }
}

/// The parts of a path that only goes downwards, or `None` for `../`, `@root`, `this` and slashes.
fn plain_path(path: &Path) -> Option<Vec<Arc<str>>> {
    let Path::Relative((segments, written)) = path else { return None };
    let mut parts = Vec::with_capacity(segments.len());
    let mut rest = written.as_str();
    for segment in segments {
        // The parser drops `this` and takes slashes for dots: only what reads back exactly is a path of ours.
        let PathSeg::Named(name) = segment else { return None };
        if !parts.is_empty() {
            rest = rest.strip_prefix('.')?;
        }
        rest = match rest.strip_prefix('[') {
            Some(bracketed) => bracketed.strip_prefix(name.as_str())?.strip_prefix(']')?,
            None => rest.strip_prefix(name.as_str())?,
        };
        parts.push(name.as_str().into());
    }
    (rest.is_empty() && !parts.is_empty()).then_some(parts)
}

fn unknown_helper(name: &str, range: Range<usize>) -> Fault {
    match name {
        "lookup" => Fault::new(range, "`lookup` hides what it refers to").help("write the whole path: vars.name.key"),
        "if" | "unless" => Fault::new(range, format!("`{name}` is a block"))
            .help(format!("write {{{{#{name} path}}}}…{{{{/{name}}}}}")),
        _ => {
            let known = Helper::ALL.map(Helper::name).join(", ");
            Fault::new(range, format!("there is no helper `{name}`")).help(format!("the helpers are {known}"))
        }
    }
}

fn unknown_block(name: &str, range: Range<usize>) -> Fault {
    let fault = Fault::new(range, format!("`{name}` is not a block of a plan's expressions"));
    match name {
        "each" => fault.help("loops hide what they refer to: use for_each on the stack, peering or route"),
        "with" => fault.help("`with` hides what it refers to: write whole paths"),
        _ => fault.help("the blocks are if and unless"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn references(text: &str) -> Vec<(String, &str)> {
        let expression = Expression::parse(text).unwrap();
        expression.references().iter().map(|found| (found.path.join("/"), &text[found.range.clone()])).collect()
    }

    fn faults(text: &str) -> Vec<(&str, String)> {
        Expression::parse(text).unwrap_err().into_iter().map(|fault| (&text[fault.range], fault.message)).collect()
    }

    #[test]
    fn every_path_is_found_where_it_stands() {
        assert_eq!(
            references(
                "é {{ vars.a }} {{#if stacks.hub.outputs.X}}{{ vars.a }}{{else if (eq each.key 'vars.a')}}{{join vars.[a b].c}}{{else}}{{~ self.key}}{{/if}}"
            ),
            [
                ("vars/a".to_owned(), "vars.a"),
                ("stacks/hub/outputs/X".to_owned(), "stacks.hub.outputs.X"),
                ("vars/a".to_owned(), "vars.a"),
                ("each/key".to_owned(), "each.key"),
                ("vars/a b/c".to_owned(), "vars.[a b].c"),
                ("self/key".to_owned(), "self.key"),
            ]
        );
    }

    #[test]
    fn the_same_path_twice_has_two_places() {
        let expression = Expression::parse("{{ vars.a }}{{ vars.a }}").unwrap();
        assert_eq!(expression.references().iter().map(|found| found.range.start).collect::<Vec<_>>(), [3, 15]);
    }

    #[test]
    fn hyphens_and_brackets_are_parts_of_a_path() {
        assert_eq!(references("{{ stacks.a-b.us-west-2.outputs.X }}")[0].0, "stacks/a-b/us-west-2/outputs/X");
        assert_eq!(references("{{ stacks.[a.b].id }}")[0].0, "stacks/a.b/id");
    }

    #[test]
    fn what_hides_references_is_refused_at_its_word() {
        for (text, at) in [
            ("{{#each vars.list}}x{{/each}}", "each"),
            ("{{#with vars.a}}x{{/with}}", "with"),
            ("{{lookup vars.a vars.b}}", "lookup"),
            ("{{ ../a }}", "../a"),
            ("{{ @root.a }}", "@root.a"),
            ("{{ @index }}", "@index"),
            ("{{ this.a }}", "this.a"),
            ("{{ vars.this.a }}", "vars.this.a"),
            ("{{ vars/a }}", "vars/a"),
            ("{{ shout vars.a }}", "shout"),
            ("{{ lower vars.a vars.b }}", "lower"),
            ("{{#lower vars.a}}x{{/lower}}", "lower"),
            ("{{ if vars.a }}", "if"),
            ("{{ vars.a", "{{"),
            ("{{ split vars.a sep=',' }}", "="),
            ("{{#if vars.a as |x|}}{{/if}}", "|"),
        ] {
            assert_eq!(faults(text)[0].0, at, "{text}");
        }
    }

    #[test]
    fn all_faults_of_a_text_are_found_at_once() {
        assert_eq!(
            faults("{{ ../a }} {{ shout vars.b }} {{ @root.c }}").iter().map(|fault| fault.0).collect::<Vec<_>>(),
            ["../a", "shout", "@root.c"]
        );
    }

    #[test]
    fn what_does_not_parse_is_shown_at_its_tag() {
        assert_eq!(faults("a {{ vars.a, }} b")[0].0, "{{ vars.a, }}");
        assert_eq!(faults("{{resolve:ssm:x}} {{ vars..a }}")[0].0, "{{ vars..a }}");
        assert_eq!(faults("{{#if vars.a}}x{{/unless}}")[0].1, "`{{#if}}` was opened, but `{{/unless}}` closes");
    }

    #[test]
    fn a_text_without_braces_is_itself() {
        assert_eq!(Expression::parse(r"C:\temp { } }}").unwrap().parts, [Part::Text(r"C:\temp { } }}".to_owned())]);
    }
}
