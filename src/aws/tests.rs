//! Accounts and sessions against the embedded AWS, by way of the real SDK clients.

mod at_once;
pub(crate) mod between;
mod by_operation;
mod clients;
mod following;
mod peerings;
mod picture;
mod template_checks;
mod unanswered;
mod watching;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indexmap::IndexMap;

use super::tests::between::{Asked, Said, between};
use super::*;
use crate::ids::{AccountId, AccountName};
use crate::sim::{Effect, Fault, Faults, Outcome, Sim, Trust};

const HUB: &str = "111111111111";
const DEV: &str = "222222222222";
const QA: &str = "333333333333";

fn id(digits: &str) -> AccountId {
    digits.parse().unwrap()
}

fn spec(digits: &str) -> AccountSpec {
    AccountSpec::new(id(digits), "us-east-1".into())
}

fn role(digits: &str) -> AccountSpec {
    spec(digits).with_role("Deploy")
}

fn plan<const N: usize>(accounts: [(&str, AccountSpec); N]) -> IndexMap<AccountName, AccountSpec> {
    accounts.into_iter().map(|(name, spec)| (AccountName::from(name), spec)).collect()
}

/// The embedded AWS, called with the hub's credentials.
fn environment(sim: &Sim) -> Environment {
    let keys = sim.clone();
    Environment::given(sim.http_client(), sim.time_source(), move |_| Some(keys.credentials(HUB)))
}

/// How often each operation was called.
fn counts(sim: &Sim) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in sim.calls() {
        *counts.entry(call.operation.to_string()).or_default() += 1;
    }
    counts
}

fn counted(pairs: &[(&str, usize)]) -> BTreeMap<String, usize> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

async fn refused(accounts: &IndexMap<AccountName, AccountSpec>, environment: &Environment) -> Vec<AccountError> {
    Sessions::open(accounts, environment).await.map(|_| ()).unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn an_account_costs_one_assume_role_or_where_there_is_no_role_one_identity() {
    let sim = Sim::builder().build();
    let accounts = plan([("master", spec(HUB)), ("dev", role(DEV)), ("qa", role(QA))]);
    let sessions = Sessions::open(&accounts, &environment(&sim)).await.unwrap();
    assert_eq!(counts(&sim), counted(&[("AssumeRole", 2), ("GetCallerIdentity", 1)]));
    assert_eq!(sessions.principal(&"dev".into()), Some("arn:aws:sts::222222222222:assumed-role/Deploy/orch"));
    assert!(sessions.region(&"nobody".into(), &"us-east-1".into()).is_none());
    let east = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
    assert_eq!(east.to_string(), "account dev (222222222222), us-east-1");
    let west = sessions.region(&"dev".into(), &"us-west-2".into()).unwrap();
    for regional in [&east, &west] {
        assert_eq!(regional.route_tables(&["rtb-00000000000000001".to_owned()]).await.unwrap(), []);
    }
    assert_eq!(counts(&sim)["AssumeRole"], 2, "regions share the account's session");
}

#[tokio::test(start_paused = true)]
async fn all_accounts_are_checked_at_once() {
    let sim = Sim::builder().faults(Faults::of([Fault::slow(Duration::from_secs(2)).on("AssumeRole")])).build();
    let names: Vec<(AccountName, AccountSpec)> =
        (0..60).map(|n| (format!("a{n}").into(), role(&format!("{:012}", 100 + n)))).collect();
    let began = tokio::time::Instant::now();
    Sessions::open(&names.into_iter().collect(), &environment(&sim)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn all_accounts_that_fail_are_reported_together_each_with_its_reason() {
    let sim = Sim::builder().role(&id(QA), "Deploy", Trust::missing()).build();
    let accounts = plan([
        ("master", spec(DEV)),
        ("dev", role(DEV)),
        ("qa", role(QA)),
        ("via", {
            let mut via = role("444444444444");
            via.through = Some("qa".into());
            via
        }),
    ]);
    let errors = refused(&accounts, &environment(&sim)).await;
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    account master (222222222222) is not what its credentials are for: they are for 111111111111 (arn:aws:iam::111111111111:user/orch), the plan says 222222222222
    account qa (333333333333) cannot be reached: arn:aws:iam::111111111111:user/orch may not assume arn:aws:iam::333333333333:role/Deploy: User: arn:aws:iam::111111111111:user/orch is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::333333333333:role/Deploy
    account via (444444444444) is reached by way of account qa, which cannot be used
    ");
    assert!(sim.calls().iter().all(|call| call.service.to_string() == "sts"));
}

#[tokio::test(start_paused = true)]
async fn a_missing_external_id_is_told_of_and_a_given_one_opens_the_role() {
    let sim = Sim::builder().role(&id(DEV), "Deploy", Trust::with_external_id("secret")).build();
    let errors = refused(&plan([("dev", role(DEV))]), &environment(&sim)).await;
    assert!(errors[0].help()[0].contains("`external_id`"), "{:?}", errors[0].help());
    let mut dev = role(DEV);
    dev.external_id = Some("secret".to_owned());
    Sessions::open(&plan([("dev", dev)]), &environment(&sim)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_account_is_reached_by_way_of_another_for_an_hour_at_most() {
    let only_dev = Trust { accounts: Some([id(DEV)].into()), ..Trust::default() };
    let sim = Sim::builder().role(&id(QA), "Deploy", only_dev).build();
    let mut qa = role(QA);
    qa.through = Some("dev".into());
    qa.duration = Some(43_200);
    // Declared before the account that it goes by.
    let sessions = Sessions::open(&plan([("qa", qa), ("dev", role(DEV))]), &environment(&sim)).await.unwrap();
    assert!(sessions.principal(&"qa".into()).unwrap().contains(QA));
}

#[tokio::test(start_paused = true)]
async fn ways_that_lead_nowhere_are_reported() {
    let sim = Sim::builder().build();
    let through = |by: &str| AccountSpec { through: Some(by.into()), ..role(DEV) };
    let accounts = plan([("a", through("b")), ("b", through("a")), ("c", through("nobody")), ("d", spec(HUB))]);
    let errors = refused(&accounts, &environment(&sim)).await;
    let causes: Vec<_> = errors.into_iter().map(|error| error.cause).collect();
    assert_eq!(causes, [Cause::NoWay("b".into()), Cause::NoWay("a".into()), Cause::NoWay("nobody".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_role_session_asks_for_an_hour_where_aws_grants_no_more() {
    let sim = Sim::builder().build();
    let first = Sessions::open(&plan([("dev", role(DEV))]), &environment(&sim)).await.unwrap();
    drop(first);
    // The caller is a role's session itself, as with SSO.
    let session = {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .http_client(sim.http_client())
            .time_source(sim.time_source())
            .credentials_provider(sim.credentials(HUB))
            .region(aws_config::Region::from_static("us-east-1"))
            .build();
        let sts = aws_sdk_sts::Client::from_conf(config);
        let role = sts.assume_role().role_arn("arn:aws:iam::111111111111:role/Admin").role_session_name("jane");
        let given = role.send().await.unwrap().credentials.unwrap();
        aws_credential_types::Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            None,
            "test",
        )
    };
    let environment = Environment::given(sim.http_client(), sim.time_source(), move |_| Some(session.clone()));
    let mut long = role(DEV);
    long.duration = Some(43_200);
    let sessions = Sessions::open(&plan([("dev", long)]), &environment).await.unwrap();
    assert!(sessions.principal(&"dev".into()).is_some());
}

#[tokio::test(start_paused = true)]
async fn the_code_of_a_device_is_asked_for_once_however_many_accounts_need_it() {
    let needs = Trust { mfa: true, ..Trust::default() };
    let sim = Sim::builder().role(&id(DEV), "Deploy", needs.clone()).role(&id(QA), "Deploy", needs).build();
    let with_mfa =
        |digits| AccountSpec { mfa_serial: Some("arn:aws:iam::111111111111:mfa/jane".to_owned()), ..role(digits) };
    let accounts = plan([("master", spec(HUB)), ("dev", with_mfa(DEV)), ("qa", with_mfa(QA))]);
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let asking = environment(&sim).asking(move |serial| {
        assert_eq!(serial, "arn:aws:iam::111111111111:mfa/jane");
        counter.fetch_add(1, Ordering::SeqCst);
        Ok("123456\n".to_owned())
    });
    // Nor however often sessions are opened: AWS takes a code once.
    for _ in 0..2 {
        Sessions::open(&accounts, &asking).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(counts(&sim)["GetSessionToken"], 1);

    let nobody = refused(&accounts, &environment(&sim)).await;
    assert!(nobody.iter().all(|error| matches!(error.cause, Cause::NoMfaCode { .. })), "{nobody:?}");
    let wrong = refused(&accounts, &environment(&sim).asking(|_| Ok("000000".to_owned()))).await;
    assert!(wrong.iter().all(|error| matches!(error.cause, Cause::MfaRefused { .. })), "{wrong:?}");
    assert_eq!(wrong.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_profile_without_credentials_fails_its_accounts_alone() {
    let sim = Sim::builder().build();
    let keys = sim.clone();
    let environment = Environment::given(sim.http_client(), sim.time_source(), move |profile| {
        profile.is_none().then(|| keys.credentials(HUB))
    });
    let accounts = plan([("master", spec(HUB)), ("dev", AccountSpec { profile: Some("dev".to_owned()), ..spec(DEV) })]);
    let errors = refused(&accounts, &environment).await;
    insta::assert_snapshot!(errors[0], @"account dev (222222222222) has no credentials: profile `dev` gives none: none are given");
    assert_eq!(errors.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_before_its_end_by_whoever_calls_next() {
    let sim = Sim::builder().build();
    let accounts = plan([("dev", AccountSpec { duration: Some(900), ..role(DEV) })]);
    let sessions = Sessions::open(&accounts, &environment(&sim)).await.unwrap();
    let dev = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_mins(1)).await;
        dev.route_tables(&["rtb-00000000000000001".to_owned()]).await.unwrap();
    }
    let failed = sim.calls().into_iter().filter(|call| call.outcome != Outcome::Succeeded).count();
    assert_eq!(failed, 0, "no call was made with a session that had ended");
    // An hour holds six stretches of ten minutes.
    assert_eq!(counts(&sim)["AssumeRole"], 7);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_cut_short_is_renewed_once_and_the_call_repeated() {
    let sim = Sim::builder().faults(Faults::of([Fault::new(Effect::Expired).on("DescribeRouteTables").nth(1)])).build();
    let sessions = Sessions::open(&plan([("dev", role(DEV))]), &environment(&sim)).await.unwrap();
    let dev = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
    dev.route_tables(&["rtb-00000000000000001".to_owned()]).await.unwrap();
    assert_eq!(counts(&sim)["AssumeRole"], 2);
}

#[tokio::test(start_paused = true)]
async fn throttles_outages_and_lost_answers_are_outlasted() {
    for fault in [
        Fault::new(Effect::Throttle).on("DescribeRouteTables").first(40),
        Fault::new(Effect::ServerError).on("DescribeRouteTables").first(4),
        Fault::new(Effect::Refused).on("DescribeRouteTables").first(4),
        Fault::new(Effect::LostAfter).on("DescribeRouteTables").first(4),
        Fault::new(Effect::Throttle).on("AssumeRole").first(30),
    ] {
        let sim = Sim::builder().faults(Faults::of([fault.clone()])).build();
        let sessions = Sessions::open(&plan([("dev", role(DEV))]), &environment(&sim)).await.unwrap();
        let dev = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
        dev.route_tables(&["rtb-00000000000000001".to_owned()])
            .await
            .unwrap_or_else(|error| panic!("{fault:?}: {error}"));
    }
}

#[tokio::test(start_paused = true)]
async fn one_accounts_throttling_does_not_use_up_anothers_retries() {
    // Far more throttles than the five hundred tokens of the bucket that clients share by default would pay for.
    let sim = Sim::builder()
        .faults(Faults::of([
            Fault::new(Effect::Throttle).by(DEV).on("DescribeRouteTables").first(300),
            Fault::new(Effect::Throttle).by(QA).on("DescribeRouteTables").first(1),
        ]))
        .build();
    let sessions = Sessions::open(&plan([("dev", role(DEV)), ("qa", role(QA))]), &environment(&sim)).await.unwrap();
    let table = ["rtb-00000000000000001".to_owned()];
    let busy: Vec<_> = (0..50)
        .map(|_| {
            let dev = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
            let table = table.clone();
            tokio::spawn(async move { dev.route_tables(&table).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let qa = sessions.region(&"qa".into(), &"us-east-1".into()).unwrap();
    let began = tokio::time::Instant::now();
    qa.route_tables(&table).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "one pause before a retry, not those of the other account: {:?}",
        began.elapsed()
    );
    for task in busy {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_says_what_where_and_why() {
    let sim = Sim::builder().faults(Faults::of([Fault::new(Effect::AccessDenied).on("DescribeRouteTables")])).build();
    let sessions = Sessions::open(&plan([("dev", role(DEV))]), &environment(&sim)).await.unwrap();
    let dev = sessions.region(&"dev".into(), &"us-east-1".into()).unwrap();
    let error = dev.route_tables(&["rtb-00000000000000001".to_owned()]).await.unwrap_err();
    assert_eq!((error.class, error.operation), (Class::Denied, "DescribeRouteTables"));
    assert!(error.request_id.is_some());
    assert!(error.to_string().starts_with("DescribeRouteTables in account dev, us-east-1, was refused: "), "{error}");
}

/// Everything that is said of accounts that cannot be used, with all remedies.
fn shown(errors: &[AccountError]) -> String {
    let mut lines = Vec::new();
    for error in errors {
        lines.push(error.to_string());
        lines.extend(error.help().into_iter().map(|help| format!("  help: {help}")));
    }
    lines.join("\n")
}

/// Opens a session by way of a script that answers in STS's place.
async fn refused_by(
    accounts: IndexMap<AccountName, AccountSpec>,
    script: impl Fn(&Asked<'_>) -> Option<Said> + Send + Sync + 'static,
) -> String {
    let sim = Sim::builder().build();
    let keys = sim.clone();
    let http_client = between(&sim, script);
    let environment = Environment::given(http_client, sim.time_source(), move |_| Some(keys.credentials(HUB)));
    shown(&refused(&accounts, &environment).await)
}

#[tokio::test(start_paused = true)]
async fn a_duration_beyond_the_roles_own_names_both_remedies() {
    let short = Trust { max_duration: 3600, ..Trust::default() };
    let sim = Sim::builder().role(&id(DEV), "Deploy", short).build();
    let accounts = plan([("dev", AccountSpec { duration: Some(43_200), ..role(DEV) })]);
    insta::assert_snapshot!(shown(&refused(&accounts, &environment(&sim)).await), @"
    account dev (222222222222) cannot be used: AssumeRole in account dev, us-east-1, was refused: The requested DurationSeconds exceeds the MaxSessionDuration set for this role. (ValidationError)
      help: lower `duration` of accounts.dev
      help: or let the role's sessions last longer (`aws iam update-role --role-name … --max-session-duration …`)
    ");
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_switched_off_is_told_from_credentials_that_are_over() {
    let far = AccountSpec::new(id(DEV), "me-south-1".into()).with_role("Deploy");
    let accounts = plan([("dev", far)]);
    let disabled = refused_by(accounts.clone(), |asked| {
        (asked.operation == "AssumeRole").then(|| {
            Said::error("RegionDisabledException", "STS is not activated in this region for account:222222222222.")
        })
    });
    insta::assert_snapshot!(disabled.await, @"
    account dev (222222222222) cannot be used: AssumeRole in account dev, me-south-1, was refused: STS is not activated in this region for account:222222222222. (RegionDisabledException)
      help: switch region me-south-1 on for account dev and for the caller's (`aws account enable-region --region-name me-south-1`), or use another one
    ");
    // What an opt-in region says until then.
    let unknown = |asked: &Asked<'_>| {
        (asked.operation == "AssumeRole")
            .then(|| Said::error("InvalidClientTokenId", "The security token included in the request is invalid."))
    };
    insta::assert_snapshot!(refused_by(accounts, unknown).await, @"
    account dev (222222222222) cannot be reached: the credentials are no longer valid: AssumeRole in account dev, me-south-1, was refused: The security token included in the request is invalid. (InvalidClientTokenId)
      help: renew them, with `aws sso login` if they come from SSO, and see that the clock is right
      help: if they are an access key, see that it is written right and still exists
      help: me-south-1 is an opt-in region: switch region me-south-1 on for account dev and for the caller's (`aws account enable-region --region-name me-south-1`), or use another one
    ");
    assert!(!refused_by(plan([("dev", role(DEV))]), unknown).await.contains("opt-in"), "every account has us-east-1");
}

#[tokio::test(start_paused = true)]
async fn session_tags_that_may_not_be_set_name_the_action_to_allow() {
    let tagged = AccountSpec { session_tags: [("team".to_owned(), "net".to_owned())].into(), ..role(DEV) };
    let shown = refused_by(plan([("dev", tagged)]), |asked| {
        (asked.operation == "AssumeRole").then(|| {
            Said::error(
                "AccessDenied",
                "User: arn:aws:iam::111111111111:user/orch is not authorized to perform: sts:TagSession on resource: \
                 arn:aws:iam::222222222222:role/Deploy",
            )
        })
    });
    insta::assert_snapshot!(shown.await, @"
    account dev (222222222222) cannot be reached: arn:aws:iam::111111111111:user/orch may not assume arn:aws:iam::222222222222:role/Deploy: User: arn:aws:iam::111111111111:user/orch is not authorized to perform: sts:TagSession on resource: arn:aws:iam::222222222222:role/Deploy
      help: the role's trust policy must allow sts:TagSession, besides sts:AssumeRole, to arn:aws:iam::111111111111:user/orch
      help: the caller's own policies must allow sts:TagSession on arn:aws:iam::222222222222:role/Deploy
      help: or take `session_tags` out of accounts.dev
    ");
}

fn with_mfa(digits: &str) -> AccountSpec {
    AccountSpec { mfa_serial: Some("arn:aws:iam::111111111111:mfa/jane".to_owned()), ..role(digits) }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_not_asked_for_a_code_that_aws_would_not_take() {
    let sim = Sim::builder().build();
    let session =
        aws_credential_types::Credentials::new("ASIA1", "secret", Some("token".to_owned()), None, "SSO, as it were");
    let environment = Environment::given(sim.http_client(), sim.time_source(), move |_| Some(session.clone()))
        .asking(|_| panic!("nobody is asked"));
    let accounts = plan([("dev", AccountSpec { profile: Some("jane".to_owned()), ..with_mfa(DEV) })]);
    insta::assert_snapshot!(shown(&refused(&accounts, &environment).await), @"
    account dev (222222222222) has MFA device arn:aws:iam::111111111111:mfa/jane, but the credentials of profile `jane` are a session's, with which AWS takes no code
      help: if the session has MFA already, as those of SSO may, take `mfa_serial` out of accounts.dev
      help: else start from a user's own access key: AWS takes a code for GetSessionToken with that alone
    ");
    assert!(sim.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn wrong_keys_are_told_from_a_wrong_code() {
    for (code, expected) in [("SignatureDoesNotMatch", "refuses the keys"), ("InvalidClientTokenId", "no longer valid")]
    {
        let sim = Sim::builder().build();
        let keys = sim.clone();
        let http_client = between(&sim, move |asked| {
            (asked.operation == "GetSessionToken").then(|| Said::error(code, "so says AWS"))
        });
        let environment = Environment::given(http_client, sim.time_source(), move |_| Some(keys.credentials(HUB)))
            .asking(|_| Ok("123456".to_owned()));
        let errors = refused(&plan([("dev", with_mfa(DEV))]), &environment).await;
        assert!(errors[0].to_string().contains(expected), "{}", errors[0]);
        assert!(!errors[0].help().is_empty());
    }
    let wrong = refused_by(plan([("master", spec(HUB))]), |asked| {
        (asked.operation == "GetCallerIdentity").then(|| {
            Said::error(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            )
        })
    });
    insta::assert_snapshot!(wrong.await, @"
    account master (111111111111) cannot be reached: AWS refuses the keys: The request signature we calculated does not match the signature you provided.
      help: the secret does not belong to the access key, or is cut off: correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the default profile's keys
    ");
}

#[tokio::test(start_paused = true)]
async fn other_partitions_have_their_own_role_arns_and_endpoints() {
    for (region, host, partition) in [
        ("us-gov-west-1", "sts.us-gov-west-1.amazonaws.com", "aws-us-gov"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn", "aws-cn"),
        ("eu-central-1", "sts.eu-central-1.amazonaws.com", "aws"),
    ] {
        let sim = Sim::builder().build();
        let keys = sim.clone();
        let hosts: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
        let seen = hosts.clone();
        let http_client = between(&sim, move |asked| {
            seen.lock().unwrap().push(asked.host.to_owned());
            None
        });
        let environment = Environment::given(http_client, sim.time_source(), move |_| Some(keys.credentials(HUB)));
        let accounts = plan([("dev", AccountSpec::new(id(DEV), region.into()).with_role("Deploy"))]);
        let sessions = Sessions::open(&accounts, &environment).await.unwrap();
        let principal = format!("arn:{partition}:sts::222222222222:assumed-role/Deploy/orch");
        assert_eq!(sessions.principal(&"dev".into()), Some(principal.as_str()));
        let dev = sessions.region(&"dev".into(), &region.into()).unwrap();
        dev.stack("nobody").await.unwrap();
        let hosts = hosts.lock().unwrap().clone();
        assert_eq!(
            hosts[..2],
            [host.to_owned(), host.replace("sts", "cloudformation")],
            "a session, then its first call"
        );
    }
}
