//! What is wrong with one part of a plan is no reason to be silent about the others, nor to say what is not so.

use std::path::Path;

use super::example::Example;
use super::found;

/// The codes and the offending texts of what is found in a plan with two accounts: `more` are its tables.
fn codes(more: &str) -> Vec<(String, String)> {
    let text = format!(
        "--- plan.toml\nname = \"network\"\nregion = \"us-east-1\"\n[accounts]\nmaster = {{ id = \"111111111111\" }}\n\
         dev = {{ id = \"222222222222\", role = \"R\" }}\n{more}\n--- vpc.yaml\n\
         Parameters: {{CidrBlock: {{Type: String}}, Size: {{Type: String, Default: small, AllowedValues: [small]}}}}\n\
         Resources: {{VPC: {{Type: 'AWS::EC2::VPC', Properties: {{CidrBlock: !Ref CidrBlock}}}}, \
         Table: {{Type: 'AWS::EC2::RouteTable', Properties: {{VpcId: !Ref VPC}}}}}}\n\
         Outputs: {{VPCId: {{Value: !Ref VPC}}, Table: {{Value: !Ref Table}}}}\n"
    );
    let example = Example::read(&text);
    found(&example)
        .into_iter()
        .map(|(code, path, range)| {
            let (start, end) = range.split_once("..").unwrap();
            let text = &example.files.0[Path::new(&path)][start.parse().unwrap()..end.parse().unwrap()];
            (code, text.to_owned())
        })
        .collect()
}

fn told(more: &str, expected: &[(&str, &str)]) {
    let found = codes(more);
    let found: Vec<_> = found.iter().map(|(code, text)| (code.as_str(), text.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_node_that_cannot_be_read_hides_nothing_of_the_others() {
    told(
        "[stacks.one]\naccount = \"mastr\"\ntemplate = \"vpc.yaml\"\n\
         [stacks.two]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\nparameters = { Cidr = \"10.0.0.0/16\" }\n",
        &[("ORCH019", "\"mastr\""), ("ORCH055", "[stacks.two]"), ("ORCH054", "Cidr")],
    );
}

#[test]
fn a_value_that_cannot_be_read_hides_nothing_of_its_node() {
    told(
        "[stacks.one]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\n\
         parameters = { CidrBlock = \"{{ vars.none }}\", Size = \"huge\" }\n",
        &[("ORCH011", "vars.none"), ("ORCH056", "\"huge\"")],
    );
}

#[test]
fn a_misspelt_key_is_told_without_what_would_follow_from_it() {
    // Of `paramters` it would follow that CidrBlock is not given and that a capability is missing.
    told(
        "[stacks.one]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\nparamters = { CidrBlock = \"10.0.0.0/16\" }\n\
         [stacks.two]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\nparameters = { CidrBlock = 5, Size = \"{{ stacks.one.outputs.Vpc }}\" }\n",
        &[("ORCH005", "paramters"), ("ORCH052", "stacks.one.outputs.Vpc")],
    );
}

#[test]
fn nothing_follows_from_what_is_not_there() {
    // The way back may be the route that cannot be read; that the ranges overlap is certain.
    let text = |back: &str| {
        format!(
            "[stacks.one]\naccount = \"master\"\ntemplate = \"vpc.yaml\"\nparameters.CidrBlock = \"10.0.0.0/16\"\n\
             [stacks.two]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\nparameters.CidrBlock = \"10.0.1.0/24\"\n\
             [peerings.p]\nrequester = {{ account = \"dev\", vpc = \"{{{{ stacks.two.outputs.VPCId }}}}\" }}\n\
             accepter = {{ account = \"master\", vpc = \"{{{{ stacks.one.outputs.VPCId }}}}\" }}\n\
             [routes.there]\naccount = \"dev\"\nroute_tables = [\"{{{{ stacks.two.outputs.Table }}}}\"]\n\
             destination = \"10.0.0.0/16\"\nvia = \"{{{{ peerings.p.id }}}}\"\n{back}"
        )
    };
    let overlap = ("ORCH060", "\"{{ stacks.two.outputs.VPCId }}\"");
    told(&text(""), &[("ORCH061", "[peerings.p]"), overlap]);
    told(
        &text("[routes.back]\naccount = \"master\"\nroute_table = []\ndestination = \"10.0.1.0/24\"\nvia = \"x-1\"\n"),
        &[overlap, ("ORCH005", "route_table"), ("ORCH008", "\"x-1\"")],
    );
}

#[test]
fn every_ring_is_told_and_what_is_wrong_beside_it() {
    let stack = |name: &str, needs: &str| {
        format!(
            "[stacks.{name}]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\n\
             parameters = {{ CidrBlock = \"{{{{ stacks.{needs}.outputs.VPCId }}}}\" }}\n"
        )
    };
    let rings = [("a", "b"), ("b", "a"), ("c", "c")].map(|(name, needs)| stack(name, needs)).concat();
    told(
        &format!(
            "{rings}[stacks.d]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\nparameters = {{ CidrBlock = \"10.0.0.0/16\", Size = \"huge\" }}\n"
        ),
        &[("ORCH040", "stacks.b.outputs.VPCId"), ("ORCH040", "stacks.c.outputs.VPCId"), ("ORCH056", "\"huge\"")],
    );
}

#[test]
fn what_a_section_that_cannot_be_read_may_have_said_is_not_told_as_missing() {
    let user = "[stacks.user]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\n\
                parameters = { CidrBlock = \"{{ stacks.net.outputs.VPCId }}\", Size = \"{{ vars.size }}\" }\n";
    let net = "[stacks.net]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\nparameters.CidrBlock = \"10.0.0.0/16\"\n";
    let vars = "[vars]\nsize = \"small\"\n";
    for (sections, code, text) in [
        (format!("{vars}{user}[stack.net]\naccount = \"dev\"\ntemplate = \"vpc.yaml\"\n"), "ORCH005", "stack"),
        (format!("{}{user}{net}", vars.replace("vars", "var")), "ORCH005", "var"),
        (format!("{vars}[stacks]\nnet = 5\n{user}"), "ORCH007", "5"),
    ] {
        told(&sections, &[(code, text)]);
    }
    // Here a node's account, or the role of one that is reached through another, is in the defaults.
    let bare = "[stacks.a]\ntemplate = \"vpc.yaml\"\nparameters.CidrBlock = \"10.0.0.0/16\"\n";
    told(&format!("[defaults.stacks]\nacount = \"dev\"\n{bare}"), &[("ORCH005", "acount")]);
    told(&format!("[default.stacks]\naccount = \"dev\"\n{bare}"), &[("ORCH005", "default")]);
    told(&format!("[defaults.stack]\naccount = \"dev\"\n{bare}"), &[("ORCH005", "stack")]);
    told(
        &format!(
            "x = {{ id = \"333333333333\", through = \"dev\" }}\n[defaults.accounts]\nrol = \"R\"\n{}",
            bare.replace("[stacks.a]\n", "[stacks.a]\naccount = \"dev\"\n")
        ),
        &[("ORCH005", "rol")],
    );
    // The control: what is missing where everything could be read is told.
    told(bare, &[("ORCH006", "[stacks.a]")]);
}
