//! A first, flat look at a text: where its tags and words are, and that nothing in it is nested too deeply.
//!
//! The grammar of `handlebars` descends recursively and gives positions per element only. This pass bounds the
//! recursion before the parser sees the text, refuses the constructs that the language leaves out by their first
//! character, and notes where every word stands, so that the paths that the parser finds can be underlined.

use std::ops::Range;

use super::Fault;

/// How deeply blocks, and within a tag parentheses, may be nested. People stop at three.
const MAX_DEPTH: usize = 16;

/// How many tags one text may have: `handlebars` works out the line of each from the start of the text.
const MAX_TAGS: usize = 1_000;

/// The opening of CloudFormation's dynamic reference; CloudFormation allows no space in it.
const RESOLVE: &str = "{{resolve:";

/// What the first look found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// The text for the parser: the same, but with every dynamic reference escaped.
    pub(super) template: String,
    /// Where each tag stands in the original text, in order.
    pub(super) tags: Vec<Range<usize>>,
    /// Where each word of a tag stands in the original text, in order: paths, helper names, numbers, `if`, `else`.
    pub(super) words: Vec<Range<usize>>,
    /// The offsets in `template` where an escape was put in.
    escapes: Vec<usize>,
}

impl Scan {
    /// The offset in the original text of an offset in `template`.
    pub(super) fn original(&self, offset: usize) -> usize {
        offset - self.escapes.iter().filter(|escape| **escape < offset).count()
    }
}

/// Looks through a text.
pub(super) fn scan(text: &str) -> Result<Scan, Fault> {
    let mut scan = Scan::default();
    let mut blocks = 0;
    let mut chained = 0;
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = text[at..].find("{{") {
        let start = at + found;
        let backslashes = text[at..start].bytes().rev().take_while(|byte| *byte == b'\\').count();
        if backslashes == 1 {
            at = start + if text[start + 2..].starts_with("{{") { 4 } else { 2 };
            continue;
        }
        if text[start..].starts_with(RESOLVE) {
            if backslashes > 1 {
                return Err(Fault::new(
                    start - backslashes..start + RESOLVE.len(),
                    "backslashes before a dynamic reference are ambiguous",
                )
                .help("take them away: a dynamic reference passes through as it stands"));
            }
            scan.template.push_str(&text[copied..start]);
            scan.escapes.push(scan.template.len());
            scan.template.push('\\');
            (copied, at) = (start, start + RESOLVE.len());
            continue;
        }
        let tag = Tag::read(text, start, &mut scan.words)?;
        match tag.sort {
            Sort::Open => blocks += 1,
            Sort::Close => blocks = usize::saturating_sub(blocks, 1),
            Sort::ElseIf => chained += 1,
            Sort::Other => {}
        }
        if blocks == 0 && matches!(tag.sort, Sort::Close) {
            chained = 0;
        }
        if blocks + chained > MAX_DEPTH {
            return Err(Fault::new(tag.range, format!("blocks are nested more than {MAX_DEPTH} deep"))
                .help("`else if` counts as nesting too: choose by a variable's key instead, as in vars.NAME.KEY"));
        }
        if scan.tags.len() == MAX_TAGS {
            return Err(Fault::new(tag.range, format!("a text has {MAX_TAGS} expressions at most"))
                .help("divide the text into several values"));
        }
        at = tag.range.end;
        scan.tags.push(tag.range);
    }
    scan.template.push_str(&text[copied..]);
    Ok(scan)
}

/// What a tag does to the nesting of blocks.
enum Sort {
    Open,
    Close,
    ElseIf,
    Other,
}

struct Tag {
    range: Range<usize>,
    sort: Sort,
}

impl Tag {
    /// Reads the tag whose braces open at `start` and notes its words.
    fn read(text: &str, start: usize, words: &mut Vec<Range<usize>>) -> Result<Self, Fault> {
        let mut cursor = Cursor { text, at: start + 2 };
        cursor.skip(|c| c == '~' || c.is_whitespace());
        let mut sort = Sort::Other;
        match cursor.peek() {
            Some('#') => {
                sort = Sort::Open;
                cursor.next();
                cursor.skip(char::is_whitespace);
                if let Some(fault) = cursor.refused(start) {
                    return Err(fault);
                }
            }
            Some('/') => {
                sort = Sort::Close;
                cursor.next();
            }
            _ => {
                if let Some(fault) = cursor.refused(start) {
                    return Err(fault);
                }
            }
        }
        let first = words.len();
        let range = cursor.body(start, words)?;
        if matches!(sort, Sort::Close) {
            words.truncate(first);
        } else if let Some(word) = words.get(first).cloned()
            && text[word.clone()].starts_with("else")
        {
            // The grammar takes `elseif x` for `else if x`, and any other word that begins so for a chain as well.
            if &text[word.clone()] != "else" {
                return Err(Fault::new(word, "no word that begins with `else` can stand first in an expression")
                    .help("write {{else}} or {{else if path}}"));
            }
            if words.len() > first + 1 {
                sort = Sort::ElseIf;
            }
        }
        Ok(Self { range, sort })
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn skip(&mut self, mut unwanted: impl FnMut(char) -> bool) {
        while self.peek().is_some_and(&mut unwanted) {
            self.next();
        }
    }

    /// The fault of a tag that begins with a character for something the language leaves out.
    fn refused(&self, start: usize) -> Option<Fault> {
        let (message, help) = match self.peek()? {
            '>' => ("partials are not part of a plan's expressions", "write the text where it is needed"),
            '*' => ("decorators are not part of a plan's expressions", "write the value where it is needed"),
            '!' => ("comments are not part of a plan's expressions", "write a TOML comment: # …"),
            '{' | '&' => ("three braces and `&` say nothing new: nothing is ever escaped", "write {{ path }}"),
            '^' => ("`^` is not part of a plan's expressions", "write {{else}} or {{#unless path}}"),
            _ => return None,
        };
        Some(Fault::new(start..self.at + 1, message).help(help))
    }

    /// Reads up to the closing braces and gives the whole tag's range.
    fn body(&mut self, start: usize, words: &mut Vec<Range<usize>>) -> Result<Range<usize>, Fault> {
        let mut depth = 0_usize;
        loop {
            let here = self.at;
            match self.next() {
                None => return Err(Fault::new(start..start + 2, "`{{` without its `}}`").help(ESCAPE_HELP)),
                Some('}') if self.text[here..].starts_with("}}") => {
                    self.next();
                    return Ok(start..self.at);
                }
                Some('(') => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(Fault::new(here..self.at, format!("more than {MAX_DEPTH} parentheses are open"))
                            .help("give each step a value of its own"));
                    }
                }
                Some(')') => depth = depth.saturating_sub(1),
                Some(quote @ ('"' | '\'')) => self.quoted(here, quote)?,
                Some(c) if c == '~' || c.is_whitespace() => {}
                Some('|') => {
                    return Err(Fault::new(here..self.at, "block parameters are not part of a plan's expressions")
                        .help("write whole paths"));
                }
                Some('=') => {
                    return Err(Fault::new(here..self.at, "helpers take no named arguments")
                        .help("give the arguments in their order, separated by spaces"));
                }
                Some('[') => {
                    return Err(Fault::new(
                        here..self.at,
                        "a path does not begin with a bracket, and lists are not written in an expression",
                    )
                    .help("write the list in TOML, for example below [vars]"));
                }
                Some('{' | '}') => {
                    return Err(Fault::new(here..self.at, "a brace inside an expression").help(ESCAPE_HELP));
                }
                Some(_) => {
                    self.word()?;
                    words.push(here..self.at);
                }
            }
        }
    }

    /// Reads the rest of a text in quotes.
    fn quoted(&mut self, start: usize, quote: char) -> Result<(), Fault> {
        while let Some(c) = self.next() {
            match c {
                '\\' => drop(self.next()),
                c if c == quote => return Ok(()),
                _ => {}
            }
        }
        Err(Fault::new(start..start + 1, "this text in quotes has no end")
            .help("close it with the quote it began with"))
    }

    /// Reads the rest of a word: a path with its bracketed keys, a name or a number.
    fn word(&mut self) -> Result<(), Fault> {
        while let Some(c) = self.peek() {
            if c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\'' | '{' | '}' | '|' | '=' | '~') {
                break;
            }
            let start = self.at;
            self.next();
            if c == '[' {
                self.skip(|c| c != ']');
                if self.next().is_none() {
                    return Err(Fault::new(start..start + 1, "`[` without its `]`")
                        .help("a key with other characters than letters, digits, - and _ is written [so]"));
                }
            }
        }
        Ok(())
    }
}

const ESCAPE_HELP: &str = "where the text itself holds two braces, write \\{{ (in a TOML text with escapes: \\\\{{)";

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        scan(text).unwrap().words.into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn words_are_found_where_they_stand() {
        assert_eq!(words("a {{ vars.x }} b {{split vars.[a b] \"; vars.y\"}}"), ["vars.x", "split", "vars.[a b]"]);
        assert_eq!(words("{{#if (eq vars.x 'y')}}1{{else}}2{{/if}}"), ["if", "eq", "vars.x", "else"]);
    }

    #[test]
    fn dynamic_references_are_no_tags() {
        let text = "x{{resolve:ssm:/a/{{ vars.b }}:1}}";
        let scan = scan(text).unwrap();
        assert_eq!(scan.template, "x\\{{resolve:ssm:/a/{{ vars.b }}:1}}");
        assert_eq!(&text[scan.words[0].clone()], "vars.b");
        assert_eq!(scan.original(scan.template.find("vars").unwrap()), text.find("vars").unwrap());
    }

    #[test]
    fn an_escaped_brace_opens_nothing() {
        assert!(scan(r"\{{ a").unwrap().tags.is_empty());
        assert_eq!(scan(r"\\{{ a }}").unwrap().tags.len(), 1);
    }

    #[test]
    fn what_the_language_leaves_out_is_refused_by_its_first_character() {
        for text in
            ["{{> a}}", "{{#> a}}", "{{* a}}", "{{#* a}}", "{{! a}}", "{{{a}}}", "{{&a}}", "{{{{a}}}}", "{{^a}}"]
        {
            assert!(scan(text).is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_it_is_parsed() {
        for text in [
            format!("{{{{a {}", "(a ".repeat(10_000)),
            "{{#if a}}".repeat(10_000),
            format!("{{{{#if a}}}}{}", "{{else if a}}".repeat(10_000)),
            format!("{{{{a ')' {} }}}}", "(a ".repeat(10_000)),
            format!("{{{{a.[\"] {} }}}}", "(a ".repeat(10_000)),
        ] {
            assert!(scan(&text).unwrap_err().message.contains("16"), "{}", &text[..40]);
        }
    }

    #[test]
    fn chains_of_blocks_beside_each_other_do_not_nest() {
        assert!(scan(&"{{#if a}}x{{else if b}}y{{/if}}".repeat(40)).is_ok());
    }

    #[test]
    fn a_word_that_begins_with_else_is_no_way_into_a_chain() {
        for link in ["{{elseif a}}", "{{~ elseif a}}", "{{elsewhere}}", "{{else-if a}}", "{{elseé a}}", "{{else.a}}"] {
            let text = format!("{{{{#if a}}}}{}{{{{/if}}}}", link.repeat(4_000));
            assert!(scan(&text).unwrap_err().message.contains("`else`"), "{link}");
            assert!(super::super::Expression::parse(&text).is_err(), "{link}");
        }
        assert!(scan("{{ vars.else }}{{ vars.elsewhere }}").is_ok());
    }

    #[test]
    fn a_text_has_so_many_tags_and_no_more() {
        assert!(scan(&"{{ a }}".repeat(MAX_TAGS)).is_ok());
        assert!(scan(&"{{ a }}".repeat(MAX_TAGS + 1)).unwrap_err().message.contains("1000"));
    }
}
