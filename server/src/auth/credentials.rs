//! Issues links, sessions and tokens, and says whom a presented one belongs to.

use std::sync::Arc;

use archive::Archive;
use chat::{Act, Clock, Rng, Seq};
use ingest::Receipt;
use parking_lot::Mutex;
use policy::Grant;

use super::register::{Register, Token, verb};
use super::secret::{Purpose, Secret, draw_name};
use super::store::{Binding, Row, Store};
use super::{Caller, Way};
use crate::audit::Audit;
use crate::config::Sessions;
use crate::jobs::blocking;
use crate::problem::{Kind, Problem, Result};

const MICROS_PER_MINUTE: i64 = 60_000_000;
/// Events of the ledger that are folded at a time.
const FOLD_EVENTS: usize = 4_096;

/// Everything that tells one caller from another.
#[derive(Clone)]
pub(crate) struct Credentials {
    store: Store,
    archive: Arc<Archive>,
    audit: Audit,
    /// Folded from the ledger when the first credential is looked at; this process alone appends, so it stays current.
    register: Arc<Mutex<Option<Register>>>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    sessions: Sessions,
}

/// A secret that was just issued, with the name it is revoked by.
#[derive(Debug)]
pub(crate) struct Issued {
    /// Its public name.
    pub(crate) id: String,
    /// What is handed out, once.
    pub(crate) secret: Secret,
}

/// What credentials stand on.
pub(crate) struct Ground {
    /// The archive whose log bears the commitments.
    pub(crate) archive: Arc<Archive>,
    /// The way into that log.
    pub(crate) audit: Audit,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The source of secrets.
    pub(crate) rng: Arc<dyn Rng>,
}

impl Credentials {
    /// Takes the tables and what they stand on.
    pub(crate) fn new(store: Store, ground: Ground, sessions: Sessions) -> Self {
        let Ground { archive, audit, clock, rng } = ground;
        let register = Arc::new(Mutex::new(None));
        Self { store, archive, audit, register, clock, rng, sessions }
    }

    /// Binds an officer to a user of the operating system. The binding is an event of the log.
    pub(crate) async fn appoint(&self, by: &Caller, name: &str, uid: u32) -> Result<()> {
        let act = Act::new(verb::OFFICER_APPOINTED).with("name", name).with("os_uid", uid);
        let receipt = self.note(by, act).await?;
        let seq = i64::try_from(receipt.seq.get()).unwrap_or(i64::MAX);
        self.store.bind_officer(uid, &Binding { name: name.to_owned(), seq }).await
    }

    /// Returns the officer that the log binds to a user. A row whose event does not say so counts for nothing.
    pub(crate) async fn officer_of(&self, uid: u32) -> Result<Option<String>> {
        let Some(binding) = self.store.officer(uid).await? else { return Ok(None) };
        let Some(seq) = u64::try_from(binding.seq).ok().and_then(Seq::new) else { return Ok(None) };
        let archive = Arc::clone(&self.archive);
        let recorded = blocking(move || archive.read(seq).map_err(Problem::from)).await?;
        let says_so = recorded.and_then(|recorded| recorded.event.content.act).is_some_and(|act| {
            act.verb == verb::OFFICER_APPOINTED
                && act.text("name") == Some(&binding.name)
                && act.number("os_uid") == Some(uid.into())
        });
        Ok(says_so.then_some(binding.name))
    }

    /// Issues a link that signs an officer in once.
    pub(crate) async fn issue_link(&self, by: &Caller, officer: &str) -> Result<Issued> {
        let now = self.clock.now();
        let expires_at = now.plus_micros(i64::from(self.sessions.link_minutes) * MICROS_PER_MINUTE);
        let issued = self
            .issue(
                by,
                Draw {
                    purpose: Purpose::Link,
                    verb: verb::LINK_ISSUED,
                    holder: officer,
                    scopes: "",
                },
            )
            .await?;
        let row = Row {
            id: issued.id.clone(),
            holder: officer.to_owned(),
            scopes: String::new(),
            at: expires_at,
        };
        self.store.add_link(&issued.secret.fingerprint(), &row, now).await?;
        Ok(issued)
    }

    /// Turns a link into a session. Every failure says the same, so that nothing can be learnt by trying.
    pub(crate) async fn sign_in(&self, link: &str) -> Result<(Issued, String)> {
        let refuse = || {
            Problem::new(
                Kind::Unauthenticated,
                "this sign-in link is not known, has been used, or has ended; this prints a new one: muniment sign-in",
            )
        };
        let link = Secret::parse(Purpose::Link, link).ok_or_else(refuse)?;
        let print = link.fingerprint();
        let now = self.clock.now();
        let row = self.store.use_link(&print, now).await?.ok_or_else(refuse)?;
        if !self.bears(print.commitment(&row.id, &row.holder, ""), row.id.clone()).await? {
            return Err(refuse());
        }
        let caller = Caller::officer(row.holder.clone(), Way::Session(row.id));
        let draw = Draw {
            purpose: Purpose::Session,
            verb: verb::SIGNED_IN,
            holder: &row.holder,
            scopes: "",
        };
        let issued = self.issue(&caller, draw).await?;
        let total = i64::from(self.sessions.total_hours) * 60 * MICROS_PER_MINUTE;
        let kept = Row {
            id: issued.id.clone(),
            holder: row.holder.clone(),
            scopes: String::new(),
            at: now.plus_micros(total),
        };
        self.store.add_session(&issued.secret.fingerprint(), &kept, now).await?;
        Ok((issued, row.holder))
    }

    /// Ends the session of a caller, for good.
    pub(crate) async fn sign_out(&self, caller: &Caller) -> Result<()> {
        let Way::Session(id) = &caller.way else { return Ok(()) };
        self.note(caller, Act::new(verb::SIGNED_OUT).with("credential", id.as_str())).await?;
        self.store.end_session(id).await
    }

    /// Returns the officer whose session this cookie is.
    pub(crate) async fn session(&self, cookie: &str) -> Result<Option<Caller>> {
        let Some(secret) = Secret::parse(Purpose::Session, cookie) else { return Ok(None) };
        let print = secret.fingerprint();
        let now = self.clock.now();
        let idle = i64::from(self.sessions.idle_minutes) * MICROS_PER_MINUTE;
        let Some(row) = self.store.touch_session(&print, now, now.plus_micros(-idle)).await? else {
            return Ok(None);
        };
        let id = row.id.clone();
        let ended = self.with_register(move |register| register.has_ended(&id)).await?;
        if ended || !self.bears(print.commitment(&row.id, &row.holder, ""), row.id.clone()).await? {
            return Ok(None);
        }
        Ok(Some(Caller::officer(row.holder, Way::Session(row.id))))
    }

    /// Issues a token.
    pub(crate) async fn issue_token(
        &self,
        by: &Caller,
        name: &str,
        grant: Grant,
    ) -> Result<Issued> {
        let scopes = grant.to_string();
        let draw = Draw {
            purpose: Purpose::Token,
            verb: verb::TOKEN_ISSUED,
            holder: name,
            scopes: &scopes,
        };
        let issued = self.issue(by, draw).await?;
        let row =
            Row { id: issued.id.clone(), holder: name.to_owned(), scopes, at: self.clock.now() };
        self.store.add_token(&issued.secret.fingerprint(), &row).await?;
        Ok(issued)
    }

    /// Returns whom a token belongs to. What it may do is read off the log, never off the table.
    pub(crate) async fn token(&self, text: &str) -> Result<Option<Caller>> {
        let Some(secret) = Secret::parse(Purpose::Token, text) else { return Ok(None) };
        let print = secret.fingerprint();
        let Some(row) = self.store.token(&print).await? else { return Ok(None) };
        let commitment = print.commitment(&row.id, &row.holder, &row.scopes);
        if !self.bears(commitment, row.id.clone()).await? {
            return Ok(None);
        }
        let id = row.id.clone();
        let token = self.with_register(move |register| register.living_token(&id).cloned()).await?;
        Ok(token.map(|token| Caller {
            name: token.name,
            grant: token.grant,
            way: Way::Token(token.id),
        }))
    }

    /// Returns every token there ever was, oldest first.
    pub(crate) async fn tokens(&self) -> Result<Vec<Token>> {
        self.with_register(Register::tokens).await
    }

    /// Returns how many officers the log knows.
    pub(crate) async fn officers(&self) -> Result<usize> {
        self.with_register(Register::officers).await
    }

    /// Revokes a token; nothing if there is none of this id, or it was revoked before.
    pub(crate) async fn revoke_token(&self, by: &Caller, id: &str) -> Result<Option<Token>> {
        let wanted = id.to_owned();
        let token =
            self.with_register(move |register| register.living_token(&wanted).cloned()).await?;
        if token.is_some() {
            self.note(by, Act::new(verb::TOKEN_REVOKED).with("credential", id)).await?;
            self.store.forget_token(id).await?;
        }
        Ok(token)
    }

    /// Closes the tables.
    pub(crate) async fn close(&self) {
        self.store.close().await;
    }

    /// Draws a secret and puts its commitment into the log, before the secret is of use to anyone.
    async fn issue(&self, by: &Caller, draw: Draw<'_>) -> Result<Issued> {
        let secret = Secret::draw(draw.purpose, self.rng.as_ref())?;
        let id = draw_name(self.rng.as_ref())?;
        let commitment = secret.fingerprint().commitment(&id, draw.holder, draw.scopes);
        let act = Act::new(draw.verb)
            .with("credential", id.as_str())
            .with("name", draw.holder)
            .with("scopes", draw.scopes)
            .with("commitment", commitment);
        self.note(by, act).await?;
        Ok(Issued { id, secret })
    }

    /// Records an act and folds it in, if the fold has begun; otherwise it will be read with the rest.
    async fn note(&self, by: &Caller, act: Act) -> Result<Receipt> {
        let receipt = self.audit.record(by, act.clone()).await?;
        if let Some(register) = self.register.lock().as_mut() {
            register.apply_act(&act, receipt.recorded_at);
        }
        Ok(receipt)
    }

    async fn bears(&self, commitment: String, id: String) -> Result<bool> {
        self.with_register(move |register| register.bears(&commitment, &id)).await
    }

    async fn with_register<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Register) -> T + Send + 'static,
    ) -> Result<T> {
        if let Some(register) = self.register.lock().as_ref() {
            return Ok(look(register));
        }
        let (register, archive) = (Arc::clone(&self.register), Arc::clone(&self.archive));
        blocking(move || {
            let mut slot = register.lock();
            if slot.is_none() {
                *slot = Some(fold(&archive)?);
            }
            Ok(look(slot.as_ref().expect("the fold was just put there")))
        })
        .await
    }
}

/// What is drawn, and the act that says so.
struct Draw<'d> {
    purpose: Purpose,
    verb: &'static str,
    holder: &'d str,
    scopes: &'d str,
}

/// Folds the ledger, abridged where it can be: what it leaves out says nothing of credentials.
fn fold(archive: &Arc<Archive>) -> Result<Register> {
    let mut register = Register::default();
    let mut tail = archive.ledger_abridged();
    loop {
        let batch = tail.next_batch(FOLD_EVENTS)?;
        if batch.is_empty() {
            return Ok(register);
        }
        for recorded in &batch {
            register.apply(recorded);
        }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Credentials").finish_non_exhaustive()
    }
}
