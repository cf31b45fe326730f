//! What resources take by their types, where that is more than a few seconds.

use std::time::Duration;

/// Types, and about how many seconds CloudFormation takes to make one.
///
/// AWS promises none of it. Its guides say of these resources that they take "minutes" or "several minutes"; that it is
/// within that, and in this order, is what the default timeouts of Terraform's provider come down to, which has one for each
/// resource that takes long (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs>, *Timeouts*), at a quarter
/// of them or less, and what public logs of its runs show (a NAT gateway: 90 to 130 s). A look too early costs a call, one too
/// late costs seconds, once: from then on it is known what the stack took.
const TYPICAL: [(&str, u64); 39] = [
    ("AWS::AmazonMQ::Broker", 600),
    ("AWS::CertificateManager::Certificate", 120),
    ("AWS::CloudFormation::Stack", 30),
    ("AWS::CloudFront::Distribution", 240),
    ("AWS::DMS::ReplicationInstance", 420),
    ("AWS::DirectoryService::MicrosoftAD", 1500),
    ("AWS::DirectoryService::SimpleAD", 480),
    ("AWS::DocDB::DBInstance", 420),
    ("AWS::EC2::ClientVpnTargetNetworkAssociation", 240),
    ("AWS::EC2::Instance", 35),
    ("AWS::EC2::NatGateway", 110),
    ("AWS::EC2::TransitGatewayAttachment", 60),
    ("AWS::EC2::TransitGatewayPeeringAttachment", 60),
    ("AWS::EC2::TransitGatewayVpcAttachment", 60),
    ("AWS::EC2::TransitGateway", 120),
    ("AWS::EC2::VPCEndpoint", 60),
    ("AWS::EC2::VPNConnection", 240),
    ("AWS::EC2::VPNGateway", 30),
    ("AWS::ECS::Service", 90),
    ("AWS::EFS::MountTarget", 90),
    ("AWS::EKS::Cluster", 540),
    ("AWS::EKS::Nodegroup", 150),
    ("AWS::ElastiCache::CacheCluster", 420),
    ("AWS::ElastiCache::ReplicationGroup", 420),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", 150),
    ("AWS::Elasticsearch::Domain", 900),
    ("AWS::FSx::FileSystem", 480),
    ("AWS::IAM::InstanceProfile", 120),
    ("AWS::MSK::Cluster", 1500),
    ("AWS::MemoryDB::Cluster", 600),
    ("AWS::Neptune::DBInstance", 420),
    ("AWS::NetworkFirewall::Firewall", 360),
    ("AWS::NetworkManager::CoreNetwork", 600),
    ("AWS::NetworkManager::VpcAttachment", 240),
    ("AWS::OpenSearchService::Domain", 900),
    ("AWS::RDS::DBCluster", 120),
    ("AWS::RDS::DBInstance", 420),
    ("AWS::Redshift::Cluster", 240),
    ("AWS::Route53Resolver::ResolverEndpoint", 100),
];

/// About how long CloudFormation takes to make a resource of a type; `None` if it is a few seconds or not known.
pub(super) fn duration(kind: &str) -> Option<Duration> {
    TYPICAL.iter().find(|(known, _)| *known == kind).map(|(_, seconds)| Duration::from_secs(*seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_known_by_its_type_and_what_does_not_is_not_listed() {
        for (kind, expected) in [
            ("AWS::EC2::VPC", None),
            ("AWS::EC2::RouteTable", None),
            ("AWS::EC2::NatGateway", Some(110)),
            ("AWS::EC2::TransitGateway", Some(120)),
            ("AWS::EC2::TransitGatewayVpcAttachment", Some(60)),
            ("AWS::ElastiCache::ReplicationGroup", Some(420)),
            ("AWS::RDS::DBInstance", Some(420)),
            // Quick ones, whose names only begin as those of slow ones.
            ("AWS::EC2::TransitGatewayRoute", None),
            ("AWS::EC2::TransitGatewayRouteTableAssociation", None),
            ("AWS::EC2::VPNConnectionRoute", None),
            ("AWS::NetworkFirewall::FirewallPolicy", None),
            ("AWS::RDS::DBClusterParameterGroup", None),
            ("AWS::ElastiCache::SubnetGroup", None),
            ("Custom::Anything", None),
        ] {
            assert_eq!(duration(kind), expected.map(Duration::from_secs), "{kind}");
        }
    }
}
