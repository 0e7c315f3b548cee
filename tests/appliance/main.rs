//! Appliance.
