//! Secrets: fetched from where the settings say they are, and put in their place in the tree.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Flaw;
use super::tree::inner;

/// Where secrets are fetched from: variables by name, files by path.
pub struct Fetch<'a> {
    pub env: &'a dyn Fn(&str) -> Option<String>,
    pub file: &'a dyn Fn(&Path) -> std::io::Result<String>,
}

impl Fetch<'_> {
    /// Puts the text in place of every `{ env = … }` and `{ file = … }` where a secret may stand.
    pub fn secrets(&self, root: &mut DeTable<'_>) -> Result<(), Flaw> {
        if let Some(kafka) = inner(root, "kafka") {
            for section in ["properties", "producer", "consumer"] {
                for (_, value) in inner(kafka, section).into_iter().flatten() {
                    self.secret(value)?;
                }
            }
        }
        for section in ["store", "redis"] {
            if let Some(url) = inner(root, section).and_then(|table| table.get_mut("url")) {
                self.secret(url)?;
            }
        }
        Ok(())
    }

    fn secret(&self, value: &mut Spanned<DeValue<'_>>) -> Result<(), Flaw> {
        let DeValue::Table(table) = value.get_ref() else {
            return Ok(());
        };
        let flaw = |message: String, remedy: &str| Flaw {
            span: Some(value.span()),
            message,
            remedy: remedy.to_owned(),
        };
        let mut entries = table.iter();
        let entry = match (entries.next(), entries.next()) {
            (Some((key, value)), None) => value.get_ref().as_str().map(|v| (key.get_ref(), v)),
            _ => None,
        };
        let text = match entry.map(|(key, v)| (key.as_ref(), v)) {
            Some(("env", name)) => (self.env)(name).ok_or_else(|| {
                flaw(
                    format!("environment variable {name} is not set"),
                    "set it, or give the value in another way",
                )
            })?,
            Some(("file", path)) => (self.file)(Path::new(path))
                .map_err(|e| flaw(format!("{path} can't be read: {e}"), "check the path"))?
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
            _ => {
                return Err(flaw(
                    "this is no value".to_owned(),
                    "write text, { env = \"NAME\" } or { file = \"PATH\" }",
                ));
            }
        };
        *value.get_mut() = DeValue::String(text.into());
        Ok(())
    }
}
