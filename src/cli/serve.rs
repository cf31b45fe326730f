//! `orch local serve`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use tokio::net::TcpListener;

use crate::ids::AccountId;
use crate::sim::{Counts, Sim};
use crate::text::printable;

use super::exit::Exit;
use super::local::{self, LocalError, WORLD};
use super::signals::Signals;
use super::threads::on_threads;
use super::{now, print, terminal};

/// The account whose keys are printed if nothing says another: the caller's own of the shipped plans.
const ACCOUNT: &str = "111111111111";
/// The region that is printed: that of the shipped plans.
const REGION: &str = "us-east-1";

/// The commands about the embedded AWS.
#[derive(Debug, Subcommand)]
pub(super) enum Local {
    /// Let the AWS CLI, boto3 and other programs use the embedded AWS, over HTTP on this machine
    ///
    /// Prints the lines to copy into the shell that is to use it. Its world is the one that --local uses, with the same
    /// times and faults. Ends with Ctrl-C and prints how many calls there were; while it runs,
    /// `curl $AWS_ENDPOINT_URL/_orch/calls` tells them as JSON, and with `-X DELETE` counts them anew.
    #[command(after_long_help = "Examples:\n  \
        orch local serve\n  \
        orch local serve --port 0 --memory --local-config faults.toml")]
    Serve(Serve),
}

/// Arguments of `local serve`.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// The port of 127.0.0.1; 0 for any that is free, which is printed
    #[arg(long, value_name = "PORT", default_value_t = 4566)]
    port: u16,
    /// Keep the world in memory only; otherwise it is the one in .orch/local/ that --local uses
    #[arg(long)]
    memory: bool,
    /// The account whose keys are printed; every account's are taken
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<AccountId>,
    /// Faults and durations, from a TOML file (see docs/embedded-aws.md)
    #[arg(long, value_name = "FILE")]
    local_config: Option<PathBuf>,
}

/// Serves until a signal comes, and then tells how many calls there were.
pub(super) fn serve(args: &Serve) -> Exit {
    let (sim, account) = match open(args) {
        Ok(opened) => opened,
        Err(error) => {
            terminal::notice(&format!("error: {error}\n"));
            return Exit::Refused;
        }
    };
    match on_threads(until_a_signal(args, &sim, &account)) {
        Ok(Ok(())) => print(&summary(&sim.counts()), Exit::Done),
        Ok(Err(exit)) | Err(exit) => exit,
    }
}

fn open(args: &Serve) -> Result<(Sim, String), LocalError> {
    let (builder, caller) = local::rules(args.local_config.as_deref())?;
    let sim = if args.memory { builder.origin(now()).build() } else { builder.open(WORLD)? };
    let account = args.account.clone().or(caller);
    Ok((sim, account.map_or_else(|| ACCOUNT.to_owned(), |account| account.to_string())))
}

/// # Errors
/// The exit code, after it was said why nothing can be served.
async fn until_a_signal(args: &Serve, sim: &Sim, account: &str) -> Result<(), Exit> {
    let mut signals = Signals::listen()?;
    let bound = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    let (listener, address) = bound.await.map_err(|error| {
        terminal::notice(&format!("error: {}\n", refused(args.port, &error)));
        Exit::Refused
    })?;
    if print(&environment(address, sim, account), Exit::Done) != Exit::Done {
        return Err(Exit::Failed);
    }
    let world = if args.memory { "kept in memory only".to_owned() } else { format!("kept in {WORLD}") };
    terminal::line(&format!("The embedded AWS answers at http://{address}, its world {world}. Ctrl-C ends it."));
    sim.clone().serve(listener, signals.next()).await;
    Ok(())
}

/// The lines to copy into a shell.
fn environment(address: SocketAddr, sim: &Sim, account: &str) -> String {
    let keys = sim.credentials(account);
    let (key, secret) = (keys.access_key_id(), keys.secret_access_key());
    let ip = address.ip();
    format!(
        "export AWS_ENDPOINT_URL=http://{address}\n\
         export AWS_ACCESS_KEY_ID={key}\n\
         export AWS_SECRET_ACCESS_KEY={secret}\n\
         export AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}\n\
         export AWS_EC2_METADATA_DISABLED=true\n\
         export NO_PROXY={ip}${{NO_PROXY:+,$NO_PROXY}} no_proxy={ip}${{no_proxy:+,$no_proxy}}\n\
         unset AWS_PROFILE AWS_SESSION_TOKEN\n"
    )
}

/// Why a port cannot be had, and what to do.
fn refused(port: u16, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {port} of 127.0.0.1 is taken by another program\n  \
             help: end that, or give another one with --port; --port 0 takes one that is free"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "port {port} may not be used by this user\n  \
             help: give one above 1023 with --port; --port 0 takes one that is free"
        ),
        _ => format!("port {port} of 127.0.0.1 cannot be listened on: {error}"),
    }
}

/// How many calls there were, by account, region, service, operation and outcome.
fn summary(counts: &Counts) -> String {
    let mut rows: BTreeMap<[String; 5], u64> = BTreeMap::new();
    for (sort, count) in &counts.sorts {
        let account = sort.account.as_ref().map_or("nobody", AccountId::as_str).to_owned();
        let (service, outcome) = (sort.service.to_string(), sort.outcome.to_string());
        let key = [account, sort.region.to_string(), service, sort.operation.to_string(), outcome];
        *rows.entry(key.map(|text| printable(&text).into_owned())).or_default() += count;
    }
    let mut widths = [0; 4];
    for key in rows.keys() {
        for (width, text) in widths.iter_mut().zip(key) {
            *width = (*width).max(text.chars().count());
        }
    }
    let total = counts.total;
    let mut text = if total == 1 { "1 call\n".to_owned() } else { format!("{total} calls\n") };
    let [account_width, region_width, service_width, operation_width] = widths;
    for ([account, region, service, operation, outcome], count) in rows {
        let _ = writeln!(
            text,
            "{account:account_width$}  {region:region_width$}  {service:service_width$}  \
             {operation:operation_width$}  {count:>6}  {outcome}"
        );
    }
    if counts.unsorted > 0 {
        let _ = writeln!(text, "and {} more, of too many sorts to tell them apart", counts.unsorted);
    }
    text
}
