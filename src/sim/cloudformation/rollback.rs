//! Rollback triggers: alarms that are watched while a stack is made or updated, and for a while afterwards.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::{Config, invalid};
use crate::sim::faults::Faults;
use crate::sim::wire::{ApiError, Params, Xml};

/// The most triggers that a stack may have.
const MOST: usize = 5;

/// The longest time to watch, in minutes.
const LONGEST: u32 = 180;

/// What an operation's success hangs on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackTriggers {
    /// The alarms.
    pub triggers: Vec<Trigger>,
    /// For how many minutes they are watched after all resources are made.
    pub minutes: u32,
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// Its ARN.
    pub arn: String,
    /// `AWS::CloudWatch::Alarm` or `AWS::CloudWatch::CompositeAlarm`.
    pub kind: String,
}

impl RollbackTriggers {
    /// What a request says about them. What it does not say stays as it was.
    ///
    /// # Errors
    ///
    /// `ValidationError`: too many, too long, or of an unknown type.
    pub(super) fn read(params: &Params, before: Option<&Config>) -> Result<Self, ApiError> {
        let given = params.structure("RollbackConfiguration");
        let before = || before.map(|config| config.rollback.clone()).unwrap_or_default();
        let triggers = given.structures("RollbackTriggers");
        let minutes = given.parsed::<u32>("MonitoringTimeInMinutes")?;
        if triggers.is_empty() && given.get("RollbackTriggers").is_none() {
            return Ok(Self { minutes: minutes.unwrap_or_else(|| before().minutes), ..before() });
        }
        if triggers.len() > MOST {
            let constraint = format!("Member must have length less than or equal to {MOST}");
            return Err(ApiError::constraint("(the triggers)", "rollbackConfiguration.rollbackTriggers", &constraint));
        }
        let minutes = minutes.unwrap_or_default();
        if minutes > LONGEST {
            let constraint = format!("Member must have value less than or equal to {LONGEST}");
            let member = "rollbackConfiguration.monitoringTimeInMinutes";
            return Err(ApiError::constraint(&minutes.to_string(), member, &constraint));
        }
        let triggers = triggers.iter().map(Trigger::read).collect::<Result<_, _>>()?;
        Ok(Self { triggers, minutes })
    }

    pub(super) fn write(&self, xml: &mut Xml) {
        xml.within("RollbackConfiguration", |xml| {
            xml.list("RollbackTriggers", "member", &self.triggers, |xml, trigger| {
                xml.text("Arn", &trigger.arn).text("Type", &trigger.kind);
            });
            if self.minutes > 0 {
                xml.text("MonitoringTimeInMinutes", self.minutes);
            }
        });
    }

    /// For how long they are watched after all resources are made.
    pub(super) fn monitoring(&self) -> Duration {
        Duration::from_secs(60 * u64::from(self.minutes))
    }

    /// The first alarm that is planned to fire while it is watched, and how long after all resources are made.
    pub(super) fn firing(&self, faults: &Faults) -> Option<(Duration, &str)> {
        let firing =
            self.triggers.iter().filter_map(|trigger| Some((faults.alarm(&trigger.arn)?, trigger.arn.as_str())));
        firing.min_by_key(|(after, _)| *after).filter(|(after, _)| *after <= self.monitoring())
    }
}

impl Trigger {
    fn read(params: &Params) -> Result<Self, ApiError> {
        let (arn, kind) = (params.get("Arn").unwrap_or_default(), params.get("Type").unwrap_or_default());
        let known = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];
        if !arn.starts_with("arn:") || !known.contains(&kind) {
            return Err(invalid(format!("Rollback trigger [{arn}] of type [{kind}] is not supported")));
        }
        Ok(Self { arn: arn.to_owned(), kind: kind.to_owned() })
    }
}
