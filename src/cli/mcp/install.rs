//! `mcp install`: writes the server into the configuration of AI tools, prints what would be written, or takes it out.

use std::process::Command as Process;

use clap::Args;
use serde_json::{Value, json};

use super::config_file::{ConfigFile, backup};
use super::entry::{self, Way};
use super::places::{Place, Scope, Tool, shown};
use crate::cli::confirm;
use crate::cli::context::Context;
use crate::cli::exit::{Exit, Failure, Result};
use crate::cli::output::items;

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  bkend-local mcp install claude-code\n  bkend-local mcp install cursor --scope user --print\n  bkend-local mcp install vscode --remove"
)]
pub struct Install {
    /// The tool [default: those found on this machine, after asking]
    #[arg(value_enum)]
    tool: Option<Tool>,
    /// For the project in this folder, or for you everywhere [default: project]
    #[arg(long, value_enum)]
    scope: Option<Scope>,
    /// Name of the entry
    #[arg(long, value_name = "NAME", default_value = "bkend", value_parser = entry_name)]
    name: String,
    /// Let the tool start bkend-local instead of connecting by HTTP
    #[arg(long)]
    stdio: bool,
    /// Print the entry, write nothing
    #[arg(long)]
    print: bool,
    /// Take the entry out
    #[arg(long, conflicts_with_all = ["print", "stdio"])]
    remove: bool,
}

/// One change, checked and not made yet.
enum Step {
    Write { tool: Tool, file: ConfigFile, entry: Value, cloud: Vec<String> },
    Remove { tool: Tool, file: ConfigFile, names: Vec<String> },
    Claude { arguments: Vec<String>, entry: Value },
}

pub async fn run(context: &Context, install: &Install) -> Result<()> {
    let tools = match install.tool {
        Some(tool) => vec![tool],
        None => found(context)?,
    };
    if install.print {
        return print(context, install, &tools);
    }
    // Everything is read and checked before anything is written.
    let steps = tools.iter().map(|tool| plan(context, install, *tool)).collect::<Result<Vec<_>>>()?;
    for step in &steps {
        ask(context, step)?;
    }
    let done = steps.iter().map(|step| carry_out(install, step)).collect::<Result<Vec<_>>>()?;
    context.output.result(&items(&done), |_| done.iter().filter_map(|done| done["message"].as_str()).collect::<Vec<_>>().join("\n"))
}

fn entry_name(text: &str) -> Result<String, String> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if fits { Ok(text.to_owned()) } else { Err("a name is 1 to 64 letters, digits, -, _ and .".to_owned()) }
}

/// The tools of this machine, after asking.
fn found(context: &Context) -> Result<Vec<Tool>> {
    let tools: Vec<Tool> = Tool::ALL.into_iter().filter(|tool| tool.is_here()).collect();
    let known = Tool::ALL.map(Tool::name).join(", ");
    if tools.is_empty() {
        return Err(Failure::not_found(format!("No AI tool was found on this machine; name one: {known}")));
    }
    let titles = tools.iter().map(|tool| tool.title()).collect::<Vec<_>>().join(", ");
    confirm::expressly(context, &format!("Found {titles}."), "Go on with these?", &format!("name one ({known}), or pass --yes for all of them"))?;
    Ok(tools)
}

fn way(context: &Context, install: &Install, tool: Tool) -> Result<Way> {
    // Its file takes programs only.
    Way::of(context, install.stdio || tool == Tool::ClaudeDesktop)
}

fn print(context: &Context, install: &Install, tools: &[Tool]) -> Result<()> {
    let mut all = Vec::new();
    for tool in tools {
        let way = way(context, install, *tool)?;
        all.push(match tool.place(context, install.scope)? {
            Place::File(path) => {
                let content = json!({ tool.member(): { &install.name: way.entry(*tool) } });
                json!({ "tool": tool.name(), "path": path.to_string_lossy(), "content": content })
            }
            Place::ClaudeCommand => json!({ "tool": tool.name(), "command": typed(&add_arguments(install, &way)) }),
        });
    }
    context.output.result(&items(&all), |_| all.iter().map(printed).collect::<Vec<_>>().join("\n\n"))
}

fn printed(one: &Value) -> String {
    match one["command"].as_str() {
        Some(command) => command.to_owned(),
        None => serde_json::to_string_pretty(&one["content"]).unwrap_or_default(),
    }
}

fn plan(context: &Context, install: &Install, tool: Tool) -> Result<Step> {
    let path = match tool.place(context, install.scope)? {
        Place::File(path) => path,
        Place::ClaudeCommand if install.remove => {
            let arguments = ["mcp", "remove", "--scope", "user", &install.name].map(str::to_owned).to_vec();
            return Ok(Step::Claude { arguments, entry: Value::Null });
        }
        Place::ClaudeCommand => {
            let way = way(context, install, tool)?;
            return Ok(Step::Claude { arguments: add_arguments(install, &way), entry: way.entry(tool) });
        }
    };
    let file = ConfigFile::read(tool, &path)?;
    let entries = file.entries();
    if install.remove {
        let names = entries.into_iter().map(|(name, _)| name).filter(|name| entry::is_named(name, &install.name)).collect();
        return Ok(Step::Remove { tool, file, names });
    }
    let cloud = entries.into_iter().filter(|(_, entry)| entry::is_of_the_cloud(entry)).map(|(name, _)| name).collect();
    Ok(Step::Write { tool, file, entry: way(context, install, tool)?.entry(tool), cloud })
}

/// An entry that leads to the cloud is replaced only when that is wanted.
fn ask(context: &Context, step: &Step) -> Result<()> {
    let Step::Write { file, cloud, .. } = step else { return Ok(()) };
    if cloud.is_empty() {
        return Ok(());
    }
    let what = format!("In {} {} leads to the cloud, which was switched off.", shown(file.path()), cloud.join(", "));
    confirm::expressly(context, &what, "Replace it?", "to replace it, repeat the command with --yes")
}

fn carry_out(install: &Install, step: &Step) -> Result<Value> {
    match step {
        Step::Write { tool, file, entry, cloud } => {
            let unchanged = cloud.is_empty() && file.entries().iter().any(|(name, known)| *name == install.name && known == entry);
            cloud.iter().filter(|name| **name != install.name).for_each(|name| file.remove(name));
            if !unchanged {
                file.set(&install.name, entry);
            }
            file.save()?;
            let path = shown(file.path());
            let message = match unchanged {
                true => format!("{}: {path} has the entry {} already", tool.title(), install.name),
                false => format!("{}: wrote {} to {path}\n  {}", tool.title(), install.name, tool.next_step()),
            };
            let action = if unchanged { "unchanged" } else { "written" };
            Ok(report(*tool, action, file, &message, json!({ "name": install.name, "entry": entry, "replaced": cloud })))
        }
        Step::Remove { tool, file, names } => {
            if !names.is_empty() {
                names.iter().for_each(|name| file.remove(name));
                file.save()?;
            }
            let path = shown(file.path());
            let message = match names.is_empty() {
                true => format!("{}: {path} has no entry {}", tool.title(), install.name),
                false => format!("{}: took {} out of {path}\n  Restart {}", tool.title(), names.join(", "), tool.title()),
            };
            Ok(report(*tool, if names.is_empty() { "unchanged" } else { "removed" }, file, &message, json!({ "removed": names })))
        }
        Step::Claude { arguments, entry } => claude(arguments, entry),
    }
}

fn report(tool: Tool, action: &str, file: &ConfigFile, message: &str, more: Value) -> Value {
    let mut report = json!({ "tool": tool.name(), "action": action, "path": file.path().to_string_lossy() });
    if action != "unchanged" && backup(file.path()).exists() {
        report["backup"] = backup(file.path()).to_string_lossy().into();
    }
    if let (Some(report), Value::Object(more)) = (report.as_object_mut(), more) {
        report.extend(more);
        report.insert("message".to_owned(), message.into());
    }
    report
}

/// Options come before the name, as the program asks.
fn add_arguments(install: &Install, way: &Way) -> Vec<String> {
    let mut arguments = ["mcp", "add", "--scope", "user"].map(str::to_owned).to_vec();
    match way {
        Way::Http { url } => arguments.extend(["--transport".to_owned(), "http".to_owned(), install.name.clone(), url.clone()]),
        Way::Stdio { command, arguments: own } => {
            arguments.extend([install.name.clone(), "--".to_owned(), command.clone()]);
            arguments.extend(own.iter().cloned());
        }
    }
    arguments
}

/// Runs Claude Code's own command; without the program, the command is the result.
fn claude(arguments: &[String], entry: &Value) -> Result<Value> {
    let line = typed(arguments);
    let tool = Tool::ClaudeCode;
    let Ok(program) = which::which("claude") else {
        let message = format!("Claude Code was not found; run this where it is:\n  {line}");
        return Ok(json!({ "tool": tool.name(), "action": "printed", "command": line, "message": message }));
    };
    let output = Process::new(program).args(arguments).output().map_err(|e| Failure::unexpected("claude could not be run", e))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(if output.stderr.is_empty() { &output.stdout } else { &output.stderr }).trim().to_owned();
        return Err(Failure::new(Exit::Unexpected, "cli/claude-failed", format!("{line} failed: {said}")));
    }
    let message = format!("Claude Code: ran {line}\n  {}", tool.next_step());
    Ok(json!({ "tool": tool.name(), "action": "ran", "command": line, "entry": entry, "message": message }))
}

/// The command as it would be typed.
fn typed(arguments: &[String]) -> String {
    let plain = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&b));
    let words = arguments.iter().map(|word| if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) });
    format!("claude {}", words.collect::<Vec<_>>().join(" "))
}
