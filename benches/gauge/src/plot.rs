//! The cost of a node by the size of the plan, drawn.

use std::fmt::Write as _;

/// What was measured at one size.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// How many nodes there were.
    pub nodes: f64,
    /// The CPU for each, in microseconds.
    pub cpu: f64,
    /// The memory for each, in kilobytes of 1,000 bytes.
    pub memory: f64,
    /// The instructions for each, if they were counted.
    pub instructions: Option<f64>,
}

/// What a point is of a bound.
type Share<'a> = &'a dyn Fn(&Point) -> f64;

/// As many instructions are the whole height, which is no bound.
const SCALE: f64 = 20_000.0;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 44.0;

/// An SVG with CPU and memory as shares of their bounds, and instructions, if they were counted, as shares of [`SCALE`],
/// over nodes on a logarithmic scale: a flat line is a cost that does not grow with the plan.
pub fn svg(points: &[Point], most_cpu: f64, most_memory: f64) -> String {
    let first = points.first().map_or(1.0, |point| point.nodes.log10());
    let last = points.last().map_or(2.0, |point| point.nodes.log10());
    let x = |nodes: f64| LEFT + (nodes.log10() - first) / (last - first) * (WIDTH - LEFT - RIGHT);
    let y = |share: f64| HEIGHT - BOTTOM - share / 1.1 * (HEIGHT - TOP - BOTTOM);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for quarter in 0..=4 {
        let share = f64::from(quarter) / 4.0;
        let dash = if quarter == 4 { " stroke-dasharray=\"6 3\"" } else { "" };
        let colour = if quarter == 4 { "#c33" } else { "#ddd" };
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{1:.1}\" y2=\"{1:.1}\" stroke=\"{colour}\"{dash}/>\n\
             <text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\" fill=\"#555\">{4}%</text>",
            WIDTH - RIGHT,
            y(share),
            LEFT - 8.0,
            y(share) + 4.0,
            quarter * 25
        );
    }
    for point in points {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{}</text>",
            x(point.nodes),
            HEIGHT - BOTTOM + 18.0,
            rounded(point.nodes)
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">nodes</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0
    );
    let cpu = |point: &Point| point.cpu / most_cpu;
    let memory = |point: &Point| point.memory / most_memory;
    let instructions = |point: &Point| point.instructions.unwrap_or_default() / SCALE;
    let mut series: Vec<(_, _, _, Share<'_>)> = vec![
        ("#06c", LEFT, format!("CPU per node, of {most_cpu} µs"), &cpu),
        ("#283", LEFT + 170.0, format!("memory per node, of {most_memory} KB"), &memory),
    ];
    if points.iter().all(|point| point.instructions.is_some()) {
        series.push(("#a50", LEFT + 354.0, format!("instructions per node, of {SCALE}"), &instructions));
    }
    for (colour, at, title, share) in series {
        let path: Vec<String> =
            points.iter().map(|point| format!("{:.1},{:.1}", x(point.nodes), y(share(point)))).collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for place in &path {
            let (x, y) = place.split_once(',').unwrap_or_default();
            let _ = writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let _ = writeln!(
            out,
            "<rect x=\"{at}\" y=\"14\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\n<text x=\"{}\" y=\"24\">{title}</text>",
            at + 18.0
        );
    }
    out.push_str("</svg>\n");
    out
}

/// A number of nodes to two digits, with commas: `30,000`.
fn rounded(nodes: f64) -> String {
    let unit = 10_f64.powf(nodes.log10().floor() - 1.0);
    let digits = format!("{:.0}", (nodes / unit).round() * unit);
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
