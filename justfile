# What a developer types. `just` alone lists these.

_default:
    @just --list --unsorted

# Format, lint, document, test: what a commit must pass.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
    cargo test

# Whole commands in simulated worlds in which everything goes wrong, N seeds of them; docs/reliability.md has the figures.
seeds N="10000":
    ORCH_SEEDS={{N}} cargo test --target-dir ${CARGO_TARGET_DIR:-target}/seeds --release --test seeds whatever_goes_wrong -- --nocapture

# The acceptance list, one line a promise.
acceptance:
    cargo test --test acceptance

# The shipped plan on the embedded AWS: built, built again, taken down.
demo:
    cargo run --release -- apply plans/us-east-1.toml --local
    cargo run --release -- apply plans/us-east-1.toml --local
    cargo run --release -- destroy plans/us-east-1.toml --local

# The same plan against moto, read back by boto3 (needs Python; makes its own virtual environment).
moto:
    bash tests/moto/run

# boto3 and the AWS CLI at the embedded AWS, served (needs Python; makes its own virtual environment).
boto3:
    bash tests/boto3/run

# How long orch takes for a hub and N spokes in real time, beside a boto3 script and Sceptre (needs Python; about twenty minutes).
makespan *ARGS:
    bash benches/makespan {{ARGS}}

# Everything that CI runs.
ci:
    bash .ci/run

# How orch reads a folder of templates, beside cfn-lint (needs Python; makes its own virtual environment).
wild DIR:
    bash tests/wild/run {{DIR}}

# The time that Terraform takes for a plan of as many resources of the same shape.
terraform NODES="5000":
    cargo build --release
    bash benches/terraform {{NODES}} ${CARGO_TARGET_DIR:-target}/release/orch

# How long the hot paths take, by criterion.
bench:
    cargo bench --bench hot_paths

# The instructions of the hot paths, held against those that are known; `just counts --renew` keeps the present ones.
counts *ARGS:
    bash benches/counts {{ARGS}}

# The engine alone at up to 100,000 nodes, and a fleet of 1,000 accounts on the embedded AWS: CPU and memory.
fleet:
    bash benches/fleet

# Looks for texts that end orch: TARGET is plan, expression or template (needs a nightly toolchain; keeps what it finds in fuzz/artifacts).
fuzz TARGET SECONDS="300":
    bash fuzz/run {{TARGET}} {{SECONDS}}
