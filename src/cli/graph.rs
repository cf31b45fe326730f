//! `orch graph`.

use crate::graph::{Edge, Graph, Ix};
use crate::plan::{Node, Spec};
use crate::view::{Caption, Drawing};

use super::args::{GraphArgs, GraphFormat};
use super::checked::{Checked, Hold};
use super::exit::Exit;
use super::terminal::For;
use super::{Surroundings, checked, print_for};

/// Prints the graph of a plan, or of its chosen part, in one of the forms.
pub(super) fn graph(args: &GraphArgs, surroundings: &Surroundings) -> Exit {
    let checked = match checked::open(&args.plan, &args.vars, Hold::ThatItLoads, surroundings) {
        Ok(checked) => checked,
        Err(exit) => return exit,
    };
    let chosen = match checked.choose(&args.choice) {
        Ok(chosen) => chosen,
        Err(exit) => return exit,
    };
    let (part, positions) = part(&checked, &chosen);
    let node = |ix: Ix| &checked.plan.nodes[positions[ix.index()]];
    let early = |needed: Ix, by: Ix| node(by).takes_early(node(needed)).is_some();
    let drawing = Drawing::new(&*checked.plan.name, &part, |ix| caption(node(ix)), early);
    let text = match args.format {
        GraphFormat::Text => drawing.to_text(),
        GraphFormat::Dot => drawing.to_dot(),
        GraphFormat::Mermaid => drawing.to_mermaid(),
        GraphFormat::Json => drawing.to_json(),
    };
    let reader = if args.format == GraphFormat::Json { For::Json } else { For::People };
    print_for(reader, &text, Exit::Done)
}

/// The chosen nodes with the edges between them, and their positions in the plan.
fn part(checked: &Checked, chosen: &[bool]) -> (Graph, Vec<usize>) {
    let whole = &checked.graph;
    let positions: Vec<usize> = (0..whole.len()).filter(|index| chosen[*index]).collect();
    let mut place = vec![None; whole.len()];
    for (new, old) in positions.iter().enumerate() {
        place[*old] = Some(Ix::from(new));
    }
    let ids = positions.iter().map(|old| whole.id(Ix::from(*old)).clone()).collect();
    let edges = positions.iter().flat_map(|old| {
        let place = &place;
        whole.reasons(Ix::from(*old)).filter_map(move |(needed, reasons)| {
            let (from, to) = (place[needed.index()]?, place[*old]?);
            Some(reasons.iter().map(move |reason| Edge {
                from,
                to,
                span: reason.span.clone(),
                expression: reason.expression.clone(),
            }))
        })
    });
    let part = Graph::new(ids, edges.flatten()).expect("a part of a graph without a cycle has none");
    (part, positions)
}

fn caption(node: &Node) -> Caption {
    let Node { account, region, spec, .. } = node;
    let title = match spec {
        Spec::Stack(stack) if stack.manage => Some(stack.name.to_string()),
        Spec::Stack(stack) => Some(format!("{} (only read)", stack.name)),
        Spec::Peering(peering) => {
            let accepter = &peering.accepter;
            Some(format!("{account} {region} to {} {}", accepter.account, accepter.region))
        }
        Spec::Route(_) => None,
    };
    Caption { account: account.clone(), region: region.clone(), title }
}
