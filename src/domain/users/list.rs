//! Lists of users, and finding one by its slug (`04-users.md` §3).

use std::sync::Arc;

use super::access::{Asker, forbidden, not_found};
use super::person::{Person, PublicUser, UserAnswer};
use crate::domain::auth::Visit;
use crate::domain::backend::Backend;
use crate::domain::caller::{Caller, Tenant};
use crate::domain::error::{Error, Result, clip};
use crate::domain::page::{List, Page};
use crate::domain::tenancy::guard::{Need, Role};
use crate::store::data::{UserFilter, UserOrder};

/// Characters of a search.
const SEARCH: usize = 100;

/// Which users are wanted, as text from a query; an empty parameter counts as none.
#[derive(Debug, Clone, Default)]
pub struct UserQuery {
    pub page: Option<String>,
    pub limit: Option<String>,
    pub sort_by: Option<String>,
    pub sort_direction: Option<String>,
    pub search: Option<String>,
    pub search_type: Option<String>,
    pub include_accounts: Option<String>,
    pub role: Option<String>,
    pub provider: Option<String>,
    pub email_verified: Option<String>,
    pub banned: Option<String>,
    pub include_deleted: Option<String>,
}

impl UserQuery {
    /// Reads the parameters from wherever they come.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| get(name).filter(|text| !text.is_empty());
        Self {
            page: get("page"),
            limit: get("limit"),
            sort_by: get("sortBy"),
            sort_direction: get("sortDirection"),
            search: get("search"),
            search_type: get("searchType"),
            include_accounts: get("includeAccounts"),
            role: get("role"),
            provider: get("provider"),
            email_verified: get("emailVerified"),
            banned: get("banned"),
            include_deleted: get("includeDeleted"),
        }
    }

    /// What of a query is for admins.
    fn refuse_for_others(&self) -> Result<()> {
        let is = |value: &Option<String>, word: &str| value.as_deref() == Some(word);
        let set = |value: &Option<String>| value.as_deref().is_some_and(|text| text != "false");
        let refused = [
            ("searchType=email", is(&self.search_type, "email")),
            ("sortBy=email", is(&self.sort_by, "email")),
            ("sortBy=role", is(&self.sort_by, "role")),
            ("includeAccounts", set(&self.include_accounts)),
            ("role", self.role.is_some()),
            ("provider", self.provider.is_some()),
            ("emailVerified", self.email_verified.is_some()),
            ("banned", self.banned.is_some()),
            ("includeDeleted", set(&self.include_deleted)),
        ];
        match refused.into_iter().find(|(_, there)| *there) {
            Some((what, _)) => Err(forbidden(format!("{what} is for admins; leave it out"))),
            None => Ok(()),
        }
    }
}

impl Backend {
    /// A page of the users of an environment, as admins see them.
    ///
    /// # Errors
    /// As [`Backend::tenant_environment`]; 400 `common/invalid-parameters`, `user/invalid-role`.
    pub async fn users(self: &Arc<Self>, tenant: &Tenant, project: &str, environment: &str, query: &UserQuery, page: Page) -> Result<List<UserAnswer>> {
        let environment = self.tenant_environment(tenant, project, environment, Need::read(Role::Member)).await?;
        Asker { environment, caller: Caller::Tenant(tenant.clone()), visit: Visit::default() }.page(query, page).await
    }
}

impl Asker {
    /// A page of users: public fields, or everything for admins.
    ///
    /// # Errors
    /// 401; 403 `user/forbidden` for what only admins may ask; 400 `common/invalid-parameters`, `user/invalid-role`.
    pub async fn list(&self, query: &UserQuery) -> Result<List<UserAnswer>> {
        self.signed_in()?;
        if !self.is_admin() {
            query.refuse_for_others()?;
        }
        self.page(query, Page::parse(query.page.as_deref(), query.limit.as_deref())?).await
    }

    async fn page(&self, query: &UserQuery, page: Page) -> Result<List<UserAnswer>> {
        let for_admin = self.is_admin();
        let (order, ascending) = (order(query.sort_by.as_deref())?, is_ascending(query.sort_direction.as_deref())?);
        let (filter, with_accounts) = (self.filter(query)?, flag("includeAccounts", query.include_accounts.as_deref())?.unwrap_or_default());
        let (environment, base) = (Arc::clone(&self.environment), self.visit.base_url.clone());
        let show = move |person: Person| {
            if !for_admin {
                return UserAnswer::Public(Box::new(person.public()));
            }
            let mut user = person.whole(true);
            user.accounts = user.accounts.filter(|_| with_accounts);
            UserAnswer::Whole(Box::new(user))
        };
        self.environment
            .data()
            .read::<_, Error, _>(move |r| {
                r.snapshot(|| {
                    let (rows, total) = r.users(&filter, order, ascending, page.limit, page.offset)?;
                    let items = rows.into_iter().map(|row| Person::read(r, &environment, row, &base).map(&show)).collect::<Result<_>>()?;
                    Ok(List::new(items, page, total))
                })
            })
            .await
    }

    fn filter(&self, query: &UserQuery) -> Result<UserFilter> {
        let for_admin = self.is_admin();
        if query.search.as_ref().is_some_and(|text| text.chars().count() > SEARCH) {
            return Err(Error::invalid_parameter("search", format!("search has at most {SEARCH} characters")));
        }
        let places = match query.search_type.as_deref() {
            None => (true, true, for_admin),
            Some("name") => (true, false, false),
            Some("nickname") => (false, true, false),
            Some("email") => (false, false, true),
            Some(other) => return Err(Error::invalid_parameter("searchType", format!("searchType must be name, nickname or email, not \"{}\"", clip(other)))),
        };
        let (role, not_roles) = self.roles(query.role.as_deref())?;
        Ok(UserFilter {
            search: query.search.clone(),
            in_name: places.0,
            in_nickname: places.1,
            in_email: places.2,
            role,
            not_roles,
            provider: query.provider.as_deref().map(provider).transpose()?,
            email_verified: flag("emailVerified", query.email_verified.as_deref())?,
            banned: flag("banned", query.banned.as_deref())?,
            now: self.environment.now(),
            with_deleted: flag("includeDeleted", query.include_deleted.as_deref())?.unwrap_or_default(),
            with_anonymous: for_admin,
        })
    }

    /// Who has a role in effect: those whose stored role is no longer declared are users.
    fn roles(&self, role: Option<&str>) -> Result<(Option<String>, Vec<String>)> {
        match role {
            None => Ok((None, Vec::new())),
            Some("user") => {
                let custom = self.environment.auth_config().users.custom_roles.clone();
                Ok((None, custom.into_iter().chain(["admin".to_owned(), "guest".to_owned()]).collect()))
            }
            Some(role) => super::admin_changes::role(&self.environment, &role.into()).map(|role| (Some(role), Vec::new())),
        }
    }

    /// The public fields of a user who is public, by its slug; a key is enough.
    ///
    /// # Errors
    /// 404 `user/not-found`.
    pub async fn by_slug(&self, slug: &str) -> Result<PublicUser> {
        let (environment, slug, base) = (Arc::clone(&self.environment), slug.to_ascii_lowercase(), self.visit.base_url.clone());
        self.environment
            .data()
            .read::<_, Error, _>(move |r| {
                let row = r.user_by_slug(&slug)?.filter(|user| user.is_public).ok_or_else(not_found)?;
                Ok(Person::read(r, &environment, row, &base)?.public())
            })
            .await
    }
}

fn order(text: Option<&str>) -> Result<UserOrder> {
    match text {
        None | Some("createdAt") => Ok(UserOrder::CreatedAt),
        Some("updatedAt") => Ok(UserOrder::UpdatedAt),
        Some("name") => Ok(UserOrder::Name),
        Some("email") => Ok(UserOrder::Email),
        Some("role") => Ok(UserOrder::Role),
        Some(other) => {
            let message = format!("sortBy must be createdAt, updatedAt, name, email or role, not \"{}\"", clip(other));
            Err(Error::invalid_parameter("sortBy", message))
        }
    }
}

fn is_ascending(text: Option<&str>) -> Result<bool> {
    match text {
        None | Some("desc") => Ok(false),
        Some("asc") => Ok(true),
        Some(other) => Err(Error::invalid_parameter("sortDirection", format!("sortDirection must be asc or desc, not \"{}\"", clip(other)))),
    }
}

/// A parameter that is `true` or `false`.
pub fn flag(name: &str, text: Option<&str>) -> Result<Option<bool>> {
    match text {
        None | Some("") => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(other) => Err(Error::invalid_parameter(name, format!("{name} must be true or false, not \"{}\"", clip(other)))),
    }
}

fn provider(text: &str) -> Result<String> {
    if matches!(text, "email" | "google" | "github") {
        return Ok(text.to_owned());
    }
    Err(Error::invalid_parameter("provider", format!("provider must be email, google or github, not \"{}\"", clip(text))))
}
