//! The credentials that the log knows: a fold of officers' acts, and the only authority on what a credential may do.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chat::{Act, EventKind, Recorded, Timestamp};
use policy::Grant;

/// Verbs of the acts that this fold reads.
pub(crate) mod verb {
    /// An officer was bound to a user of the operating system.
    pub(crate) const OFFICER_APPOINTED: &str = "officer-appointed";
    /// A one-time link was made.
    pub(crate) const LINK_ISSUED: &str = "sign-in-link-issued";
    /// A link was turned into a session.
    pub(crate) const SIGNED_IN: &str = "signed-in";
    /// A session was ended by its officer.
    pub(crate) const SIGNED_OUT: &str = "signed-out";
    /// A token was made.
    pub(crate) const TOKEN_ISSUED: &str = "token-issued";
    /// A token was revoked.
    pub(crate) const TOKEN_REVOKED: &str = "token-revoked";
}

/// A token as the log knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Its short public name.
    pub(crate) id: String,
    /// The name it was given.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) grant: Grant,
    /// When it was issued.
    pub(crate) issued_at: Timestamp,
    /// When it was revoked.
    pub(crate) revoked_at: Option<Timestamp>,
}

/// What the log says of credentials.
#[derive(Debug, Default)]
pub(crate) struct Register {
    /// Every commitment, with the id of its credential.
    commitments: HashMap<String, String>,
    tokens: BTreeMap<String, Token>,
    ended_sessions: HashSet<String>,
    officers: BTreeSet<String>,
}

impl Register {
    /// Folds one event of the ledger in; events that say nothing of credentials change nothing.
    pub(crate) fn apply(&mut self, recorded: &Recorded) {
        if recorded.event.kind != EventKind::Officer {
            return;
        }
        if let Some(act) = &recorded.event.content.act {
            self.apply_act(act, recorded.recorded_at);
        }
    }

    /// Folds one act in that was recorded at this moment.
    pub(crate) fn apply_act(&mut self, act: &Act, at: Timestamp) {
        if act.verb == verb::OFFICER_APPOINTED {
            self.officers.extend(act.text("name").map(str::to_owned));
            return;
        }
        let Some(id) = act.text("credential") else { return };
        match act.verb.as_str() {
            verb::TOKEN_ISSUED => {
                let words = act.text("scopes").unwrap_or_default().split(',');
                let grant = Grant::from_words(words).unwrap_or_default();
                let name = act.text("name").unwrap_or_default().to_owned();
                let token =
                    Token { id: id.to_owned(), name, grant, issued_at: at, revoked_at: None };
                self.tokens.insert(id.to_owned(), token);
                self.commit(act, id);
            }
            verb::TOKEN_REVOKED => {
                if let Some(token) = self.tokens.get_mut(id) {
                    token.revoked_at.get_or_insert(at);
                }
            }
            verb::LINK_ISSUED | verb::SIGNED_IN => self.commit(act, id),
            verb::SIGNED_OUT => {
                self.ended_sessions.insert(id.to_owned());
            }
            _ => {}
        }
    }

    fn commit(&mut self, act: &Act, id: &str) {
        if let Some(commitment) = act.text("commitment") {
            self.commitments.insert(commitment.to_owned(), id.to_owned());
        }
    }

    /// Returns whether the log bears this commitment for this credential.
    pub(crate) fn bears(&self, commitment: &str, id: &str) -> bool {
        self.commitments.get(commitment).is_some_and(|known| known == id)
    }

    /// Returns whether the session was ended.
    pub(crate) fn has_ended(&self, session: &str) -> bool {
        self.ended_sessions.contains(session)
    }

    /// Returns a token that has not been revoked.
    pub(crate) fn living_token(&self, id: &str) -> Option<&Token> {
        self.tokens.get(id).filter(|token| token.revoked_at.is_none())
    }

    /// Returns how many officers were ever appointed.
    pub(crate) fn officers(&self) -> usize {
        self.officers.len()
    }

    /// Returns every token there ever was, oldest first.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        let mut tokens: Vec<_> = self.tokens.values().cloned().collect();
        tokens.sort_by(|one, other| (one.issued_at, &one.id).cmp(&(other.issued_at, &other.id)));
        tokens
    }
}

#[cfg(test)]
mod tests {
    use policy::Permission;

    use super::*;

    fn issue(scopes: &str) -> Act {
        Act::new(verb::TOKEN_ISSUED)
            .with("credential", "t1")
            .with("name", "feed")
            .with("scopes", scopes)
            .with("commitment", "c1")
    }

    #[test]
    fn a_token_may_do_what_its_act_says_and_nothing_once_it_is_revoked() {
        let mut register = Register::default();
        register.apply_act(&issue("append"), Timestamp::EPOCH);
        assert!(register.bears("c1", "t1"));
        assert!(!register.bears("c1", "t2"));
        let grant = register.living_token("t1").unwrap().grant;
        assert!(grant.allows(Permission::Append) && !grant.allows(Permission::Read));
        let revoke = Act::new(verb::TOKEN_REVOKED).with("credential", "t1");
        register.apply_act(&revoke, Timestamp::from_micros(5));
        assert!(register.living_token("t1").is_none());
        assert_eq!(register.tokens()[0].revoked_at, Some(Timestamp::from_micros(5)));
    }

    #[test]
    fn no_act_that_a_fold_reads_is_left_out_of_the_abridged_ledger() {
        let credentials = [
            verb::OFFICER_APPOINTED,
            verb::LINK_ISSUED,
            verb::SIGNED_IN,
            verb::SIGNED_OUT,
            verb::TOKEN_ISSUED,
            verb::TOKEN_REVOKED,
        ];
        let others = ["import-begun", "import-ended", "quarantine-replayed", "of-a-later-version"];
        for verb in credentials.into_iter().chain(others) {
            assert!(archive::abridged::may_tell(&act(Act::new(verb))), "{verb}");
        }
        assert!(!archive::abridged::may_tell(&act(Act::new("search"))));
    }

    fn act(act: Act) -> Recorded {
        let mut event = chat::testing::message(1, 1, 1, "");
        (event.kind, event.place, event.content.act) = (EventKind::Officer, None, Some(act));
        let (seq, recorded_at) = (chat::Seq::FIRST, Timestamp::EPOCH);
        Recorded { seq, place_seq: None, place_prev: None, recorded_at, event }
    }

    #[test]
    fn an_officer_who_is_appointed_twice_is_one_officer() {
        let mut register = Register::default();
        for name in ["Ada", "Bo", "Ada"] {
            let act = Act::new(verb::OFFICER_APPOINTED).with("name", name).with("os_uid", 7_u32);
            register.apply_act(&act, Timestamp::EPOCH);
        }
        assert_eq!(register.officers(), 2);
    }

    #[test]
    fn scopes_that_cannot_be_read_grant_nothing() {
        let mut register = Register::default();
        register.apply_act(&issue("append,everything"), Timestamp::EPOCH);
        assert_eq!(register.living_token("t1").unwrap().grant, Grant::default());
    }
}
