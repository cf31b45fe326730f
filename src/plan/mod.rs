//! The plan: from TOML to stacks, peerings and routes whose values are bound to one another.
//!
//! Loading goes in steps, each in a file of its own: the texts as trees that know their places (`document`,
//! `extends`); variables and accounts (`vars`, `account`); groups, with every text parsed once (`group`, `stack`,
//! `peering`, `route`); instances, with all that must be known before the first call (`for_each`, `expand`); and
//! nodes, with every path bound to what it stands for (`scope`, `bind`). No step stops at the first problem.
//!
//! Nothing here makes calls or touches the disk: [`Files`] and [`Given`] bring in what is outside.

mod account;
mod allow;
mod bind;
pub mod codes;
mod depth;
mod document;
mod early;
mod expand;
mod extends;
mod fields;
mod files;
mod fit;
mod for_each;
mod group;
mod guards;
mod left_out;
mod letters;
mod load;
mod lost;
mod miss;
mod moved;
mod nearest;
mod nested;
mod node;
mod peering;
mod problems;
mod route;
mod same_stack;
mod schema;
mod scope;
mod shared_bucket;
mod stack;
mod supply;
mod supply_schema;
mod template_bucket;
mod templates;
mod text;
mod unused;
mod value;
mod vars;
mod waves;
mod world;

pub use account::{Account, Role};
pub use allow::Allowance;
pub use files::{Files, Outside};
pub use load::{Given, Loaded, Parsed, Variable, load, parse};
pub use nearest::nearest;
pub use node::{
    After, Attribute, Failing, Guards, Need, Node, Origin, PeeringSpec, Plan, Protect, RouteSpec, SharedBucket, Side,
    Spec, StackSpec, Template, TemplateBucket, TemplateUrl, Triggers,
};
pub use schema::schema;
pub use supply::{At, Found, Supply};
pub use value::{Outputs, Setting, Unresolved, Value};
pub use waves::Waves;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
