//! Taking over users of another system, with their ids, times and password hashes (`04-users.md` §7).

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use super::access::Asker;
use super::admin_changes::{move_to, set_password};
use super::changes::taken;
use super::import_entry::{Entry, Proof};
use super::profile::Profile;
use crate::domain::auth::{Email, sign_up};
use crate::domain::error::{Code, Error, Result};
use crate::domain::id::new_id;
use crate::store::data::{AccountRow, UserRow};
use crate::store::{Reader, StoreError, Tx};

/// Bytes of a body.
pub const BODY: usize = 10 * 1024 * 1024;
/// Users of one import.
const MOST: usize = 1_000;
/// Passwords on their way to the pool, which decides how many are hashed at a time.
const AT_ONCE: usize = 8;

/// What becomes of an entry whose id, address or provider identity is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnConflict {
    Skip,
    Update,
    Fail,
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct UserImportReport {
    pub created: usize,
    pub updated: usize,
    pub skipped: usize,
    pub errors: Vec<UserImportFault>,
}

/// An entry that was left out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserImportFault {
    /// Its place in `users`, from 0.
    pub index: usize,
    /// As sent.
    pub email: Option<String>,
    pub code: String,
    pub message: String,
}

/// An entry with its place.
#[derive(Debug, Clone)]
struct Placed {
    index: usize,
    email: Option<String>,
    entry: Entry,
    /// Found to be skipped before its password was hashed.
    skip: bool,
}

enum Done {
    Created,
    Updated,
    Skipped,
}

/// Why nothing is committed.
enum Stop {
    /// `fail` found something.
    Report(UserImportReport),
    Error(Error),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl UserImportReport {
    fn refuse(&mut self, index: usize, email: Option<String>, error: &Error) {
        self.errors.push(UserImportFault { index, email, code: error.code().name.to_owned(), message: error.message().to_owned() });
    }

    fn count(&mut self, done: &Done) {
        match done {
            Done::Created => self.created += 1,
            Done::Updated => self.updated += 1,
            Done::Skipped => self.skipped += 1,
        }
    }
}

impl Asker {
    /// Takes over users in one transaction: faulty entries are left out and reported, `fail` commits nothing if there is
    /// any. No mail is sent, and no policy asked.
    ///
    /// # Errors
    /// 400 `common/invalid-parameters` for a body that is no list of 1–1,000 users.
    pub async fn import(&self, mut body: Map<String, Value>) -> Result<UserImportReport> {
        let on_conflict = on_conflict(body.get("onConflict"))?;
        let Some(Value::Array(users)) = body.remove("users") else { return Err(Error::invalid_parameter("users", "users must be a list")) };
        if !(1..=MOST).contains(&users.len()) {
            return Err(Error::invalid_parameter("users", format!("users must have 1–{MOST} members, not {}", users.len())));
        }
        let mut report = UserImportReport::default();
        let mut entries = Vec::with_capacity(users.len());
        for (index, value) in users.iter().enumerate() {
            let email = value["email"].as_str().map(|text| text.chars().take(320).collect::<String>());
            match Entry::parse(&self.environment, value) {
                Ok(entry) => entries.push(Placed { index, email, entry, skip: false }),
                Err(error) => report.refuse(index, email, &error),
            }
        }
        if on_conflict == OnConflict::Fail && !report.errors.is_empty() {
            return Ok(report);
        }
        let mut entries = self.look_ahead(entries, on_conflict).await?;
        self.hash_all(&mut entries).await?;
        self.commit(entries, on_conflict, report).await
    }

    /// Marks what is going to be skipped, so that nothing is hashed in vain.
    async fn look_ahead(&self, entries: Vec<Placed>, on_conflict: OnConflict) -> Result<Vec<Placed>> {
        if on_conflict != OnConflict::Skip {
            return Ok(entries);
        }
        let entries = Arc::new(entries);
        let looked = Arc::clone(&entries);
        let skipped = self
            .environment
            .data()
            .read::<_, Error, _>(move |r| looked.iter().map(|p| Ok(!known(r, &p.entry)?.is_empty())).collect::<Result<Vec<_>>>())
            .await?;
        let mut entries = Arc::unwrap_or_clone(entries);
        entries.iter_mut().zip(skipped).for_each(|(placed, skip)| placed.skip = skip);
        Ok(entries)
    }

    /// Hashes plain passwords off the request threads and behind those who sign in.
    async fn hash_all(&self, entries: &mut [Placed]) -> Result<()> {
        let plain = entries.iter_mut().filter(|placed| !placed.skip).filter_map(|placed| match &placed.entry.proof {
            Proof::Plain(text) => Some((text.nfc().collect::<String>(), &mut placed.entry.proof)),
            Proof::None | Proof::Hash(_) => None,
        });
        let hashed = stream::iter(plain).map(|(text, proof)| async move {
            *proof = Proof::Hash(self.environment.passwords().hash_in_background(text).await?);
            Ok::<_, Error>(())
        });
        hashed.buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn commit(&self, entries: Vec<Placed>, on_conflict: OnConflict, mut report: UserImportReport) -> Result<UserImportReport> {
        let asker = self.clone();
        let done = self
            .environment
            .data()
            .write::<_, Stop, _>(move |tx| {
                for Placed { index, email, entry, skip } in entries {
                    let outcome = if skip { Ok(Done::Skipped) } else { tx.nested(|tx| asker.take_over(tx, entry, on_conflict)) };
                    match outcome {
                        Ok(done) => report.count(&done),
                        Err(error) if error.code().status >= 500 => return Err(error.into()),
                        Err(error) => report.refuse(index, email, &error),
                    }
                }
                report.errors.sort_by_key(|faulty| faulty.index);
                if on_conflict == OnConflict::Fail && !report.errors.is_empty() {
                    return Err(Stop::Report(UserImportReport { errors: report.errors, ..UserImportReport::default() }));
                }
                if report.created + report.updated > 0 {
                    asker.note_import(tx, &report)?;
                }
                Ok(report)
            })
            .await;
        match done {
            Ok(report) | Err(Stop::Report(report)) => Ok(report),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    fn note_import(&self, tx: &mut Tx<'_>, report: &UserImportReport) -> Result<()> {
        let counts = json!({ "created": report.created, "updated": report.updated, "skipped": report.skipped, "errors": report.errors.len() });
        let name = format!("{} users", report.created + report.updated);
        let metadata = counts.as_object().cloned().unwrap_or_default();
        self.audit_as(tx, "user", "imported", (self.environment.id(), &name), metadata)
    }

    fn take_over(&self, tx: &mut Tx<'_>, entry: Entry, on_conflict: OnConflict) -> Result<Done> {
        let known = known(&tx.reader(), &entry)?;
        if known.is_empty() {
            return self.add(tx, entry).map(|()| Done::Created);
        }
        let conflict = |message: &str| Error::new(Code::IMPORT_CONFLICT, message);
        match on_conflict {
            OnConflict::Skip => Ok(Done::Skipped),
            OnConflict::Fail => Err(conflict("A user with this id, address or provider identity is there already")),
            OnConflict::Update => {
                let ids: Vec<String> = known.into_iter().collect();
                let [id] = &ids[..] else { return Err(conflict("id, address and provider identities belong to different users")) };
                let user = tx.reader().user(id)?.ok_or_else(|| conflict("The user with this id was deleted; it cannot come back"))?;
                self.merge(tx, user, entry).map(|()| Done::Updated)
            }
        }
    }

    fn add(&self, tx: &mut Tx<'_>, entry: Entry) -> Result<()> {
        let now = self.environment.now();
        let (mut profile, created_at) = (Profile::default(), entry.created_at.unwrap_or(now));
        let mut user = UserRow {
            id: entry.id.unwrap_or_else(new_id),
            email: entry.email.map(Email::into_string),
            name: Some(entry.name),
            role: entry.role.unwrap_or_else(|| "user".to_owned()),
            email_verified: entry.verified.and_then(|v| v.since(None, now)),
            created_at,
            updated_at: entry.updated_at.unwrap_or(now),
            ..UserRow::default()
        };
        user.email_verified = user.email_verified.filter(|_| user.email.is_some());
        entry.own.apply(&tx.reader(), &mut user, &mut profile, now)?;
        user.profile = profile.to_json()?;
        tx.insert_user(&user).map_err(taken)?;
        // Who came by a provider alone goes on doing so.
        if entry.by_email || entry.accounts.is_empty() || !matches!(entry.proof, Proof::None) {
            sign_up::add_email_account(tx, &user, created_at)?;
        }
        if let Proof::Hash(hash) = &entry.proof {
            tx.set_password(&user.id, hash, now)?;
        }
        entry.accounts.into_iter().try_for_each(|account| link(tx, &user, account, created_at))
    }

    fn merge(&self, tx: &mut Tx<'_>, before: UserRow, entry: Entry) -> Result<()> {
        let now = self.environment.now();
        let (mut user, mut profile) = (before.clone(), Profile::parse(&before.profile)?);
        entry.own.apply(&tx.reader(), &mut user, &mut profile, now)?;
        user.profile = profile.to_json()?;
        if let Some(email) = entry.email.filter(|email| Some(email.as_str()) != before.email.as_deref()) {
            move_to(tx, self, &mut user, Some(email.into_string()))?;
        }
        if let Some(verified) = entry.verified.filter(|_| user.email.is_some()) {
            user.email_verified = verified.since(user.email_verified, now);
        }
        if let Some(role) = entry.role.filter(|role| *role != before.role) {
            user.role = role;
            self.record(tx, "role_changed", &user.id)?;
        }
        for account in entry.accounts {
            let owner = tx.reader().account(&account.0, &account.1)?;
            if owner.is_none() {
                link(tx, &user, account, now)?;
            }
        }
        if let Proof::Hash(hash) = &entry.proof {
            set_password(tx, self, &user, hash)?;
        }
        user.updated_at = entry.updated_at.unwrap_or(now);
        tx.update_user(&user).map_err(taken)?;
        entry.created_at.map_or(Ok(()), |at| tx.set_user_creation(&user.id, at))?;
        Ok(())
    }
}

/// The users an entry's id, address and provider identities belong to, deleted ones included.
fn known(r: &Reader<'_>, entry: &Entry) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    if let Some(id) = &entry.id {
        ids.extend(r.any_user(id)?.map(|user| user.id));
    }
    if let Some(email) = &entry.email {
        ids.extend(r.user_by_email(email.as_str())?.map(|user| user.id));
    }
    for (provider, identity) in &entry.accounts {
        ids.extend(r.account(provider, identity)?.map(|account| account.user_id));
    }
    Ok(ids)
}

fn link(tx: &mut Tx<'_>, user: &UserRow, (provider, identity): (String, String), at: i64) -> Result<()> {
    if tx.reader().accounts_of(&user.id)?.iter().any(|a| a.provider == provider) {
        return Err(Error::new(Code::IMPORT_CONFLICT, format!("The user has another {provider} account already")));
    }
    tx.insert_account(&AccountRow { id: new_id(), user_id: user.id.clone(), provider, provider_account_id: identity, email: None, connected_at: at })?;
    Ok(())
}

fn on_conflict(value: Option<&Value>) -> Result<OnConflict> {
    match value.map(|v| v.as_str()) {
        None | Some(Some("skip")) => Ok(OnConflict::Skip),
        Some(Some("update")) => Ok(OnConflict::Update),
        Some(Some("fail")) => Ok(OnConflict::Fail),
        Some(_) => Err(Error::invalid_parameter("onConflict", "onConflict must be skip, update or fail")),
    }
}
