//! The embedded AWS over loopback, as the real SDK clients and as raw sockets see it. Time is real here, and nothing is
//! said about how much of it passes.
#![expect(clippy::disallowed_methods, reason = "the tests are clients of a server on this machine")]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_ec2::error::ProvideErrorMetadata as _;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use aws_sdk_s3::primitives::ByteStream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::sim::clock::wall;
use crate::sim::{Effect, Fault, Faults, Outcome, Sim, Timing};

const HUB: &str = "111111111111";
const SPOKE: &str = "222222222222";

/// A client of a service for the AWS at an address.
macro_rules! client {
    ($service:ident, $served:expr, $credentials:expr) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
                .retry_config(RetryConfig::standard().with_max_attempts(1))
                .credentials_provider($credentials)
                .endpoint_url($served.url())
                .region(Region::new("us-east-1"))
                .build(),
        )
    };
}

/// A served AWS.
struct Served {
    sim: Sim,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    async fn start(timing: Timing, faults: Faults) -> Self {
        let sim = Sim::builder().timing(timing).faults(faults).build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = sim.clone().serve(listener, async { stopped.await.unwrap_or_default() });
        Self { sim, address, stop, task: tokio::spawn(serving) }
    }

    async fn quick() -> Self {
        Self::start(Timing::instant(), Faults::default()).await
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What comes back for some bytes, until the server closes.
    async fn raw(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        // A server that has heard enough closes before all is sent. One that waits for more fails the test.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let reading = tokio::time::timeout(Duration::from_mins(1), stream.read_to_end(&mut answer));
        let _ = reading.await.expect("the server answers and closes");
        String::from_utf8(answer).unwrap()
    }
}

/// A signed request: its first line, its headers and its body.
fn signed(line: &str, service: &str, headers: &str, body: &str) -> String {
    let scope = format!("AKIA{HUB}ORCH/20260101/us-east-1/{service}/aws4_request");
    format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=ab\r\n{headers}\r\n{body}"
    )
}

/// A request with its body's length.
fn post(service: &str, body: &str) -> String {
    signed("POST /", service, &format!("Content-Length: {}\r\n", body.len()), body)
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("nothing")
}

#[tokio::test]
async fn clients_use_all_services_by_one_address() {
    let served = Served::quick().await;
    let sts = client!(aws_sdk_sts, served, served.sim.credentials(HUB));
    let role = sts.assume_role().role_arn(format!("arn:aws:iam::{SPOKE}:role/Any")).role_session_name("test");
    let keys = role.send().await.unwrap().credentials.unwrap();
    let keys = Credentials::new(keys.access_key_id, keys.secret_access_key, Some(keys.session_token), None, "assumed");
    let (hub, spoke) = (client!(aws_sdk_ec2, served, served.sim.credentials(HUB)), client!(aws_sdk_ec2, served, keys));
    let made = spoke.create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    let id = made.vpc().unwrap().vpc_id().unwrap();
    assert_eq!(spoke.describe_vpcs().vpc_ids(id).send().await.unwrap().vpcs().len(), 1);
    let error = hub.describe_vpcs().vpc_ids(id).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidVpcID.NotFound"));
    let error = client!(aws_sdk_cloudformation, served, served.sim.credentials(HUB));
    let error = error.describe_stacks().stack_name("none").send().await.unwrap_err();
    assert_eq!(error.message(), Some("Stack with id none does not exist"));
}

#[tokio::test]
async fn objects_are_put_and_read_with_conditions_and_checksums() {
    let served = Served::quick().await;
    let s3 = client!(aws_sdk_s3, served, served.sim.credentials(HUB));
    s3.create_bucket().bucket("acme-templates").send().await.unwrap();
    let put = || s3.put_object().bucket("acme-templates").key("a/b c.yaml").if_none_match("*");
    // The length of this one is not known ahead: it goes in frames, its checksum behind them.
    let stream = ByteStream::from_static(b"Resources: {}\n");
    put().body(stream).send().await.unwrap();
    let error = put().body(ByteStream::from_static(b"other")).send().await.unwrap_err();
    assert_eq!(error.code(), Some("PreconditionFailed"));
    let got = s3.get_object().bucket("acme-templates").key("a/b c.yaml").send().await.unwrap();
    assert_eq!(got.body.collect().await.unwrap().into_bytes().as_ref(), b"Resources: {}\n");
    let head = s3.head_object().bucket("acme-templates").key("a/b c.yaml").send().await.unwrap();
    assert_eq!(head.content_length(), Some(14));
    let error = s3.head_object().bucket("acme-templates").key("none").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 404);
}

#[tokio::test]
async fn bodies_in_pieces_and_in_frames_are_read() {
    let served = Served::quick().await;
    let body = "Action=CreateVpc&CidrBlock=10.0.0.0%2F16";
    let (one, two) = body.split_at(10);
    let pieces = format!("{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
    let answer = served.raw(signed("POST /", "ec2", "Transfer-Encoding: chunked\r\n", &pieces).as_bytes()).await;
    assert!(answer.contains("<cidrBlock>10.0.0.0/16</cidrBlock>"), "{answer}");
    let asked = signed("GET /?Action=GetCallerIdentity&Version=2011-06-15", "sts", "", "");
    let answer = served.raw(asked.as_bytes()).await;
    assert!(answer.contains(&format!("<Account>{HUB}</Account>")), "{answer}");

    assert_eq!(status(&served.raw(signed("PUT /acme", "s3", "", "").as_bytes()).await), "200");
    let put = |sum: &str| {
        let frames = format!("b;chunk-signature=0\r\nhello world\r\n0\r\nx-amz-checksum-crc32:{sum}\r\n\r\n");
        let length = frames.len();
        let headers = format!(
            "Content-Encoding: aws-chunked\r\nX-Amz-Trailer: x-amz-checksum-crc32\r\nContent-Length: {length}\r\n"
        );
        signed("PUT /acme/a", "s3", &headers, &frames)
    };
    let answer = served.raw(put("AAAAAA==").as_bytes()).await;
    assert!(status(&answer) == "400" && answer.contains("BadDigest"), "{answer}");
    assert_eq!(status(&served.raw(put("DUoRhQ==").as_bytes()).await), "200");
    let of_host = signed("GET /a", "s3", "", "").replace("localhost", "acme.s3.localhost:4566");
    let answer = served.raw(of_host.as_bytes()).await;
    assert!(answer.ends_with("\r\n\r\nhello world"), "{answer}");
    let answer = served.raw(signed("GET /", "s3", "", "").as_bytes()).await;
    assert!(answer.contains("<Name>acme</Name>"), "{answer}");
    let presigned = format!(
        "GET /acme/a?X-Amz-Credential=AKIA{HUB}ORCH%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=ab HTTP/1.1\r\n\
         Host: localhost\r\nConnection: close\r\n\r\n"
    );
    assert!(served.raw(presigned.as_bytes()).await.ends_with("hello world"));
}

#[tokio::test]
async fn who_asks_whether_to_go_on_is_told_to() {
    let served = Served::quick().await;
    let body = "Action=GetCallerIdentity";
    let headers = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len());
    let mut stream = served.connect().await;
    stream.write_all(signed("POST /", "sts", &headers, "").as_bytes()).await.unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn what_is_no_call_is_refused_in_words_and_the_server_goes_on() {
    let served = Served::quick().await;
    let many = "x-one-more: 1\r\n".repeat(200);
    for (request, code, text) in [
        ("hello\r\n\r\n".to_owned(), "400", ""),
        ("\u{16}\u{3}\u{1}".repeat(100), "400", ""),
        (
            "GET / HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\n\r\n".to_owned(),
            "403",
            "MissingAuthenticationToken",
        ),
        (post("iam", "Action=ListUsers"), "501", "no service `iam`"),
        (post("ec2", ""), "400", "MissingAction"),
        (post("ec2", "\u{0}%zz&&&=&Action"), "400", "InvalidAction"),
        (post("ec2", "Action=CreateMoon"), "400", "CreateMoon"),
        (post("cloudformation", "Action=CreateStack"), "400", "Error"),
        (signed("POST /", "s3", "", ""), "400", "InvalidURI"),
        (signed("POST /", "ec2", "Content-Length: many\r\n", ""), "400", ""),
        (signed("POST /", "ec2", "Content-Length: 99999999999\r\n", ""), "413", "EntityTooLarge"),
        (signed("POST /", "ec2", &many, ""), "431", ""),
        (signed(&format!("GET /{}", "a".repeat(100_000)), "ec2", "", ""), "4", ""),
        (signed("GET /", "ec2", "", "").replace("Host: localhost\r\n", ""), "400", "Host"),
        (signed("GET /", "ec2", "", "").replace("Host: localhost", "Host: a b/c"), "403", "AccessDenied"),
        (signed("POST /_orch/calls", "ec2", "", ""), "405", ""),
        (
            signed("PUT /acme/a", "s3", "Content-Encoding: aws-chunked\r\nContent-Length: 2\r\n", "zz"),
            "400",
            "IncompleteBody",
        ),
    ] {
        let answer = served.raw(request.as_bytes()).await;
        let shown: String = request.chars().take(200).collect();
        assert!(status(&answer).starts_with(code) && answer.contains(text), "{shown:?}: {answer}");
    }
    // Objects may be large, forms need not be.
    let large = post("ec2", &"a=b&".repeat(300_000));
    assert_eq!(status(&served.raw(large.as_bytes()).await), "413");
    let region = post("ec2", "Action=DescribeVpcs").replace("us-east-1", &"x".repeat(1000));
    assert!(served.raw(region.as_bytes()).await.contains("is no region"));
    let mut bytes = signed("PUT /acme/a", "s3", "Content-Length: 2\r\n", "").into_bytes();
    bytes.extend([0xff, 0xfe]);
    assert!(served.raw(&bytes).await.contains("NotImplemented"));
    let header = signed("GET /", "ec2", "X: \u{1}y\r\n", "").replace('y', "ÿ");
    assert_eq!(status(&served.raw(header.as_bytes()).await), "400");
    assert_eq!(status(&served.raw(post("sts", "Action=GetCallerIdentity").as_bytes()).await), "200");
}

#[tokio::test]
async fn a_call_that_is_to_be_lost_breaks_its_connection() {
    let faults = [
        Fault::new(Effect::Refused).on("CreateVpc").nth(1),
        Fault::new(Effect::LostBefore).on("CreateVpc").nth(2),
        Fault::new(Effect::LostAfter).on("CreateVpc").nth(3),
        Fault::new(Effect::Throttle).on("CreateVpc").nth(4),
    ];
    let served = Served::start(Timing::instant(), Faults::of(faults)).await;
    let create = post("ec2", "Action=CreateVpc&CidrBlock=10.0.0.0%2F16");
    for _ in 0..3 {
        assert_eq!(served.raw(create.as_bytes()).await, "");
    }
    let answer = served.raw(create.as_bytes()).await;
    assert!(status(&answer) == "503" && answer.contains("RequestLimitExceeded"), "{answer}");
    let seen = served.raw(post("ec2", "Action=DescribeVpcs").as_bytes()).await;
    assert_eq!(seen.matches("<vpcId>").count(), 1, "{seen}");
    let error = client!(aws_sdk_ec2, served, served.sim.credentials(HUB));
    served.sim.set_faults(Faults::of([Fault::new(Effect::LostAfter)]));
    let error = error.describe_vpcs().send().await.unwrap_err();
    assert!(matches!(error, aws_sdk_ec2::error::SdkError::DispatchFailure(_)), "{error:?}");
}

#[tokio::test]
async fn calls_are_counted_told_and_counted_anew() {
    let served = Served::start(Timing::instant(), Faults::of([Fault::new(Effect::Refused).nth(2)])).await;
    let ask = post("sts", "Action=GetCallerIdentity");
    for _ in 0..3 {
        served.raw(ask.as_bytes()).await;
    }
    let calls = |method: &str| format!("{method} /_orch/calls HTTP/1.1\r\nConnection: close\r\n\r\n");
    let answer = served.raw(calls("GET").as_bytes()).await;
    let told: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(told["total"], 3);
    let outcomes: Vec<_> =
        told["sorts"].as_array().unwrap().iter().map(|row| (&row["outcome"], &row["count"])).collect();
    assert_eq!(serde_json::json!(outcomes), serde_json::json!([["ok", 2], ["never arrived", 1]]));
    assert_eq!(status(&served.raw(calls("DELETE").as_bytes()).await), "204");
    let counts = served.sim.counts();
    assert_eq!((counts.total, counts.sorts.len(), served.sim.calls().len()), (0, 0, 0));
}

#[tokio::test]
async fn a_name_that_anybody_has_made_up_is_counted_as_far_as_it_is_told() {
    let served = Served::quick().await;
    let endless = format!("Action={}", "A".repeat(1 << 19));
    assert_eq!(status(&served.raw(post("ec2", &endless).as_bytes()).await), "400");
    let counts = served.sim.counts();
    let names: Vec<_> = counts.sorts.keys().map(|sort| sort.operation.as_str()).collect();
    assert_eq!(names, [format!("{}…", "A".repeat(64))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_connections_are_served_at_once() {
    const CONNECTIONS: u64 = 200;
    const CALLS: u64 = 5;
    let served =
        Served::start(Timing { latency: Duration::from_millis(1), ..Timing::instant() }, Faults::default()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut stream = served.connect().await;
        let ask = post("sts", "Action=GetCallerIdentity").replace("Connection: close\r\n", "");
        tasks.spawn(async move {
            for _ in 0..CALLS {
                stream.write_all(ask.as_bytes()).await.unwrap();
                let mut answer = Vec::new();
                while !answer.ends_with(b"</GetCallerIdentityResponse>") {
                    assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let counts = served.sim.counts();
    assert_eq!(counts.total, CONNECTIONS * CALLS);
    assert!(counts.sorts.keys().all(|sort| sort.outcome == Outcome::Succeeded));
}

#[tokio::test]
async fn it_ends_with_idle_connections_and_calls_under_way() {
    let slow = Fault::slow(Duration::from_hours(1)).on("DescribeVpcs");
    let served = Served::start(Timing::instant(), Faults::of([slow])).await;
    let mut idle = served.connect().await;
    let ask = post("sts", "Action=GetCallerIdentity").replace("Connection: close\r\n", "");
    idle.write_all(ask.as_bytes()).await.unwrap();
    assert_ne!(idle.read(&mut [0; 1]).await.unwrap(), 0);
    let mut waiting = served.connect().await;
    waiting.write_all(post("ec2", "Action=DescribeVpcs").as_bytes()).await.unwrap();
    // The call is under way once it has been counted by the fault that holds it up, which nothing shows: a second call
    // on a connection of its own comes after it.
    served.raw(post("sts", "Action=GetCallerIdentity").as_bytes()).await;
    served.stop.send(()).unwrap();
    served.task.await.unwrap();
    let mut rest = Vec::new();
    let _ = waiting.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn web_pages_and_names_of_other_machines_are_refused() {
    let served = Served::quick().await;
    let ask = post("ec2", "Action=DescribeVpcs");
    let calls = "GET /_orch/calls HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for request in [ask.as_str(), calls] {
        assert_eq!(status(&served.raw(request.as_bytes()).await), "200");
        for host in ["evil.example:4566", "localhost.evil.example", "203.0.113.9"] {
            let asked = request.replace("Host: localhost", &format!("Host: {host}"));
            assert_eq!(status(&served.raw(asked.as_bytes()).await), "403", "{host}");
        }
        for header in ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"] {
            let asked = request.replace("Connection", &format!("{header}\r\nConnection"));
            assert_eq!(status(&served.raw(asked.as_bytes()).await), "403", "{header}");
        }
    }
    for (service, more) in [("ec2", "&X-Amz-Signature=ab"), ("s3", "")] {
        let link = format!(
            "GET /?Action=DescribeVpcs&X-Amz-Credential=AKIA{HUB}ORCH%2F1%2Fus-east-1%2F{service}%2Faws4_request{more} \
             HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        );
        assert!(served.raw(link.as_bytes()).await.contains("MissingAuthenticationToken"), "{service}");
    }
}

#[tokio::test]
async fn a_call_that_was_sent_takes_its_course_without_its_sender() {
    let slow = Fault::slow(Duration::from_millis(300)).on("CreateVpc");
    let served = Served::start(Timing::instant(), Faults::of([slow])).await;
    let mut stream = served.connect().await;
    stream.write_all(post("ec2", "Action=CreateVpc&CidrBlock=10.0.0.0%2F16").as_bytes()).await.unwrap();
    // It has arrived once a later one was answered.
    served.raw(post("sts", "Action=GetCallerIdentity").as_bytes()).await;
    drop(stream);
    while served.sim.counts().total < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let seen = served.raw(post("ec2", "Action=DescribeVpcs").as_bytes()).await;
    assert_eq!(seen.matches("<vpcId>").count(), 1, "{seen}");
}

#[tokio::test]
async fn what_is_refused_has_the_form_of_its_service_and_is_counted() {
    let served = Served::quick().await;
    let s3 = client!(aws_sdk_s3, served, served.sim.credentials(HUB));
    s3.create_bucket().bucket("acme-objects").send().await.unwrap();
    let put = s3.put_object().bucket("acme-objects").key("a").body(ByteStream::from_static(&[0xff, 0xfe]));
    assert_eq!(put.send().await.unwrap_err().code(), Some("NotImplemented"));
    let page = s3.list_objects_v2().bucket("acme-objects").max_keys(0).send().await.unwrap();
    assert_eq!((page.is_truncated(), page.key_count()), (Some(false), Some(0)));
    let error = s3.list_objects_v2().bucket("acme-objects").max_keys(-1).send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidArgument"));
    let refused = Outcome::Failed("NotImplemented".into());
    assert!(served.sim.counts().sorts.iter().any(|(sort, count)| sort.outcome == refused && *count == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_while_another_process_holds_its_world() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world.json");
    let sim = Sim::builder().timing(Timing::instant()).open(&path).unwrap();
    let lock = std::fs::File::open(folder.path().join("world.json.lock")).unwrap();
    lock.lock().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(sim.clone().serve(listener, async { stopped.await.unwrap_or_default() }));
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(post("ec2", "Action=DescribeVpcs").as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    // Who asks for the counts is told them all the same.
    let mut asking = TcpStream::connect(address).await.unwrap();
    asking.write_all(b"GET /_orch/calls HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut told = String::new();
    asking.read_to_string(&mut told).await.unwrap();
    assert!(told.contains("\"total\":0"), "{told}");
    stop.send(()).unwrap();
    task.await.unwrap();
    assert_eq!(sim.counts().total, 0);
}

#[tokio::test]
async fn who_finds_no_room_waits_until_a_connection_ends() {
    let sim = Sim::builder().timing(Timing::instant()).build();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(sim.serve_at_most(2, listener, async { drop(stopped.await) }));
    let ask = post("ec2", "Action=DescribeVpcs");
    let stays = ask.replace("Connection: close\r\n", "");
    let answered = async |stream: &mut TcpStream| stream.read_u8().await.unwrap();
    let (mut first, mut second) =
        (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
    for stream in [&mut first, &mut second] {
        stream.write_all(stays.as_bytes()).await.unwrap();
        answered(stream).await;
    }
    let mut third = TcpStream::connect(address).await.unwrap();
    third.write_all(ask.as_bytes()).await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(200), third.readable()).await;
    assert!(early.is_err(), "there is no room");
    drop(second);
    answered(&mut third).await;
}

/// With the clock paused, what is waited for without end is over at once.
#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_waited_for_no_longer_than_a_minute() {
    let served = Served::quick().await;
    let mut stream = served.connect().await;
    let head = signed("POST /", "ec2", "Content-Length: 100\r\n", "Action=");
    let began = tokio::time::Instant::now();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("RequestTimeout"), "{answer}");
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn sessions_end_by_the_clock_of_whoever_asks() {
    // This world's time is that of its beginning, long ago.
    let sim = Sim::builder().timing(Timing::instant()).origin("2024-01-01T00:00:00Z".parse().unwrap()).build();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(sim.clone().serve(listener, async { stopped.await.unwrap_or_default() }));
    let served = Served { sim, address, stop, task };
    let sts = client!(aws_sdk_sts, served, served.sim.credentials(HUB));
    let role = sts.assume_role().role_arn(format!("arn:aws:iam::{SPOKE}:role/Any")).role_session_name("test");
    let keys = role.send().await.unwrap().credentials.unwrap();
    assert!(keys.expiration.secs() > wall().as_second() + 3_000, "{:?}", keys.expiration);
}

#[tokio::test]
async fn a_template_is_read_from_this_machine_only_where_it_is_served() {
    let served = Served::quick().await;
    let s3 = client!(aws_sdk_s3, served, served.sim.credentials(HUB));
    s3.create_bucket().bucket("acme-templates").send().await.unwrap();
    let text = ByteStream::from_static(b"Resources: {Topic: {Type: 'AWS::SNS::Topic'}}");
    s3.put_object().bucket("acme-templates").key("t.yaml").body(text).send().await.unwrap();
    let cloudformation = client!(aws_sdk_cloudformation, served, served.sim.credentials(HUB));
    let at = async |url: String| cloudformation.validate_template().template_url(url).send().await;
    at(format!("{}/acme-templates/t.yaml", served.url())).await.unwrap();
    for elsewhere in ["http://203.0.113.9/acme-templates/t.yaml", "http://evil.example/acme-templates/t.yaml"] {
        let refused = at(elsewhere.to_owned()).await.unwrap_err();
        assert_eq!(refused.message(), Some("TemplateURL must be a supported URL."), "{elsewhere}");
    }
}
