//! The table of roles and actions, read back as sentences.

use super::*;

/// The table of reliability.md §7, one line for each action: `a` allowed, `m` in own matters, `e` own entries, `c` counts,
/// `h` health, `r` may ask, `p` approves, `-` denied. Columns in the order of `Role::ALL`.
const TABLE: &[(&str, &str)] = &[
    ("append-events", "-a--------"),
    ("read-own-rooms", "a---------"),
    ("search-matter", "----mm----"),
    ("search-whole", "----rr-p-a"),
    ("open-matter", "-----r-p--"),
    ("tag-items", "----mm----"),
    ("export-within-limit", "----aa---a"),
    ("export-beyond-limit", "-----r-p--"),
    ("place-hold", "-----aa---"),
    ("release-hold", "-----r-p--"),
    ("lengthen-retention", "------a---"),
    ("shorten-retention", "------rp--"),
    ("run-schedule", "------a---"),
    ("read-quarantine", "--c-ma----"),
    ("operate-machine", "--a-------"),
    ("manage-accounts", "---r---p--"),
    ("read-audit", "--haemeeae"),
    ("change-audit", "----------"),
];

fn letter(ruling: Ruling) -> char {
    match ruling {
        Ruling::Denied => '-',
        Ruling::Allowed(Reach::Everything) => 'a',
        Ruling::Allowed(Reach::OwnMatters) => 'm',
        Ruling::Allowed(Reach::OwnEntries) => 'e',
        Ruling::Allowed(Reach::CountsOnly) => 'c',
        Ruling::Allowed(Reach::HealthOnly) => 'h',
        Ruling::Request => 'r',
        Ruling::Approves => 'p',
    }
}

#[test]
fn every_role_may_do_what_the_table_says_and_nothing_else() {
    assert_eq!(TABLE.len(), Action::ALL.len(), "an action without a row");
    for (row, &action) in TABLE.iter().zip(Action::ALL) {
        let said: String = Role::ALL.iter().map(|&role| letter(ruling(role, action))).collect();
        assert_eq!((action.word(), said.as_str()), *row);
    }
}

#[test]
fn whatever_may_be_asked_for_has_somebody_who_approves_and_never_the_same_role() {
    for &action in Action::ALL {
        let any = |sought| Role::ALL.iter().any(|&role| ruling(role, action) == sought);
        assert_eq!(any(Ruling::Request), any(Ruling::Approves), "{action}");
        assert!(Role::ALL.iter().all(|&role| {
            (ruling(role, action) == Ruling::Approves) <= (role == Role::Approver)
        }));
    }
}

#[test]
fn nobody_changes_the_audit() {
    assert!(Role::ALL.iter().all(|&role| ruling(role, Action::ChangeAudit) == Ruling::Denied));
}

#[test]
fn who_runs_the_machine_has_no_rights_over_what_people_wrote() {
    let content = [
        Action::ReadOwnRooms,
        Action::SearchMatter,
        Action::SearchWhole,
        Action::ExportWithinLimit,
        Action::ExportBeyondLimit,
    ];
    for action in content {
        assert_eq!(ruling(Role::OperationsAdmin, action), Ruling::Denied, "{action}");
        assert_eq!(ruling(Role::SecurityAdmin, action), Ruling::Denied, "{action}");
        assert_eq!(ruling(Role::Auditor, action), Ruling::Denied, "{action}");
    }
}

#[test]
fn incompatible_roles_are_refused_whichever_comes_first() {
    let refused = [
        (Role::OperationsAdmin, Role::ComplianceOfficer),
        (Role::OperationsAdmin, Role::DiscoveryLead),
        (Role::OperationsAdmin, Role::Approver),
        (Role::OperationsAdmin, Role::Auditor),
        (Role::SecurityAdmin, Role::RecordsManager),
        (Role::SecurityAdmin, Role::Approver),
        (Role::Auditor, Role::RoomUser),
    ];
    for (one, other) in refused {
        for pair in [[one, other], [other, one]] {
            let refusal = Roles::of(pair, Regime::FourEyes).unwrap_err();
            assert!(refusal.to_string().contains(one.word()), "{refusal}");
        }
    }
    assert!(Roles::of([Role::DiscoveryLead, Role::Approver], Regime::FourEyes).is_ok());
    assert!(Role::ALL.iter().all(|&role| !conflict(role, role)));
}

#[test]
fn one_officer_alone_holds_every_role() {
    let all = Roles::of(Role::ALL.iter().copied(), Regime::SingleOfficer).unwrap();
    assert!(all.iter().eq(Role::ALL.iter().copied()));
    assert!(Roles::of(Role::ALL.iter().copied(), Regime::FourEyes).is_err());
}

#[test]
fn a_permission_never_lets_a_role_do_what_the_table_denies() {
    for &role in Role::ALL {
        let may = |action| ruling(role, action) != Ruling::Denied;
        let grant = role.permissions();
        let asks = [
            (Permission::Append, may(Action::AppendEvents)),
            (Permission::Read, may(Action::SearchMatter) || may(Action::SearchWhole)),
            (Permission::Export, may(Action::ExportWithinLimit)),
            (Permission::Admin, may(Action::OperateMachine)),
            (Permission::Metrics, may(Action::OperateMachine)),
        ];
        for (permission, allowed) in asks {
            assert!(grant.allows(permission) <= allowed, "{role} {permission}");
        }
    }
}

#[test]
fn an_unknown_role_is_refused_with_the_nearest_one() {
    let refusal = "records-manger".parse::<Role>().unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "\"records-manger\" is no role; the nearest is \"records-manager\""
    );
    assert!("change-audit".parse::<Action>().is_ok());
}
