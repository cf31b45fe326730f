//! How deeply a TOML text nests, told before it is parsed.
//!
//! Brackets nest, and so do the dots of a key, and both together: eighty dots inside each of eighty tables are 6,400
//! levels, which whatever walks the tree would descend one by one. So a flat look at the text comes first. It divides
//! the text as TOML's own lexer does, which needs no context, and where a text is broken it counts too much rather
//! than too little.

/// How many levels of lists, tables and dotted keys may lie inside each other. People stop at five.
pub(super) const MAX_DEPTH: usize = 32;

/// A level that is open.
struct Open {
    closer: u8,
    base: usize,
    dots: usize,
    valued: bool,
}

/// The byte at which a text goes deeper than [`MAX_DEPTH`], if it does.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open: Vec<Open> = Vec::new();
    // Levels outside of the key that is being read, the dots of that key, and whether its `=` has come.
    let (mut base, mut dots, mut valued) = (0, 0, false);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let here = at;
        at += 1;
        match byte {
            b'#' => at = line_end(bytes, at),
            b'\'' | b'"' => at = string_end(bytes, here),
            b'[' | b'{' => {
                let closer = if *byte == b'[' { b']' } else { b'}' };
                open.push(Open { closer, base, dots, valued });
                (base, dots, valued) = (base + dots + 1, 0, false);
            }
            b']' | b'}' => {
                // What closes nothing is left alone, so that broken text never looks flatter than it is.
                if let Some(level) = open.pop_if(|level| level.closer == *byte) {
                    (base, dots, valued) = (level.base, level.dots, level.valued);
                }
            }
            b'.' => dots += 1,
            b'=' => valued = true,
            b',' => (dots, valued) = (0, false),
            b'\n' | b'\r' if valued || open.is_empty() => (dots, valued) = (0, false),
            _ => {}
        }
        if base + dots > MAX_DEPTH {
            return Some(here);
        }
    }
    None
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(bytes.len(), |found| from + found)
}

/// The end of the string that begins at `start`. One in single quotes ends at the end of its line at the latest.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let long = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if long { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !long => return at,
            byte if *byte == quote && !long => return at + 1,
            byte if *byte == quote && bytes[at..].starts_with(&[quote; 3]) => {
                // The text itself may end in one or two quotes.
                let more = bytes[at + 3..].iter().take(2).take_while(|byte| **byte == quote).count();
                return at + 3 + more;
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_dots_count_together() {
        assert_eq!(too_deep(&format!("a = {}{}", "[".repeat(32), "]".repeat(32))), None);
        assert_eq!(too_deep(&format!("a = {}", "[".repeat(33))), Some(4 + 32));
        assert_eq!(too_deep(&format!("[{}a]", "a.".repeat(32))), Some(64));
        assert!(too_deep(&format!("x = {}", "{ a.a.a.a = ".repeat(9))).is_some());
        assert!(too_deep(&format!("x = {}", "{ a.\n a.\n a.\n a = ".repeat(9))).is_some());
        assert!(too_deep(&format!("x = {}", "[ } ".repeat(40))).is_some());
    }

    #[test]
    fn only_what_nests_counts() {
        let flat = [
            "# {{{{[[[[....\n".repeat(20),
            "a.b.c = 1.5\n".repeat(50),
            "[a.b]\nx = [1.5, 2.5]\n".repeat(50),
            format!("x = {{ {} }}", "a.b = 1.5, ".repeat(50)),
            format!("x = [\n{}", "a.b = 1.5\n".repeat(50)),
            format!("x = \"{}\\\"{}\"", "[".repeat(40), "{".repeat(40)),
            format!("x = '{}\\'", "[".repeat(40)),
            format!("x = '''\n'{}\n'''''\ny = \"\"\"\\\"\"\"{}\"\"\"", "[".repeat(40), "[".repeat(40)),
        ];
        for text in flat {
            assert_eq!(too_deep(&text), None, "{text}");
        }
    }
}
