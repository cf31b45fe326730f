//! The texts of `fuzz/corpus`, good ones and nasty ones, and thousands that are made from them by small damages.
#![expect(clippy::disallowed_methods, reason = "the test reads the corpus")]

mod targets;

use std::fs;
use std::path::Path;

/// The texts of one target with their names, in the order of the names.
fn corpus(target: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut texts: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    texts.sort();
    assert!(texts.len() > 5, "{target} has a corpus");
    texts
}

/// Numbers that look random and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// The text number `seed` that is made from a corpus: one of its texts, with pieces moved, doubled, lost or strewn in.
fn damaged(texts: &[(String, String)], seed: u64) -> String {
    const STREWN: [&str; 16] =
        ["{{", "}}", "[", "]", "{", "}", "(", "\"", "'", "\n", ": ", "&a ", "*a", "${", "é", "99999999999999999999"];
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut chars: Vec<char> = texts[random.below(texts.len())].1.chars().collect();
    for _ in 0..=random.below(4) {
        let from = random.below(chars.len());
        let end = (from + 1 + random.below(24)).min(chars.len());
        let to = random.below(chars.len() + 1);
        match random.below(4) {
            0 => drop(chars.drain(from..end)),
            1 => drop(chars.splice(to..to, STREWN[random.below(STREWN.len())].chars())),
            2 => {
                let piece = chars[from..end].to_vec();
                chars.splice(to..to, piece);
            }
            _ => {
                let piece: Vec<char> = chars.drain(from..end).collect();
                let to = to.min(chars.len());
                chars.splice(to..to, piece);
            }
        }
    }
    chars.into_iter().collect()
}

/// Runs a target over its corpus and over `count` texts made from it. What ends it is printed before; a stack overflow
/// ends the whole test, so it is printed for every text of the corpus.
fn run(target: &'static str, count: u64, check: fn(&str)) {
    let work = move || {
        let texts = corpus(target);
        for (name, text) in &texts {
            println!("fuzz/corpus/{target}/{name}");
            check(text);
        }
        for seed in 0..count {
            let text = damaged(&texts, seed);
            let ended = std::panic::catch_unwind(|| check(&text));
            assert!(ended.is_ok(), "{target}: the text of seed {seed} ends it: {text:?}");
        }
    };
    // Half of the stack that a thread is given otherwise.
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn plans() {
    run("plan", 2_000, targets::plan);
}

#[test]
fn expressions() {
    run("expression", 5_000, targets::expression);
}

#[test]
fn templates() {
    run("template", 3_000, targets::template);
}

#[test]
fn damage_is_the_same_in_every_run_and_differs_from_seed_to_seed() {
    let texts = corpus("plan");
    let made: Vec<_> = (0..200).map(|seed| damaged(&texts, seed)).collect();
    assert!((0..200).all(|seed| damaged(&texts, seed) == made[seed as usize]));
    let mut distinct = made.clone();
    distinct.sort();
    distinct.dedup();
    assert!(distinct.len() > 190, "{}", distinct.len());
}
