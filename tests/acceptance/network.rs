//! The network in between: a proxy, the log of calls, and a certificate authority that only this machine trusts.
//!
//! `tests/tls` holds the authority's certificate and that of a server called `localhost`, with its key, which protects
//! nothing. The authority's own key is gone.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::orch::Orch;

/// A plan with nothing but a stack of the caller's own account to look for.
const PLAN: &str = r#"name   = "net"
region = "us-east-1"

[accounts]
master = { id = "111111111111" }

[stacks.hub]
account = "master"
manage  = false
"#;

/// How long a connection may be waited for before the test counts as failed.
const AT_MOST: Duration = Duration::from_mins(1);

fn orch() -> Orch {
    let orch = Orch::with_shipped_plans().env("AWS_ACCESS_KEY_ID", "AKIA0000000000000000");
    let orch = orch.env("AWS_SECRET_ACCESS_KEY", "secret");
    orch.write("net.toml", PLAN);
    orch
}

/// Listens on a port of its own and gives that, and what `meet` makes of the first connection.
fn listen<T: Send + 'static>(meet: impl FnOnce(TcpStream) -> T + Send + 'static) -> (u16, mpsc::Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        // Nobody is left to tell when the test has given up.
        let _ = sender.send(meet(stream));
    });
    (port, receiver)
}

/// Starts a command, waits for the first connection, and ends the command: what it does after that takes long.
fn first<T>(orch: &Orch, first: &mpsc::Receiver<T>) -> T {
    let mut child = orch.command(&["outputs", "net.toml"]).spawn().unwrap();
    let met = first.recv_timeout(AT_MOST);
    child.kill().unwrap();
    child.wait().unwrap();
    met.expect("a connection within a minute")
}

#[test]
fn calls_go_by_way_of_the_proxy_of_the_environment() {
    let (port, asked) = listen(|stream| {
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    });
    let orch = orch().env("HTTPS_PROXY", &format!("http://127.0.0.1:{port}"));
    assert_eq!(first(&orch, &asked), "CONNECT sts.us-east-1.amazonaws.com:443 HTTP/1.1\r\n");
}

/// What STS says of the caller: another account than the plan's.
const SOMEBODY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult>\
    <Arn>arn:aws:iam::999999999999:user/jane</Arn><UserId>AIDA</UserId><Account>999999999999</Account>\
    </GetCallerIdentityResult></GetCallerIdentityResponse>";

/// Speaks TLS as `localhost` and answers one request.
fn serve(stream: TcpStream) -> std::io::Result<()> {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../tls/localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../tls/localhost.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let connection = ServerConnection::new(Arc::new(config)).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line)?;
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; length])?;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\n\r\n", SOMEBODY.len());
    stream.get_mut().write_all(format!("{head}{SOMEBODY}").as_bytes())?;
    stream.get_mut().flush()
}

#[test]
fn an_authority_of_the_bundle_is_trusted() {
    let (port, _served) = listen(serve);
    let bundle = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/authority.pem");
    let orch = orch().env("AWS_ENDPOINT_URL", &format!("https://localhost:{port}")).env("AWS_CA_BUNDLE", bundle);
    orch.run(&["outputs", "net.toml"])
        .code(3)
        .says(&["they are for 999999999999 (arn:aws:iam::999999999999:user/jane)"]);
}

#[test]
fn without_the_bundle_its_authority_is_not_trusted() {
    let (port, served) = listen(serve);
    let orch = orch().env("AWS_ENDPOINT_URL", &format!("https://localhost:{port}"));
    let error = first(&orch, &served).unwrap_err().to_string();
    assert!(error.contains("UnknownCA"), "{error}");
}

#[test]
fn every_call_is_logged_with_its_place_and_outcome() {
    let ended = orch().run(&["outputs", "net.toml", "--local", "-vv"]);
    for call in [
        "operation=\"GetCallerIdentity\" account=master region=us-east-1 outcome=\"ok\" took_ms=",
        "operation=\"DescribeStacks\" account=master region=us-east-1 outcome=\"ValidationError\" took_ms=",
    ] {
        assert!(ended.stderr.contains(call), "{call} is not in:\n{}", ended.stderr);
    }
    let quiet = orch().run(&["outputs", "net.toml", "--local", "-v"]);
    assert!(!quiet.stderr.contains("operation="), "{}", quiet.stderr);
}
