//! A text in the editor that a person likes best: the terminal is given away and taken back, and the file
//! between is its owner's alone and gone afterwards.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use color_eyre::Result;
use ratatui::DefaultTerminal;
use tokio_util::sync::CancellationToken;

use super::terminal;

/// How often it is looked whether the editor has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Lets the person edit; the text as it was left, or why it is not taken over.
///
/// # Errors
/// When the terminal can't be taken back.
pub async fn run(
    terminal: &mut DefaultTerminal,
    text: &str,
    stop: &CancellationToken,
) -> Result<Result<String, String>> {
    terminal::leave();
    let edited = edit(text, stop).await;
    terminal::resume(terminal)?;
    Ok(edited)
}

async fn edit(text: &str, stop: &CancellationToken) -> Result<String, String> {
    let set = |name| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR"));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let cant = |error: std::io::Error| format!("The editor `{editor}` can't be used: {error}");
    let file = tempfile::Builder::new()
        .prefix("evtop-")
        .suffix(".json")
        .tempfile()
        .map_err(cant)?;
    file.as_file().write_all(text.as_bytes()).map_err(cant)?;
    // As a shell would split it, without quoting: `code --wait`.
    let mut words = editor.split_whitespace();
    let mut child = Command::new(words.next().unwrap_or("vi"))
        .args(words)
        .arg(file.path())
        .stdin(Stdio::inherit())
        .spawn()
        .map_err(cant)?;
    let ended = loop {
        if let Some(ended) = child.try_wait().map_err(cant)? {
            break ended;
        }
        tokio::select! {
            () = stop.cancelled() => {
                let _ = child.kill();
                let _ = child.wait();
                return Err("evtop is told to end: nothing was taken over".to_owned());
            }
            () = tokio::time::sleep(LOOK) => {}
        }
    };
    if !ended.success() {
        return Err(format!(
            "The editor `{editor}` ended with {ended}: nothing was taken over"
        ));
    }
    let mut text = std::fs::read_to_string(file.path()).map_err(cant)?;
    // Most editors end the last line; the value had no such end.
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}
