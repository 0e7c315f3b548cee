//! Whether an officer may write an entry, and whether it makes sense where it would stand.

use chat::{PersonId, Timestamp};

use crate::docket::Docket;
use crate::entry::{Entry, HoldPlacing};
use crate::error::{Error, Result};
use crate::hold::steady;
use crate::role::{Action, Reach, Regime, Role, Roles, Ruling};
use crate::schedule::{RetentionRule, RuleAction, is_name};

impl Docket {
    /// Returns whether an officer may write an entry now, or why not. Whoever records asks this first; the fold asks it again.
    ///
    /// What the table lets a role do outright is written as it is. What it lets a role ask for is written as a request, and takes
    /// effect by the approval of somebody else: the request holds the whole entry, and the log does not change, so the approval is
    /// of exactly this one.
    pub fn admits(&self, entry: &Entry, by: PersonId, now: Timestamp) -> Result<()> {
        if Entry::read(&entry.act()).ok().flatten().as_ref() != Some(entry) {
            return Err(Error::EntryUnreadable { verb: entry.act().verb });
        }
        match entry {
            Entry::Requested(proposed) => {
                let roles = self.roles_of(by, now)?;
                let action = self.action(proposed);
                if !roles.has(action, Ruling::Request) {
                    return Err(Error::NotPermitted { action });
                }
                self.makes_sense(proposed, now)
            }
            Entry::Approved { request } | Entry::Refused { request, .. } => {
                let open = self.requests.get(request).filter(|open| open.answer.is_none());
                let open = open.ok_or(Error::RequestNotOpen { request: *request })?;
                let is_approval = matches!(entry, Entry::Approved { .. });
                if !is_approval && open.by == by {
                    return Ok(());
                }
                let action = self.action(&open.entry);
                if !self.roles_of(by, now)?.has(action, Ruling::Approves) {
                    return Err(Error::NotPermitted { action });
                }
                if open.by == by && self.regime == Regime::FourEyes {
                    return Err(Error::OwnRequest { request: *request });
                }
                if is_approval { self.makes_sense(&open.entry, now) } else { Ok(()) }
            }
            Entry::SingleOfficerDeclared | Entry::RoleGranted { .. } if !self.is_founded => {
                self.makes_sense(entry, now)
            }
            Entry::SingleOfficerDeclared => Err(Error::AlreadyFounded),
            Entry::RuleSet(_)
            | Entry::RuleRemoved { .. }
            | Entry::Occurred { .. }
            | Entry::ClockRight { .. }
            | Entry::FaultNoted { .. }
            | Entry::HoldPlaced(_)
            | Entry::HoldReleased { .. }
            | Entry::MatterOpened { .. }
            | Entry::MemberAdded { .. }
            | Entry::CustodianNamed { .. }
            | Entry::RoleGranted { .. }
            | Entry::RoleWithdrawn { .. }
            | Entry::DestructionPlanned { .. } => {
                let roles = self.roles_of(by, now)?;
                let action = self.action(entry);
                if !roles.reaches(action).contains(&Reach::Everything) {
                    return Err(refusal(&roles, action));
                }
                self.makes_sense(entry, now)
            }
        }
    }

    /// Returns which row of the table an entry falls under.
    pub fn action(&self, entry: &Entry) -> Action {
        match entry {
            Entry::RuleSet(rule) if self.keeps_all(rule) => Action::LengthenRetention,
            Entry::RuleSet(_)
            | Entry::RuleRemoved { .. }
            | Entry::Occurred { .. }
            | Entry::ClockRight { .. }
            | Entry::FaultNoted { .. }
            | Entry::DestructionPlanned { .. } => Action::ShortenRetention,
            Entry::HoldPlaced(_) | Entry::CustodianNamed { .. } => Action::PlaceHold,
            Entry::HoldReleased { .. } => Action::ReleaseHold,
            Entry::MatterOpened { .. } | Entry::MemberAdded { .. } => Action::OpenMatter,
            Entry::RoleGranted { .. }
            | Entry::RoleWithdrawn { .. }
            | Entry::SingleOfficerDeclared => Action::ManageAccounts,
            Entry::Requested(proposed) => self.action(proposed),
            Entry::Approved { request } | Entry::Refused { request, .. } => self
                .requests
                .get(request)
                .map_or(Action::ChangeAudit, |request| self.action(&request.entry)),
        }
    }

    /// Returns whether a version of a rule lets nothing go that is kept without it.
    pub(crate) fn keeps_all(&self, rule: &RetentionRule) -> bool {
        match self.newest_rule(&rule.id.name) {
            Some(before) => rule.keeps_all_of(before),
            None => rule.action != RuleAction::Delete,
        }
    }

    /// Refuses what is wrong with an entry whoever writes it.
    fn makes_sense(&self, entry: &Entry, now: Timestamp) -> Result<()> {
        match entry {
            Entry::RuleSet(rule) => self.rule_makes_sense(rule),
            Entry::RuleRemoved { name } => match self.newest_rule(name) {
                None => Err(Error::RuleUnknown { found: name.chars().take(80).collect() }),
                Some(rule) if rule.is_locked => Err(Error::RuleLocked {
                    rule: rule.id.to_string(),
                    nearest: "the rule as it is, or longer or wider".into(),
                }),
                Some(_) => Ok(()),
            },
            Entry::Occurred { name, .. } if is_name(name) => Ok(()),
            Entry::Occurred { name, .. } => {
                Err(Error::NameUnfit { found: name.chars().take(80).collect() })
            }
            Entry::ClockRight { at } if *at > now => {
                Err(Error::ClockAhead { asked: *at, clock: now })
            }
            Entry::FaultNoted { event } if !self.faults.contains_key(event) => {
                Err(Error::FaultUnknown { event: *event })
            }
            Entry::HoldPlaced(placing) => self.hold_makes_sense(placing),
            Entry::HoldReleased { hold, .. } => {
                let record = self.holds.get(hold).filter(|record| record.released.is_none());
                record.map(|_| ()).ok_or(Error::HoldNotStanding { hold: *hold })
            }
            Entry::MatterOpened { name, .. } if name.trim().is_empty() => {
                Err(Error::ReasonMissing { rule: "matter".into(), what: "name" })
            }
            Entry::MemberAdded { matter, .. } => {
                let known = self.matters.contains_key(matter);
                if known { Ok(()) } else { Err(Error::MatterUnknown { matter: *matter }) }
            }
            Entry::CustodianNamed { matter, custodian } => {
                let known = self.matters.get(matter);
                let known = known.ok_or(Error::MatterUnknown { matter: *matter })?;
                known.with_custodian(custodian).map(drop)
            }
            Entry::RoleGranted { officer, role, until } => {
                self.grant_makes_sense(*officer, *role, *until, now)
            }
            Entry::ClockRight { .. }
            | Entry::FaultNoted { .. }
            | Entry::MatterOpened { .. }
            | Entry::RoleWithdrawn { .. }
            | Entry::SingleOfficerDeclared
            | Entry::DestructionPlanned { .. }
            | Entry::Requested(_)
            | Entry::Approved { .. }
            | Entry::Refused { .. } => Ok(()),
        }
    }

    fn rule_makes_sense(&self, rule: &RetentionRule) -> Result<()> {
        rule.check_form()?;
        let versions = self.rules.get(&rule.id.name).map(Vec::as_slice).unwrap_or_default();
        let next = versions
            .iter()
            .filter_map(|version| version.rule.as_ref())
            .map(|rule| rule.id.version)
            .max()
            .unwrap_or(0)
            .saturating_add(1);
        if rule.id.version != next {
            return Err(Error::VersionOutOfOrder { rule: rule.id.to_string(), expected: next });
        }
        versions
            .iter()
            .filter_map(|version| version.rule.as_ref())
            .try_for_each(|before| rule.check_lock(before))
    }

    fn hold_makes_sense(&self, placing: &HoldPlacing) -> Result<()> {
        if placing.reason.trim().is_empty() {
            return Err(Error::ReasonMissing { rule: "hold".into(), what: "reason" });
        }
        let scope = &placing.scope;
        let matter = placing
            .matter
            .map(|id| self.matters.get(&id).ok_or(Error::MatterUnknown { matter: id }));
        let matter = matter.transpose()?;
        let unknown = scope
            .custodians
            .iter()
            .find(|name| !matter.is_some_and(|matter| matter.custodians.contains_key(*name)));
        if let Some(found) = unknown {
            let known = matter.map(|matter| matter.custodians.keys().cloned().collect());
            let nearest = known.unwrap_or_default();
            return Err(Error::CustodianUnknown { found: found.clone(), nearest });
        }
        scope.query.as_ref().map(steady).transpose()?;
        match (scope.from, scope.until) {
            (Some(from), Some(until)) if until <= from => Err(Error::DatesEmpty { from, until }),
            _ => Ok(()),
        }
    }

    /// Refuses a role that the officer may not have beside those they have, and one without an end that needs one.
    fn grant_makes_sense(
        &self,
        officer: PersonId,
        role: Role,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        if (role.needs_end() && until.is_none()) || until.is_some_and(|until| until <= now) {
            return Err(Error::RoleWithoutEnd { role });
        }
        let held = self.roles_of(officer, now)?;
        Roles::of(held.iter().chain([role]), self.regime).map(drop)
    }
}

/// Says whether asking would help.
fn refusal(roles: &Roles, action: Action) -> Error {
    if roles.has(action, Ruling::Request) {
        Error::NeedsApproval { action }
    } else {
        Error::NotPermitted { action }
    }
}
