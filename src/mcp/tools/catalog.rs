//! Every tool: what it is called, says of itself, takes, answers and needs (`01-mcp.md` §4.4, §4.6).

use super::argument::{Argument, Kind};
use super::shape::{Shape, Thing};
use crate::mcp::narrowing::ToolGroup;

/// One tool.
#[derive(Debug)]
pub struct Tool {
    pub name: &'static str,
    pub title: &'static str,
    /// What a model reads.
    pub description: &'static str,
    pub group: ToolGroup,
    /// The scope a connection must have; `None`: none.
    pub scope: Option<&'static str>,
    pub hints: Hints,
    pub arguments: &'static [&'static [Argument]],
    /// What `body` is, where arguments are published inside one.
    pub body: &'static str,
    /// Other names of arguments and the ones they stand for.
    pub synonyms: &'static [(&'static str, &'static str)],
    pub answer: Shape,
}

/// What clients are told about the effects of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    /// Changes nothing.
    Reads,
    Adds,
    /// Adds or changes; repeating it changes nothing more.
    Sets,
    Destroys,
    /// Overwrites; repeating it changes nothing more.
    Overwrites,
}

impl Hints {
    pub fn read_only(self) -> bool {
        self == Self::Reads
    }

    pub fn destructive(self) -> bool {
        matches!(self, Self::Destroys | Self::Overwrites)
    }

    pub fn idempotent(self) -> bool {
        matches!(self, Self::Reads | Self::Sets | Self::Overwrites)
    }
}

impl Tool {
    /// Every argument it understands.
    pub fn all_arguments(&self) -> impl Iterator<Item = &'static Argument> {
        self.arguments.iter().copied().flatten()
    }

    pub fn argument(&self, name: &str) -> Option<&'static Argument> {
        self.all_arguments().find(|argument| argument.name == name)
    }

    /// Whether it works on records, where nothing is guessed.
    pub fn is_strict(&self) -> bool {
        self.name.starts_with("backend_data_")
    }

    /// The tool of a name, older names included.
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = OLDER.iter().find(|(older, _)| *older == name).map_or(name, |(_, now)| *now);
        TOOLS.iter().find(|tool| tool.name == name)
    }
}

/// Names of the documentation that searched for one page each: callable, not listed.
pub const PAGE_TOOLS: [&str; 6] =
    ["1_concepts", "2_tutorial", "3_howto_implement_auth", "4_howto_implement_data_crud", "6_code_examples_auth", "7_code_examples_data"];

/// Earlier names: callable, not listed.
const OLDER: &[(&str, &str)] = &[
    ("0_get_context", "get_context"),
    ("5_get_operation_schema", "get_operation_schema"),
    ("1_concepts", "search_docs"),
    ("2_tutorial", "search_docs"),
    ("3_howto_implement_auth", "search_docs"),
    ("4_howto_implement_data_crud", "search_docs"),
    ("6_code_examples_auth", "search_docs"),
    ("7_code_examples_data", "search_docs"),
    ("backend_schema_rollback", "backend_schema_version_apply"),
    ("backend_schema_version_rollback", "backend_schema_version_apply"),
    ("backend_index_rollback", INDEX_ROLLBACK),
];

/// Not listed: the way back for indexes, which only an older name offers.
pub const INDEX_ROLLBACK: &str = "backend_index_version_apply";

use Argument as A;
use Kind::{Any, Definition, Flag, Names, Object, Objects, Text, Texts, Whole, Word};

/// Synonyms every tool understands.
pub const EVERYWHERE: &[(&str, &str)] = &[("orgId", "organizationId"), ("envId", "environmentId")];
const VERSION: &[(&str, &str)] = &[("version", "versionId"), ("targetVersion", "versionId")];
const RECORD: &[(&str, &str)] = &[("id", "recordId")];

const ORGANIZATION: &[A] = &[A::older("organizationId", Text)];
const PAGE: &[A] = &[A::new("page", Whole, "From 1"), A::new("limit", Whole, "To 100")];
/// Of lists that fit one page as a rule: understood, not published.
const SHORT: &[A] = &[A::older("page", Whole), A::older("limit", Whole)];
const IN_PROJECT: &[A] = &[A::new("projectId", Text, "ID or slug")];
const FILTER: &[A] = &[A::new("projectId", Text, "ID or slug"), A::new("environment", Text, "Name or ID"), A::older("environmentId", Text)];
const ENVIRONMENT: &[A] = &[A::new("environmentId", Text, "Or the next two"), A::new("projectId", Text, "ID or slug"), A::new("environment", Text, "Name")];
const TABLE: &[A] = &[
    A::new("tableId", Text, "Or the next three"),
    A::new("projectId", Text, "ID or slug"),
    A::new("environment", Text, "Name or ID"),
    A::new("tableName", Text, "Name"),
    A::older("environmentId", Text),
];
const VERSION_ID: &[A] = &[A::new("versionId", Text, "Number or ID").required()];
/// Of a call that takes longer.
const JOB: A = A::new("jobId", Text, "Wait on for it");
const RECORD_ID: &[A] = &[A::new("recordId", Text, "ID").required()];

const fn tool(name: &'static str, title: &'static str, description: &'static str) -> Tool {
    Tool { name, title, description, group: ToolGroup::Core, scope: None, hints: Hints::Reads, arguments: &[], body: "", synonyms: &[], answer: Shape::Text }
}

const fn project(hints: Hints, scope: &'static str, tool: Tool) -> Tool {
    Tool { group: ToolGroup::Project, hints, scope: Some(scope), ..tool }
}

const fn schema(hints: Hints, scope: &'static str, tool: Tool) -> Tool {
    Tool { group: ToolGroup::Schema, ..project(hints, scope, tool) }
}

const fn data(hints: Hints, scope: &'static str, tool: Tool) -> Tool {
    Tool { group: ToolGroup::Data, ..project(hints, scope, tool) }
}

const fn local(hints: Hints, scope: &'static str, tool: Tool) -> Tool {
    Tool { group: ToolGroup::Local, ..project(hints, scope, tool) }
}

/// Every listed tool, in the order of the list, and behind them what only older names reach.
pub static TOOLS: &[Tool] = &[
    tool(
        "get_context",
        "Session context",
        "Call first in every session. Returns organization ID, REST base URL, how to find IDs, rules for generated code, and current projects and tables.",
    ),
    Tool {
        arguments: &[&[
            A::new("query", Text, "Task, or page ID").required(),
            A::new("limit", Whole, "1 to 5 pages"),
            A::new("lang", Word(&["en", "ko"]), "Language"),
        ]],
        ..tool(
            "search_docs",
            "Search docs",
            "Search the bkend guides (auth, storage, data, permissions, examples), or fetch a page by ID. Use before writing app code.",
        )
    },
    Tool {
        arguments: &[&[A::new("operation", Text, "Tool name").required(), A::new("schemaType", Word(&["input", "output", "both"]), "Default output")]],
        answer: Shape::One(Thing::OperationSchema),
        ..tool("get_operation_schema", "Tool schema", "Show the exact input or output JSON Schema of one tool.")
    },
    Tool {
        answer: Shape::List(Thing::Organization),
        ..project(Hints::Reads, "organization:read", tool("backend_org_list", "List organizations", "List organizations this connection can use."))
    },
    Tool {
        arguments: &[&[A::new("organizationId", Text, "ID").required()]],
        answer: Shape::One(Thing::Organization),
        ..project(Hints::Reads, "organization:read", tool("backend_org_get", "Get organization", "Get one organization."))
    },
    Tool {
        arguments: &[&[A::new("organizationId", Text, "Optional")], SHORT],
        answer: Shape::List(Thing::Project),
        ..project(
            Hints::Reads,
            "project:read",
            tool("backend_project_list", "List projects", "List the organization's projects: IDs, settings, how many environments."),
        )
    },
    Tool {
        arguments: &[&[A::new("projectId", Text, "ID or slug").required()], ORGANIZATION],
        answer: Shape::One(Thing::Project),
        ..project(Hints::Reads, "project:read", tool("backend_project_get", "Get project", "Get one project with its environments."))
    },
    Tool {
        body: "The project",
        arguments: &[&[
            A::new("name", Text, "Name").required().in_body(),
            A::new("slug", Text, "Default: from the name").in_body(),
            A::new("organizationId", Text, "Optional").in_body(),
            A::new("primaryCloud", Text, "Label: aws, gcp, azu").in_body(),
            A::new("primaryRegion", Text, "Label").in_body(),
            A::new("description", Text, "Text").in_body(),
        ]],
        synonyms: &[("region", "primaryRegion"), ("cloud", "primaryCloud")],
        answer: Shape::One(Thing::Project),
        ..project(
            Hints::Adds,
            "project:create",
            tool("backend_project_create", "Create project", "Create a project. A dev environment and its publishable key are created with it."),
        )
    },
    Tool {
        body: "What to change",
        arguments: &[
            &[
                A::new("projectId", Text, "ID or slug").required(),
                A::new("name", Text, "New name").in_body(),
                A::new("slug", Text, "New slug").in_body(),
                A::new("description", Text, "New text").nullable().in_body(),
                A::new("settings", Object, "responseEnvelope, requestLogBodies, dataRateLimit").in_body(),
            ],
            ORGANIZATION,
        ],
        answer: Shape::One(Thing::Project),
        ..project(Hints::Sets, "project:update", tool("backend_project_update", "Update project", "Change a project's name, slug, description or settings."))
    },
    Tool {
        arguments: &[&[A::new("projectId", Text, "ID or slug").required()], ORGANIZATION],
        answer: Shape::Deleted,
        ..project(
            Hints::Destroys,
            "project:delete",
            tool("backend_project_delete", "Delete project", "Permanently delete a project with all environments, tables, users and files."),
        )
    },
    Tool {
        arguments: &[IN_PROJECT, SHORT, ORGANIZATION, &[A::older("environment", Text)]],
        answer: Shape::List(Thing::Environment),
        ..project(Hints::Reads, "environment:read", tool("backend_env_list", "List environments", "List environments; filter by project."))
    },
    Tool {
        arguments: &[ENVIRONMENT, ORGANIZATION],
        answer: Shape::One(Thing::Environment),
        ..project(Hints::Reads, "environment:read", tool("backend_env_get", "Get environment", "Get one environment with its table count."))
    },
    Tool {
        body: "The environment",
        arguments: &[
            &[
                A::new("projectId", Text, "ID or slug").required().in_body(),
                A::new("environment", Text, "Name").required().in_body(),
                A::new("environmentType", Word(&["dev", "staging", "prod", "custom"]), "Default: from the name").in_body(),
            ],
            ORGANIZATION,
        ],
        synonyms: &[("name", "environment"), ("type", "environmentType")],
        answer: Shape::One(Thing::Environment),
        ..project(
            Hints::Adds,
            "environment:create",
            tool("backend_env_create", "Create environment", "Add an environment (dev, staging, prod or custom) to a project."),
        )
    },
    Tool {
        arguments: &[ENVIRONMENT, ORGANIZATION],
        answer: Shape::Deleted,
        ..project(
            Hints::Destroys,
            "environment:delete",
            tool("backend_env_delete", "Delete environment", "Permanently delete an environment and everything in it."),
        )
    },
    Tool {
        arguments: &[FILTER, SHORT, ORGANIZATION],
        answer: Shape::List(Thing::Token),
        ..project(
            Hints::Reads,
            "access-token:read",
            tool("backend_access_token_list", "List access tokens", "List API keys and your personal access tokens without their values."),
        )
    },
    Tool {
        arguments: &[&[A::new("accessTokenId", Text, "ID").required()], ORGANIZATION],
        synonyms: &[("tokenId", "accessTokenId"), ("id", "accessTokenId")],
        answer: Shape::One(Thing::Token),
        ..project(
            Hints::Reads,
            "access-token:read",
            tool("backend_access_token_get", "Get access token", "Get one API key or personal access token without its value."),
        )
    },
    Tool {
        arguments: &[FILTER, &[A::new("full", Flag, "Whole schemas")], PAGE, ORGANIZATION],
        answer: Shape::List(Thing::TableEntry),
        ..schema(
            Hints::Reads,
            "table:read",
            tool("backend_table_list", "List tables", "List tables (IDs, fields, number of records), optionally of one project or environment."),
        )
    },
    Tool {
        arguments: &[TABLE, ORGANIZATION],
        answer: Shape::One(Thing::Table),
        ..schema(
            Hints::Reads,
            "table:read",
            tool("backend_table_get", "Get table", "Get a table's schema, indexes, permissions, record count and REST endpoint."),
        )
    },
    Tool {
        body: "The table",
        arguments: &[
            &[
                A::new("projectId", Text, "ID or slug").required().in_body(),
                A::new("environment", Text, "Name or ID").required().in_body(),
                A::new("tableName", Text, "Name").required().in_body(),
                A::new("schema", Definition, "{ title: { bsonType: \"string\", required: true, unique: true } }").in_body(),
                A::new("displayName", Text, "Label").in_body(),
                A::new("description", Text, "Text").in_body(),
                A::new("permissions", Object, "{ user: { create: true }, self: { update: true } }").nullable().in_body(),
                A::new("indexes", Objects, "[{ fields: { f: 1 }, unique }]").in_body(),
                A::new("additionalFields", Flag, "Take undeclared fields; default true").in_body(),
            ],
            &[
                A::older("environmentId", Text),
                A::older("expressionPermissions", Object),
                A::older("columnPermissions", Object),
                A::older("rowFilters", Objects),
                A::older("rowFilterScope", Text),
            ],
            ORGANIZATION,
        ],
        synonyms: &[("name", "tableName"), ("fields", "schema")],
        answer: Shape::One(Thing::Table),
        ..schema(
            Hints::Adds,
            "table:create",
            tool(
                "backend_table_create",
                "Create table",
                "Create a table; its REST endpoint works at once. Do not declare id, createdBy, createdAt, updatedAt.",
            ),
        )
    },
    Tool {
        body: "What to change; a part replaces the stored one",
        arguments: &[
            TABLE,
            &[
                A::new("displayName", Text, "Label").nullable().in_body(),
                A::new("description", Text, "Text").nullable().in_body(),
                A::new("permissions", Object, "Whole matrix").nullable().in_body(),
                A::new("expressionPermissions", Object, "{ update: \"self\" }").nullable().in_body(),
                A::new("columnPermissions", Object, "{ field: { read } }").nullable().in_body(),
                A::new("rowFilters", Objects, "[{ expression, filter }]").nullable().in_body(),
                A::new("rowFilterScope", Word(&["list", "all"]), "Default list").nullable().in_body(),
            ],
            ORGANIZATION,
        ],
        answer: Shape::One(Thing::Table),
        ..schema(
            Hints::Sets,
            "table:update",
            tool("backend_table_update", "Update table", "Change display name, description or permissions. Fields: backend_field_manage."),
        )
    },
    Tool {
        arguments: &[TABLE, ORGANIZATION],
        answer: Shape::Deleted,
        ..schema(Hints::Destroys, "table:delete", tool("backend_table_delete", "Delete table", "Permanently delete a table and its records."))
    },
    Tool {
        body: "All or nothing",
        arguments: &[
            TABLE,
            &[
                A::new("fieldsToAddOrUpdate", Definition, "{ price: { bsonType: \"double\", minimum: 0 } }; merged into existing").in_body(),
                A::new("fieldsToRemove", Texts, "Names").in_body(),
                A::new("requiredFieldsToAdd", Texts, "Names").in_body(),
                A::new("requiredFieldsToRemove", Texts, "Names").in_body(),
                A::new("fieldsToRename", Object, "{ old: \"new\" }").in_body(),
                A::new("additionalFields", Flag, "Take undeclared fields").in_body(),
                A::new("backfill", Flag, "Write defaults into existing records").in_body(),
                A::new("keepData", Flag, "Keep values of removed fields").in_body(),
                A::new("dryRun", Flag, "Only tell what would happen").in_body(),
            ],
            &[A::older("action", Text), A::older("field", Definition), A::older("fields", Definition)],
            ORGANIZATION,
        ],
        answer: Shape::One(Thing::FieldChange),
        ..schema(
            Hints::Destroys,
            "table:update",
            tool("backend_field_manage", "Manage fields", "Add, change or remove fields; makes a new schema version. Removing a field removes its data."),
        )
    },
    Tool {
        body: "All or nothing",
        arguments: &[
            TABLE,
            &[
                A::new("indexesToAddOrUpdate", Objects, "[{ name, fields: { f: -1 }, unique, sparse }]").in_body(),
                A::new("indexesToRemove", Texts, "Names").in_body(),
            ],
            &[A::older("action", Text), A::older("index", Definition), A::older("indexes", Definition), A::older("dryRun", Flag)],
            ORGANIZATION,
        ],
        answer: Shape::One(Thing::IndexChange),
        ..schema(Hints::Sets, "table:update", tool("backend_index_manage", "Manage indexes", "Add, replace or drop indexes; makes a new index version."))
    },
    Tool {
        arguments: &[TABLE, SHORT, ORGANIZATION],
        answer: Shape::List(Thing::SchemaVersion),
        ..schema(Hints::Reads, "table:read", tool("backend_schema_version_list", "List schema versions", "List a table's schema history."))
    },
    Tool {
        arguments: &[TABLE, VERSION_ID, ORGANIZATION],
        synonyms: VERSION,
        answer: Shape::One(Thing::SchemaVersion),
        ..schema(Hints::Reads, "table:read", tool("backend_schema_version_get", "Get schema version", "Get one schema version in full."))
    },
    Tool {
        arguments: &[TABLE, VERSION_ID, ORGANIZATION, &[A::older("dryRun", Flag)]],
        synonyms: VERSION,
        answer: Shape::One(Thing::FieldChange),
        ..schema(
            Hints::Destroys,
            "table:update",
            tool("backend_schema_version_apply", "Roll back schema", "Copy an older schema version into a new current one."),
        )
    },
    Tool {
        arguments: &[TABLE, SHORT, ORGANIZATION],
        answer: Shape::List(Thing::IndexVersion),
        ..schema(Hints::Reads, "table:read", tool("backend_index_version_list", "List index versions", "List a table's index history."))
    },
    Tool {
        arguments: &[TABLE, VERSION_ID, ORGANIZATION],
        synonyms: VERSION,
        answer: Shape::One(Thing::IndexVersion),
        ..schema(Hints::Reads, "table:read", tool("backend_index_version_get", "Get index version", "Get one index version in full."))
    },
    Tool {
        arguments: &[
            TABLE,
            PAGE,
            &[
                A::new("sortBy", Names, "Fields"),
                A::new("sortDirection", Text, "asc or desc"),
                A::new("andFilters", Definition, "{ price: { $gte: 5 } }"),
                A::new("orFilters", Definition, "One holds"),
                A::new("search", Text, "Text"),
                A::new("searchType", Names, "Fields to search"),
                A::new("select", Names, "Fields to return"),
                A::new("include", Names, "authorId, userId:users"),
                A::new("cursor", Text, "Empty, then nextCursor"),
                A::new("groupBy", Names, "Figures by fields; dates: createdAt:month"),
                A::new("sum", Names, "Fields"),
                A::new("avg", Names, "Fields"),
                A::new("min", Names, "Fields"),
                A::new("max", Names, "Fields"),
                A::new("distinct", Names, "Fields"),
            ],
            &[A::older("filter", Definition), A::older("sort", Any), A::older("offset", Whole), A::older("skip", Whole), A::older("fields", Names)],
            ORGANIZATION,
        ],
        answer: Shape::List(Thing::Record),
        ..data(
            Hints::Reads,
            "table:data:read",
            tool("backend_data_list", "List records", "Query records with filters, sorting and paging; ignores table permissions."),
        )
    },
    Tool {
        arguments: &[TABLE, RECORD_ID, ORGANIZATION, &[A::older("select", Names), A::older("include", Names)]],
        synonyms: RECORD,
        answer: Shape::One(Thing::Record),
        ..data(Hints::Reads, "table:data:read", tool("backend_data_get", "Get record", "Get one record by ID."))
    },
    Tool {
        arguments: &[TABLE, &[A::new("data", Definition, "Fields").required()], ORGANIZATION],
        answer: Shape::One(Thing::Record),
        ..data(Hints::Adds, "table:data:create", tool("backend_data_create", "Create record", "Create one record. For several, use backend_data_seed."))
    },
    Tool {
        arguments: &[TABLE, RECORD_ID, &[A::new("data", Definition, "Changes").required()], ORGANIZATION],
        synonyms: RECORD,
        answer: Shape::One(Thing::Record),
        ..data(Hints::Overwrites, "table:data:update", tool("backend_data_update", "Update record", "Change the given fields of a record."))
    },
    Tool {
        arguments: &[TABLE, RECORD_ID, ORGANIZATION],
        synonyms: RECORD,
        answer: Shape::Deleted,
        ..data(Hints::Destroys, "table:data:delete", tool("backend_data_delete", "Delete record", "Permanently delete a record."))
    },
    Tool {
        arguments: &[
            ENVIRONMENT,
            &[
                A::new("type", Word(&["publishable", "secret"]), "Default publishable"),
                A::new("name", Text, "Label"),
                A::new("scopes", Texts, "table:operation"),
                A::new("expiresAt", Text, "ISO time"),
            ],
            ORGANIZATION,
        ],
        answer: Shape::One(Thing::Token),
        ..local(
            Hints::Adds,
            "access-token:create",
            tool("backend_api_key_create", "Create API key", "Create a publishable or secret API key; the value is shown once."),
        )
    },
    Tool {
        arguments: &[
            ENVIRONMENT,
            &[
                A::new("mailId", Text, "One mail"),
                A::new("to", Text, "Address"),
                A::new("template", Text, "magic_link …"),
                A::new("since", Text, "ISO time"),
                A::new("wait", Whole, "Seconds, at most 30"),
            ],
            PAGE,
            ORGANIZATION,
        ],
        synonyms: &[("id", "mailId"), ("email", "to")],
        answer: Shape::List(Thing::Mail),
        ..local(
            Hints::Reads,
            "mail:read",
            tool("backend_mail_list", "Read local mailbox", "Read mail the app sent (magic links, verification, reset, invitations) with its link and code."),
        )
    },
    Tool {
        arguments: &[ENVIRONMENT, &[A::new("search", Text, "Part of name, nickname or email"), A::new("role", Text, "admin, user …")], PAGE, ORGANIZATION],
        synonyms: &[("email", "search"), ("query", "search")],
        answer: Shape::List(Thing::User),
        ..local(Hints::Reads, "user:read", tool("backend_user_list", "List app users", "List or search the app's end users."))
    },
    Tool {
        arguments: &[
            ENVIRONMENT,
            &[
                A::new("requestId", Text, "One, with bodies and decision"),
                A::new("method", Text, "GET …"),
                A::new("path", Text, "Part of it"),
                A::new("status", Text, "404, or 4xx"),
                A::new("since", Text, "ISO time"),
            ],
            PAGE,
            ORGANIZATION,
        ],
        synonyms: &[("id", "requestId")],
        answer: Shape::List(Thing::Request),
        ..local(Hints::Reads, "log:read", tool("backend_request_log", "Read request log", "Show recent REST calls of the app and why they failed."))
    },
    Tool {
        arguments: &[
            ENVIRONMENT,
            &[
                A::new("tables", Definition, "{ posts: [records] }; { $ref: \"users.0\" } = id of that record").required(),
                A::new("mode", Word(&["insert", "upsert", "replace"]), "replace empties the tables first"),
                A::new("key", Any, "To match on; default id"),
            ],
            ORGANIZATION,
        ],
        answer: Shape::One(Thing::Seeded),
        ..local(
            Hints::Destroys,
            "table:data:create",
            tool("backend_data_seed", "Seed records", "Insert, upsert or replace records of several tables at once, all or nothing."),
        )
    },
    Tool {
        arguments: &[ENVIRONMENT, &[A::new("name", Text, "Label"), A::new("list", Flag, "List"), JOB], SHORT, ORGANIZATION],
        answer: Shape::One(Thing::Snapshot),
        ..local(
            Hints::Adds,
            "environment:create",
            tool("backend_env_snapshot", "Snapshot environment", "Save the state of an environment, or list saved states."),
        )
    },
    Tool {
        arguments: &[ENVIRONMENT, &[A::new("source", Text, "snapshot:{id}, environment:{name}, or empty").required(), JOB], ORGANIZATION],
        answer: Shape::One(Thing::Restored),
        ..local(
            Hints::Destroys,
            "environment:delete",
            tool(
                "backend_env_restore",
                "Restore environment",
                "Replace an environment's content by a snapshot, by a copy of another environment, or by nothing.",
            ),
        )
    },
    Tool {
        group: ToolGroup::Schema,
        hints: Hints::Destroys,
        scope: Some("table:update"),
        arguments: &[TABLE, VERSION_ID, ORGANIZATION, &[A::older("dryRun", Flag)]],
        synonyms: VERSION,
        answer: Shape::One(Thing::IndexChange),
        ..tool(INDEX_ROLLBACK, "Roll back indexes", "Copy an older index version into a new current one.")
    },
];

/// The tools `tools/list` shows, before narrowing.
pub fn listed() -> impl Iterator<Item = &'static Tool> {
    TOOLS.iter().filter(|tool| tool.name != INDEX_ROLLBACK)
}
