//! The command line: what can be typed, and the help that explains it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::completions::{environments, keys, projects, tables};
use super::{docs, env, key, login_link, mail, mcp, project, serve, status, table, token};

#[derive(Debug, Parser)]
#[command(
    name = "bkend-local",
    version,
    about = "A whole backend on your own machine: one program, one port, one folder",
    after_help = "Example:\n  bkend-local serve                 serve the folder you are in on http://localhost:4300\n  bkend-local status                see what is there\n\n\
                  Exit codes: 0 done, 1 unexpected, 2 usage or configuration, 3 not found, 4 not permitted, 5 refused,\n6 data, 7 data directory in use or not usable, 8 network, 130/143 interrupted."
)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags that every command takes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Global flags")]
pub struct Globals {
    /// The server's data [env: BKEND_DATA_DIR] [default: .bkend beside bkend.toml, else ./.bkend]
    #[arg(long, global = true, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
    /// Configuration file [env: BKEND_CONFIG] [default: nearest bkend.toml upwards to the repository root or home]
    // Without a value it is `doctor --config`, the only command for which that means something.
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, default_missing_value = "", value_hint = clap::ValueHint::FilePath)]
    pub config: Option<OsString>,
    /// Act on the server at this address; needs --token [env: BKEND_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Personal access token for --url; - reads it from stdin [env: BKEND_TOKEN]
    #[arg(long, global = true, value_name = "PAT")]
    pub token: Option<String>,
    /// Project, by slug or id [env: BKEND_PROJECT] [default: the only project]
    #[arg(long, global = true, value_name = "SLUG", add = ArgValueCompleter::new(projects))]
    pub project: Option<String>,
    /// Environment, by name or id [env: BKEND_ENV] [default: dev]
    #[arg(long, global = true, value_name = "NAME", add = ArgValueCompleter::new(environments))]
    pub env: Option<String>,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Answer confirmations with yes; does not replace --confirm NAME
    #[arg(short = 'y', long, global = true)]
    pub yes: bool,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Tell more about what is done
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// No colours, also set by NO_COLOR
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Seconds to wait for a server's answer [default: 30]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a data directory until Ctrl+C
    Serve(Box<serve::Serve>),
    /// Show what runs and what it holds
    Status(status::Status),
    /// Make a link that signs a developer in to the console, once
    LoginLink(login_link::LoginLink),
    /// Personal access tokens for /mcp, /management/v1 and --token
    #[command(subcommand)]
    Token(token::Token),
    /// API keys of an environment
    #[command(subcommand)]
    Key(key::Key),
    /// Projects
    #[command(subcommand)]
    Project(project::Project),
    /// Environments of a project
    #[command(subcommand)]
    Env(env::Env),
    /// Mail an environment has sent, with its links and codes
    #[command(subcommand)]
    Mail(mail::Mail),
    /// Tables of an environment
    #[command(subcommand)]
    Table(table::Table),
    /// Speak MCP on stdin and stdout; with install: connect AI tools
    Mcp(mcp::Mcp),
    /// The manual: search, show, list
    #[command(subcommand)]
    Docs(docs::Docs),
    /// With --config: print each setting, its value and where it comes from
    #[command(after_help = "Example:\n  bkend-local doctor --config")]
    Doctor,
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  bkend-local completions bash > ~/.local/share/bash-completion/completions/bkend-local\n  bkend-local completions zsh  > ~/.zfunc/_bkend-local"
    )]
    Completions { shell: Shell },
    /// Print version, commit, build date and data format
    #[command(after_help = "Example:\n  bkend-local version --json")]
    Version,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

/// `--confirm NAME`, for what cannot be undone.
#[derive(Debug, Args)]
pub struct Confirm {
    /// The name again; without a terminal to ask on, required
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
}

/// The name of an existing key.
#[derive(Debug, Args)]
pub struct KeyName {
    /// Name or id of the key
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(keys))]
    pub name: String,
}

/// The name of an existing table.
#[derive(Debug, Args)]
pub struct TableName {
    /// Name of the table; letter case counts
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(tables))]
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_is_parsed() {
        let lines = [
            "serve --port 0 --host ::1 --host 127.0.0.1 --public-url http://x --allow-host a --trust-proxy 10.0.0.0/8 --ephemeral --open",
            "serve --ready-file f --log-format json --log-level warn --no-log-requests --no-secrets",
            "status --dotenv next --wait 3",
            "status --dotenv --json",
            "login-link --email a@b.c --open",
            "token create ci --scope read --expires never --org o --project-only --allow-prod",
            "token list",
            "token revoke x",
            "key create k --type secret --scopes posts:read,*:list --expires 3d",
            "key adopt k --type publishable",
            "key list --env prod",
            "key delete k --confirm k",
            "project list",
            "project create n --slug s --description d --org o",
            "project show",
            "project delete s --confirm n",
            "env list",
            "env create n --type custom",
            "env create n --from dev --schema-only",
            "env clone dev n --no-data --no-users --no-files",
            "env snapshot n --no-files",
            "env snapshots",
            "env restore i --confirm dev --no-snapshot",
            "env reset --confirm dev --keep-users --schema --no-snapshot",
            "env compare a b --exit-code",
            "env promote a b --tables x,y --parts schema,auth --dry-run --allow-destructive",
            "env delete n --confirm n",
            "mail list --to a@b.c --template magic_link",
            "mail latest --wait 3 --json",
            "table list",
            "table spec t",
            "table openapi t",
            "table apply f --dry-run --allow-destructive",
            "table delete t --confirm t",
            "mcp --org o --read-only",
            "mcp install",
            "mcp install claude-code --scope user --name n --stdio --print",
            "mcp install vscode --remove",
            "doctor --config",
            "docs search reset a password --lang ko --limit 2",
            "docs show 11-mfa",
            "docs list --json",
            "docs eval f --min en.hit1=0.7,ko.mrr=0.8",
            "completions zsh",
            "version",
            "--data-dir d --config f --url u --token - --project p --env e --json -y -q --no-color --timeout 3 status",
        ];
        for line in lines {
            Cli::try_parse_from(std::iter::once("bkend-local").chain(line.split(' '))).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
    }

    #[test]
    fn help_at_every_level_has_an_example() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{} has no example", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
