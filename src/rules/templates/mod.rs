//! Rules that hold a plan against the templates that it names.

pub(super) mod conditional_output;
pub(super) mod missing_capability;
pub(super) mod missing_parameter;
pub(super) mod nested_template;
pub(super) mod not_a_template;
pub(super) mod refused_template;
pub(super) mod refused_value;
pub(super) mod template_url;
pub(super) mod too_large;
pub(super) mod unknown_output;
pub(super) mod unknown_parameter;
pub(super) mod unreadable_template;
