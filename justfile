# What a developer types. `just` alone lists these.

_default:
    @just --list --unsorted

# Format, lint, document, test: what a commit must pass.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
    cargo test

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

# Looks for texts that end orch: TARGET is plan, expression or template (needs a nightly toolchain; keeps what it finds in fuzz/artifacts).
fuzz TARGET SECONDS="300":
    bash fuzz/run {{TARGET}} {{SECONDS}}
