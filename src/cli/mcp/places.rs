//! Where AI tools keep their configuration, and which of them are on this machine.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use etcetera::BaseStrategy as _;

use crate::cli::context::Context;
use crate::cli::exit::{Failure, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    Vscode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// The folder of the project; for everybody who works in it
    Project,
    /// The person's own configuration
    User,
}

/// Where an entry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    /// Claude Code's own command, which knows its file.
    ClaudeCommand,
}

impl Tool {
    pub const ALL: [Self; 4] = [Self::ClaudeCode, Self::ClaudeDesktop, Self::Cursor, Self::Vscode];

    /// As typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Cursor => "cursor",
            Self::Vscode => "vscode",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cursor => "Cursor",
            Self::Vscode => "VS Code",
        }
    }

    /// The member that holds the servers.
    pub fn member(self) -> &'static str {
        if self == Self::Vscode { "servers" } else { "mcpServers" }
    }

    /// Whether its files may have comments and trailing commas.
    pub fn reads_comments(self) -> bool {
        matches!(self, Self::Vscode | Self::Cursor)
    }

    /// What to do once the entry is there.
    pub fn next_step(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Restart Claude Code, then sign in: /mcp",
            Self::ClaudeDesktop => "Quit and start Claude Desktop; it needs no sign-in",
            Self::Cursor => "Open Cursor's settings under MCP, switch the server on and sign in",
            Self::Vscode => "Run \"MCP: List Servers\" in VS Code, start the server and sign in",
        }
    }

    /// Where its entry for this scope is.
    ///
    /// # Errors
    /// When the tool has no such scope, or nobody's home can be found.
    pub fn place(self, context: &Context, scope: Option<Scope>) -> Result<Place> {
        let project = |file: &str| Ok(Place::File(project_folder(context)?.join(file)));
        match (self, scope.unwrap_or(Scope::Project)) {
            (Self::ClaudeDesktop, _) if scope == Some(Scope::Project) => {
                Err(Failure::usage("Claude Desktop has no configuration per project; use --scope user, or leave it out"))
            }
            (Self::ClaudeDesktop, _) => Ok(Place::File(settings()?.join("Claude").join("claude_desktop_config.json"))),
            (Self::ClaudeCode, Scope::Project) => project(".mcp.json"),
            (Self::ClaudeCode, Scope::User) => Ok(Place::ClaudeCommand),
            (Self::Cursor, Scope::Project) => project(".cursor/mcp.json"),
            (Self::Cursor, Scope::User) => Ok(Place::File(home()?.join(".cursor").join("mcp.json"))),
            (Self::Vscode, Scope::Project) => project(".vscode/mcp.json"),
            (Self::Vscode, Scope::User) => Ok(Place::File(settings()?.join("Code").join("User").join("mcp.json"))),
        }
    }

    /// Whether the tool seems to be on this machine.
    pub fn is_here(self) -> bool {
        let (home, settings) = (home().unwrap_or_default(), settings().unwrap_or_default());
        let runs = |program: &str| which::which(program).is_ok();
        match self {
            Self::ClaudeCode => runs("claude") || home.join(".claude.json").is_file() || home.join(".claude").is_dir(),
            Self::ClaudeDesktop => settings.join("Claude").is_dir(),
            Self::Cursor => runs("cursor") || home.join(".cursor").is_dir(),
            Self::Vscode => runs("code") || settings.join("Code").is_dir(),
        }
    }
}

/// The folder of `bkend.toml`, else the one the work is in.
fn project_folder(context: &Context) -> Result<PathBuf> {
    match &context.sources.file {
        Some(file) => Ok(file.folder().to_owned()),
        None => std::env::current_dir().map_err(|e| Failure::unexpected("The current folder cannot be read", e)),
    }
}

fn home() -> Result<PathBuf> {
    etcetera::home_dir().map_err(|e| Failure::unexpected("Your home folder cannot be found", e))
}

/// Where programs with a window keep their settings.
fn settings() -> Result<PathBuf> {
    let folders = etcetera::base_strategy::choose_native_strategy().map_err(|e| Failure::unexpected("Your home folder cannot be found", e))?;
    // On macOS they are kept as application data, not as preferences.
    Ok(if cfg!(target_os = "macos") { folders.data_dir() } else { folders.config_dir() })
}

/// A path as people know it: `~/…` at home.
pub fn shown(path: &Path) -> String {
    match home().ok().and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(inside) if path.is_absolute() && std::env::current_dir().is_ok_and(|cwd| !path.starts_with(cwd)) => format!("~/{}", inside.display()),
        _ => crate::cli::settings::shown(path),
    }
}
