//! `orch local serve`: the embedded AWS in a process of its own, which the real binary uses as it uses AWS.
#![cfg(unix)]

use std::net::TcpListener;

use crate::orch::{Orch, QUICK};
pub use crate::server::Served;

const PLAN: &str = "plans/us-east-1.toml";

#[test]
fn a_served_aws_takes_a_plan_as_aws_does_and_counts_the_calls() {
    let orch = Orch::with_shipped_plans();
    let served = Served::start(&orch, QUICK, &["--memory"]);
    served.run(&orch, &["preview", PLAN]).code(5).prints(&["17 to create"]);
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0).prints(&["VPCId"]);
    let calls = served.calls();
    let made = |operation: &str| {
        let sorts = calls["sorts"].as_array().unwrap().iter();
        sorts
            .filter(|sort| sort["operation"] == operation && sort["outcome"] == "ok")
            .map(|sort| sort["count"].as_u64().unwrap())
            .sum::<u64>()
    };
    let counted = ["CreateStack", "CreateVpcPeeringConnection", "AcceptVpcPeeringConnection", "CreateRoute"].map(made);
    assert_eq!(counted, [5, 4, 4, 24], "{calls:#}");
    assert!(served.ask("DELETE /_orch/calls").starts_with("HTTP/1.1 204"));
    assert_eq!(served.calls()["total"], 0);
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0).prints(&["Nothing changed"]);
    served.run(&orch, &["outputs", PLAN]).code(0).prints(&["stacks.spoke[qa]"]);
    served.run(&orch, &["destroy", PLAN, "--yes"]).code(0);
    assert!(!orch.path(".orch/local").exists(), "nothing is on the disk");
    let (code, summary) = served.ends_by("TERM");
    assert_eq!(code, Some(0), "{summary}");
    assert!(summary.contains("222222222222  us-east-1  cloudformation  DeleteStack"), "{summary}");
}

#[test]
fn a_served_aws_shares_its_world_with_local() {
    let orch = Orch::with_shipped_plans();
    let served = Served::start(&orch, QUICK, &[]);
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0);
    let local = ["--local", "--local-config", "aws.toml"];
    orch.run(&[&["apply", PLAN], &local[..]].concat()).code(0).prints(&["Nothing changed"]);
    orch.run(&[&["destroy", PLAN], &local[..]].concat()).code(0);
    served.run(&orch, &["outputs", PLAN]).code(1).says(&["stacks.master does not exist"]);
    let (code, summary) = served.ends_by("INT");
    assert_eq!(
        (code, summary.lines().next().is_some_and(|line| line.ends_with(" calls"))),
        (Some(0), true),
        "{summary}"
    );
}

#[test]
fn an_apply_outlives_calls_that_a_served_aws_breaks_off() {
    let orch = Orch::with_shipped_plans();
    let faults = "[[call]]\noperation = \"Describe*\"\nevery = 5\neffect = \"lost-after\"\n\
                  [[call]]\noperation = \"CreateStack\"\nnth = 2\neffect = \"lost-after\"\n\
                  [[call]]\noperation = \"CreateRoute\"\nnth = 3\neffect = \"lost-before\"\n\
                  [[call]]\noperation = \"AcceptVpcPeeringConnection\"\nfirst = 1\neffect = \"refused\"\n";
    let served = Served::start(&orch, &format!("{QUICK}{faults}"), &["--memory"]);
    served.run(&orch, &["apply", PLAN, "--yes"]).code(0);
    let calls = served.calls().to_string();
    for outcome in ["answer lost", "never arrived"] {
        assert!(calls.contains(outcome), "{calls}");
    }
    served.run(&orch, &["outputs", PLAN]).code(0).prints(&["stacks.spoke[qa]"]);
}

#[test]
fn what_cannot_be_served_is_told_with_what_to_do() {
    let orch = Orch::empty();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let serve = |more: &[&str]| orch.run(&[&["local", "serve", "--memory"], more].concat());
    serve(&["--port", &port]).code(2).says(&[&format!("error: port {port} of 127.0.0.1 is taken"), "--port 0"]);
    serve(&["--port", "70000"]).code(2).says(&["70000 is not in 0..=65535"]);
    serve(&["--port", "0", "--local-config", "none.toml"]).code(2).says(&["error: none.toml: No such file"]);
    orch.write("wrong.toml", "[timing]\nlatency = 5\n");
    serve(&["--port", "0", "--local-config", "wrong.toml"]).code(2).says(&["wrong.toml", "line 2", "latency_ms"]);
    orch.write(".orch/local/world.json", "{}");
    orch.run(&["local", "serve", "--port", "0"]).code(2).says(&["is not a world of the embedded AWS"]);
}
