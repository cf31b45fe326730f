//! The calls that list all that a place has: stacks, VPCs, peerings and route tables.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ec2::types::VpcCidrBlockStateCode;

use super::call::{CallError, Class};
use super::cloudformation::Stack;
use super::ec2::{Peering, RouteTable};
use super::regional::Regional;
use super::status::{Phase, StackStatus};

/// The most that one page may hold. Without a size of pages, AWS throttles whoever has many.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcPeeringConnections.html>.
const PEERINGS_A_PAGE: i32 = 1000;

/// The same of VPCs.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html>.
const VPCS_A_PAGE: i32 = 1000;

/// The same of route tables.
///
/// See <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html>.
const TABLES_A_PAGE: i32 = 100;

/// A live VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vpc {
    /// Its id.
    pub id: String,
    /// Its address ranges, IPv4 and IPv6: the one that it was made with first.
    pub ranges: Vec<String>,
    /// The ids of the associations of its ranges, by range.
    pub associations: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Vpc {
    fn read(vpc: aws_sdk_ec2::types::Vpc) -> Option<Self> {
        use VpcCidrBlockStateCode::{Associated, Associating};
        let is_there = |state: Option<&VpcCidrBlockStateCode>| matches!(state, None | Some(Associated | Associating));
        let v4 = vpc.cidr_block_association_set.unwrap_or_default().into_iter().filter_map(|own| {
            let state = own.cidr_block_state.and_then(|state| state.state);
            Some((own.cidr_block.filter(|_| is_there(state.as_ref()))?, own.association_id))
        });
        let v6 = vpc.ipv6_cidr_block_association_set.unwrap_or_default().into_iter().filter_map(|own| {
            let state = own.ipv6_cidr_block_state.and_then(|state| state.state);
            Some((own.ipv6_cidr_block.filter(|_| is_there(state.as_ref()))?, own.association_id))
        });
        let mut ranges: Vec<String> = vpc.cidr_block.into_iter().collect();
        let mut associations = BTreeMap::new();
        for (range, association) in v4.chain(v6) {
            associations.extend(association.map(|id| (range.clone(), id)));
            if !ranges.contains(&range) {
                ranges.push(range);
            }
        }
        let tags = vpc.tags.unwrap_or_default().into_iter().filter_map(|tag| Some((tag.key?, tag.value?)));
        Some(Self { id: vpc.vpc_id?, ranges, associations, tags: tags.collect() })
    }
}

impl Regional {
    /// Every VPC that the account has here.
    ///
    /// # Errors
    ///
    /// The call was refused or did not come through; the same goes for all calls here.
    pub async fn vpcs(&self) -> Result<Vec<Vpc>, CallError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send = || self.ec2().describe_vpcs().max_results(VPCS_A_PAGE).set_next_token(next.clone()).send();
            let answer = self.call("DescribeVpcs", send).await?;
            found.extend(answer.vpcs.unwrap_or_default().into_iter().filter_map(Vpc::read));
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// A VPC, if there is one of this id.
    ///
    /// # Errors
    ///
    /// As for [`Regional::vpcs`].
    pub async fn vpc(&self, id: &str) -> Result<Option<Vpc>, CallError> {
        let by_id = || aws_sdk_ec2::types::Filter::builder().name("vpc-id").values(id).build();
        let answer = self.call("DescribeVpcs", || self.ec2().describe_vpcs().filters(by_id()).send()).await?;
        Ok(answer.vpcs.unwrap_or_default().into_iter().filter_map(Vpc::read).find(|vpc| vpc.id == id))
    }

    /// The IPv4 range of a subnet, if there is one of this id and it has any.
    ///
    /// # Errors
    ///
    /// As for [`Regional::vpcs`].
    pub async fn subnet_range(&self, id: &str) -> Result<Option<String>, CallError> {
        let by_id = || aws_sdk_ec2::types::Filter::builder().name("subnet-id").values(id).build();
        let answer = self.call("DescribeSubnets", || self.ec2().describe_subnets().filters(by_id()).send()).await?;
        let mut found = answer.subnets.unwrap_or_default().into_iter();
        Ok(found.find(|subnet| subnet.subnet_id() == Some(id)).and_then(|subnet| subnet.cidr_block))
    }

    /// Every stack that the account has here, nested ones too, those aside that are deleted. It takes the permission to
    /// describe and to list all stacks.
    ///
    /// # Errors
    ///
    /// As for [`Regional::vpcs`].
    pub async fn every_stack(&self) -> Result<Vec<Stack>, CallError> {
        const OPERATION: &str = "DescribeStacks";
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        let mut pages = 0;
        loop {
            pages += 1;
            let send = || self.cloudformation().describe_stacks().set_next_token(next.clone()).send();
            let answer = self.call(OPERATION, send).await?;
            found.extend(answer.stacks.unwrap_or_default().into_iter().filter_map(Stack::read));
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                found.retain(|stack| stack.status.phase() != Phase::Deleted);
                self.stacks().note_pages(pages);
                return Ok(found);
            }
            self.stacks().note_more_pages(pages);
            if let Some(error) = self.too_long(OPERATION) {
                return Err(error);
            }
        }
    }

    /// The ARNs of all stacks with something under way, each with its status. It takes the permission to list all stacks.
    ///
    /// # Errors
    ///
    /// As for [`Regional::vpcs`].
    pub(super) async fn moving_stacks(&self) -> Result<HashMap<String, StackStatus>, CallError> {
        const OPERATION: &str = "ListStacks";
        let moving: Vec<_> = StackStatus::moving().map(aws_sdk_cloudformation::types::StackStatus::from).collect();
        let mut found = HashMap::new();
        let mut next: Option<String> = None;
        loop {
            let send = || {
                let request = self.cloudformation().list_stacks().set_stack_status_filter(Some(moving.clone()));
                request.set_next_token(next.clone()).send()
            };
            let answer = self.call(OPERATION, send).await?;
            found.extend(
                answer
                    .stack_summaries
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|summary| Some((summary.stack_id?, StackStatus::new(summary.stack_status?.as_str())))),
            );
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
            if let Some(error) = self.too_long(OPERATION) {
                return Err(error);
            }
        }
    }

    /// The names of the stacks that import what another one exports under a name.
    ///
    /// # Errors
    ///
    /// As for [`Regional::vpcs`].
    pub async fn importers(&self, export: &str) -> Result<Vec<String>, CallError> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let send = || self.cloudformation().list_imports().export_name(export).set_next_token(next.clone()).send();
            let answer = match self.call("ListImports", send).await {
                Ok(answer) => answer,
                // CloudFormation says so where nobody imports it.
                Err(error) if error.is("ValidationError") || error.class == Class::NotFound => return Ok(found),
                Err(error) => return Err(error),
            };
            found.extend(answer.imports.unwrap_or_default());
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// Every peering that the account sees here, dead ones too.
    ///
    /// # Errors
    ///
    /// As for [`Regional::vpcs`].
    pub async fn every_peering(&self) -> Result<Vec<Peering>, CallError> {
        self.peerings(Vec::new(), Some(PEERINGS_A_PAGE)).await
    }

    /// Every route table that the account has here.
    ///
    /// # Errors
    ///
    /// As for [`Regional::vpcs`].
    pub async fn every_route_table(&self) -> Result<Vec<RouteTable>, CallError> {
        self.route_tables_by(&[], Some(TABLES_A_PAGE)).await
    }
}
