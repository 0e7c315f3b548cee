//! Who may do what: the table of reliability.md §7 as data. What no row allows is denied, and no role contains another.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::permission::{Grant, Permission};
use crate::words::words;

words! {
    /// What somebody is. A person may hold several, but for those that [`conflict`] keeps apart.
    Role, "role";
    /// Writes and reads in their own rooms.
    RoomUser = "room-user",
    /// The engine's or a feed's service account: it adds events and sees nothing.
    EngineService = "engine-service",
    /// Runs the machine: start, stop, backup, restore, upgrade. Reads no message.
    OperationsAdmin = "operations-admin",
    /// Asks for accounts, roles and rotations of keys.
    SecurityAdmin = "security-admin",
    /// Searches and tags in assigned matters.
    ComplianceOfficer = "compliance-officer",
    /// Runs matters: searches, exports, places holds.
    DiscoveryLead = "discovery-lead",
    /// Writes the retention rules. The cron identity runs what such rules allow.
    RecordsManager = "records-manager",
    /// Grants or refuses what others ask for, never what they ask for themselves.
    Approver = "approver",
    /// Reads the whole audit, and no message.
    Auditor = "auditor",
    /// Reads and exports for a limited time (SEC 17a-4(f)(3)(v): records without the firm's help).
    Regulator = "regulator",
}

words! {
    /// One row of the table: something that somebody may want to do.
    Action, "action";
    /// Add events to the log.
    AppendEvents = "append-events",
    /// Search and read the rooms that one is a member of.
    ReadOwnRooms = "read-own-rooms",
    /// Search the archive within an assigned matter: rooms, people, dates.
    SearchMatter = "search-matter",
    /// Search the whole archive, for a reason.
    SearchWhole = "search-whole",
    /// Open a matter and say what belongs to it.
    OpenMatter = "open-matter",
    /// Tag, note, mark as privileged.
    TagItems = "tag-items",
    /// Export as many events as the limit allows.
    ExportWithinLimit = "export-within-limit",
    /// Export more than the limit.
    ExportBeyondLimit = "export-beyond-limit",
    /// Place a legal hold.
    PlaceHold = "place-hold",
    /// Release a legal hold.
    ReleaseHold = "release-hold",
    /// Make retention longer or wider, or lock it.
    LengthenRetention = "lengthen-retention",
    /// Make retention shorter or narrower, let something be deleted, destroy before its time, destroy a key.
    ShortenRetention = "shorten-retention",
    /// Run the destruction that approved rules call for.
    RunSchedule = "run-schedule",
    /// See what is in quarantine.
    ReadQuarantine = "read-quarantine",
    /// Start, stop, back up, restore, upgrade, move to another disk.
    OperateMachine = "operate-machine",
    /// Make accounts, grant roles, rotate keys.
    ManageAccounts = "manage-accounts",
    /// Read the audit, checkpoints and proofs, which hold no content.
    ReadAudit = "read-audit",
    /// Change or delete the audit. Nobody may.
    ChangeAudit = "change-audit",
}

/// How far a right reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Everything the action can touch.
    Everything,
    /// The matters that the person is a member of.
    OwnMatters,
    /// The person's own entries.
    OwnEntries,
    /// Counts, without names or words.
    CountsOnly,
    /// The state of the machine.
    HealthOnly,
}

/// What the table says of one role and one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ruling {
    /// No.
    Denied,
    /// Yes, so far.
    Allowed(Reach),
    /// May ask; somebody else approves.
    Request,
    /// May approve what somebody else asks for.
    Approves,
}

/// Returns what the table of reliability.md §7 says of a role and an action; denied where it says nothing.
pub const fn ruling(role: Role, action: Action) -> Ruling {
    use Action as A;
    use Reach::{CountsOnly, Everything, HealthOnly, OwnEntries, OwnMatters};
    use Role as R;
    use Ruling::{Allowed, Approves, Denied, Request};
    match (action, role) {
        (A::AppendEvents, R::EngineService)
        | (A::ReadOwnRooms, R::RoomUser)
        | (A::ExportWithinLimit, R::DiscoveryLead | R::ComplianceOfficer | R::Regulator)
        | (A::PlaceHold, R::DiscoveryLead | R::RecordsManager)
        | (A::LengthenRetention | A::RunSchedule, R::RecordsManager)
        | (A::ReadQuarantine, R::DiscoveryLead)
        | (A::OperateMachine, R::OperationsAdmin)
        | (A::SearchWhole, R::Regulator)
        | (A::ReadAudit, R::SecurityAdmin | R::Auditor) => Allowed(Everything),
        (A::SearchMatter | A::TagItems, R::ComplianceOfficer | R::DiscoveryLead)
        | (A::ReadQuarantine, R::ComplianceOfficer)
        | (A::ReadAudit, R::DiscoveryLead) => Allowed(OwnMatters),
        (A::ReadAudit, R::ComplianceOfficer | R::RecordsManager | R::Approver | R::Regulator) => {
            Allowed(OwnEntries)
        }
        (A::ReadQuarantine, R::OperationsAdmin) => Allowed(CountsOnly),
        (A::ReadAudit, R::OperationsAdmin) => Allowed(HealthOnly),
        (A::SearchWhole, R::ComplianceOfficer | R::DiscoveryLead)
        | (A::OpenMatter | A::ExportBeyondLimit | A::ReleaseHold, R::DiscoveryLead)
        | (A::ShortenRetention, R::RecordsManager)
        | (A::ManageAccounts, R::SecurityAdmin) => Request,
        (
            A::SearchWhole
            | A::OpenMatter
            | A::ExportBeyondLimit
            | A::ReleaseHold
            | A::ShortenRetention
            | A::ManageAccounts,
            R::Approver,
        ) => Approves,
        _ => Denied,
    }
}

impl Role {
    /// Returns the permissions that a credential of this role carries. The table rules what an officer may do; a permission is
    /// what a route of the server asks for, and it is coarser. So a role gets one only where the table allows every use of it:
    /// an auditor, who may read no message, gets none, since reading the audit shares its permission with reading messages.
    pub fn permissions(self) -> Grant {
        match self {
            Self::EngineService => Grant::of([Permission::Append]),
            Self::OperationsAdmin => Grant::of([Permission::Admin, Permission::Metrics]),
            Self::DiscoveryLead | Self::ComplianceOfficer | Self::Regulator => {
                Grant::of([Permission::Read, Permission::Export])
            }
            Self::RoomUser
            | Self::SecurityAdmin
            | Self::RecordsManager
            | Self::Approver
            | Self::Auditor => Grant::default(),
        }
    }

    /// Returns whether the role is ever held without an end. A regulator's is not.
    pub const fn needs_end(self) -> bool {
        matches!(self, Self::Regulator)
    }

    /// Returns whether the role shows what people wrote.
    const fn sees_content(self) -> bool {
        matches!(
            self,
            Self::ComplianceOfficer | Self::DiscoveryLead | Self::RecordsManager | Self::Regulator
        )
    }
}

/// Returns whether one person may not hold both roles (reliability.md §7, the pairs marked ✗✗): who runs the machine sees no
/// content and judges nobody, who makes accounts neither, and an auditor is nothing else.
pub fn conflict(one: Role, other: Role) -> bool {
    let apart = |one: Role, other: Role| match one {
        Role::Auditor => other != Role::Auditor,
        Role::OperationsAdmin => {
            other == Role::Approver || (other.sees_content() && other != Role::RecordsManager)
        }
        Role::SecurityAdmin => other == Role::Approver || other.sees_content(),
        Role::RoomUser
        | Role::EngineService
        | Role::ComplianceOfficer
        | Role::DiscoveryLead
        | Role::RecordsManager
        | Role::Approver
        | Role::Regulator => false,
    };
    apart(one, other) || apart(other, one)
}

/// Whether a second person judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Regime {
    /// Whoever asks never approves.
    #[default]
    FourEyes,
    /// One person holds every role and approves what they ask for themselves. Every warrant says so.
    SingleOfficer,
}

/// The roles that one person holds at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Takes roles together. Refused where two of them may not be one person's, unless there is one officer alone. The docket
    /// asks this at every grant and again at every use, so that a pair which came about in any other way is of no use.
    pub fn of(roles: impl IntoIterator<Item = Role>, regime: Regime) -> Result<Self> {
        let roles: BTreeSet<Role> = roles.into_iter().collect();
        let pairs = roles.iter().flat_map(|one| roles.iter().map(move |other| (*one, *other)));
        match pairs.into_iter().find(|(one, other)| one < other && conflict(*one, *other)) {
            Some((one, other)) if regime == Regime::FourEyes => {
                Err(Error::RolesConflict { one, other })
            }
            _ => Ok(Self(roles)),
        }
    }

    /// Returns the roles, in the order of their declaration.
    pub fn iter(&self) -> impl Iterator<Item = Role> {
        self.0.iter().copied()
    }

    /// Returns the most that the roles allow of an action outright: the reach of each that allows it, none where none does.
    pub fn reaches(&self, action: Action) -> BTreeSet<Reach> {
        let reach = |role| match ruling(role, action) {
            Ruling::Allowed(reach) => Some(reach),
            Ruling::Denied | Ruling::Request | Ruling::Approves => None,
        };
        self.iter().filter_map(reach).collect()
    }

    /// Returns whether one of the roles has exactly this ruling on an action.
    pub fn has(&self, action: Action, sought: Ruling) -> bool {
        self.iter().any(|role| ruling(role, action) == sought)
    }
}

#[cfg(test)]
#[path = "role_tests.rs"]
mod tests;
