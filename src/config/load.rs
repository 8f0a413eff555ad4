//! File, profile and environment into one [`Config`]. The tree keeps each value's place in the text
//! until the end, so an error can point at it however the layers were merged.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::check;
use super::error::{ConfigError, Flaw, nearest};
use super::places::default_file;
use super::settings::Config;
use super::source::Source;

type Root<'i> = Spanned<DeTable<'i>>;
pub(super) type Variable = (String, String);

/// What made a read fail.
pub(super) enum Culprit {
    Setting(Vec<String>),
    Variable(String),
    Profile,
}

/// A mistake, and what made it where that can be told.
pub(super) type Wrong = Box<(ConfigError, Option<Culprit>)>;

/// What is left out of a read.
#[derive(Default)]
pub(super) struct Without {
    pub paths: Vec<Vec<String>>,
    pub variables: Vec<String>,
}

/// The text of a settings file.
pub fn read_file(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError {
        origin: path.display().to_string(),
        place: None,
        message: format!("can't be read: {error}"),
        remedy: "check the path and its permissions".to_owned(),
    })
}

/// How a file is called in messages.
#[must_use]
pub fn origin(file: Option<&Path>) -> String {
    file.map_or_else(|| "defaults".to_owned(), |path| path.display().to_string())
}

impl Config {
    /// Reads the file at `path`, else the one in the user's config folder where there is one.
    pub fn load(
        path: Option<&Path>,
        profile: Option<&str>,
        env: impl Iterator<Item = Variable>,
    ) -> Result<(Self, Source), ConfigError> {
        let file = match path {
            Some(path) => Some(path.to_owned()),
            None => default_file().filter(|path| path.exists()),
        };
        let text = match &file {
            None => String::new(),
            Some(path) => read_file(path)?,
        };
        let origin = origin(file.as_deref());
        let read = |path: &Path| std::fs::read_to_string(path);
        let (config, mut source) = parse(&origin, &text, profile, env, read)?;
        source.file = file;
        Ok((config, source))
    }
}

/// The pure part: text and variables in, settings out. `read` fetches a secret's file.
pub fn parse(
    origin: &str,
    text: &str,
    profile: Option<&str>,
    env: impl Iterator<Item = Variable>,
    fetch: impl Fn(&Path) -> std::io::Result<String>,
) -> Result<(Config, Source), ConfigError> {
    read((origin, text), profile, env.collect(), &fetch, &[]).map_err(|wrong| wrong.0)
}

/// The same without some settings, and the first mistake with what made it.
pub(super) fn read(
    (origin, text): (&str, &str),
    profile: Option<&str>,
    all: Vec<Variable>,
    read: &dyn Fn(&Path) -> std::io::Result<String>,
    without: &[Vec<String>],
) -> Result<(Config, Source), Wrong> {
    let at = |flaw: Flaw| Flaw::at(origin, text, flaw);
    let blame = |root: &DeTable<'_>, flaw: Flaw| {
        let span = flaw.span.as_ref();
        let culprit = span.and_then(|span| setting_at(root, span.start));
        Box::new((at(flaw), culprit.map(Culprit::Setting)))
    };
    let lookup = |name: &str| {
        let found = all.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.clone())
    };
    let fetch = Fetch {
        env: &lookup,
        file: read,
    };

    let mut root = DeTable::parse(text).map_err(|e| Box::new((at(e.into()), None)))?;
    let wanted = match profile
        .map(str::to_owned)
        .or_else(|| lookup("EVTOP_PROFILE"))
    {
        Some(name) => Some((name, None)),
        None => root.get_ref().get("profile").and_then(|value| {
            let name = value.get_ref().as_str()?.to_owned();
            Some((name, Some(value.span())))
        }),
    };
    let wanted = wanted.filter(|(name, _)| !name.is_empty());
    let mut allowed = says_read_only(
        root.get_ref(),
        wanted.as_ref().map(|(name, _)| name.as_str()),
    );
    merge_profile(&mut root, wanted.as_ref())
        .map_err(|f| Box::new((at(f), Some(Culprit::Profile))))?;
    for path in without {
        remove(root.get_mut(), path);
    }
    let secrets = fetch.secrets(root.get_mut());
    secrets.map_err(|flaw| blame(root.get_ref(), flaw))?;
    let mut config = finish(&root).map_err(|flaw| blame(root.get_ref(), flaw))?;
    let mut source = Source::default();
    source.read(origin, text, root.get_ref());
    if profile.is_none() && wanted.as_ref().is_some_and(|(_, place)| place.is_none()) {
        source.given("profile", "environment variable EVTOP_PROFILE");
    }

    let settings: Vec<_> = all
        .iter()
        .filter_map(|(name, value)| Some((name, setting_path(name)?, value)))
        .collect();
    for (name, path, value) in &settings {
        let here = |flaw: Flaw| {
            let error = ConfigError {
                origin: format!("environment variable {name}"),
                place: None,
                message: flaw.message,
                remedy: flaw.remedy,
            };
            Box::new((error, Some(Culprit::Variable((*name).clone()))))
        };
        let plain = root.clone();
        set(root.get_mut(), path, value, may_be_secret(path)).map_err(here)?;
        config = fetch
            .secrets(root.get_mut())
            .and_then(|()| finish(&root))
            .or_else(|flaw| {
                // `5` may have been meant as text.
                root = plain;
                set(root.get_mut(), path, value, true)?;
                finish(&root).map_err(|_| flaw)
            })
            .map_err(here)?;
        source.given(&path.join("."), format!("environment variable {name}"));
        source.variables.push((*name).clone());
        allowed |= *path == ["read_only"];
    }
    config.attached = config.looks_at_others();
    // What is not ours is looked at only, until somebody says otherwise for this very cluster.
    config.read_only |= config.attached && !allowed;
    config.profile = wanted.map(|(name, _)| name).unwrap_or_default();
    source.profile = Some(config.profile.clone()).filter(|name| !name.is_empty());
    Ok((config, source))
}

/// Whether `read_only` is written where it means this very stack: in the profile, else in the file.
fn says_read_only(root: &DeTable<'_>, profile: Option<&str>) -> bool {
    let inner = |table: &DeTable<'_>, key: &str| table.get(key).is_some();
    let Some(name) = profile else {
        return inner(root, "read_only");
    };
    let profiles = root.get("profiles").and_then(|p| p.get_ref().as_table());
    let profile = profiles.and_then(|p| p.get(name)?.get_ref().as_table());
    profile.is_some_and(|table| inner(table, "read_only"))
}

/// Takes the profiles out of the tree and lays the wanted one over the rest.
fn merge_profile(
    root: &mut Root<'_>,
    wanted: Option<&(String, Option<Range<usize>>)>,
) -> Result<(), Flaw> {
    let mut profiles = match root.get_mut().remove("profiles") {
        None => DeTable::new(),
        Some(value) => {
            let span = value.span();
            match value.into_inner() {
                DeValue::Table(table) => table,
                _ => {
                    return Err(Flaw {
                        span: Some(span),
                        message: "`profiles` is no table".to_owned(),
                        remedy: "write `[profiles.NAME]` with settings under it".to_owned(),
                    });
                }
            }
        }
    };
    let Some((name, span)) = wanted else {
        return Ok(());
    };
    let names: Vec<String> = profiles.keys().map(|k| k.get_ref().to_string()).collect();
    match profiles.remove(name.as_str()).map(Spanned::into_inner) {
        Some(DeValue::Table(over)) => {
            merge(root.get_mut(), over);
            Ok(())
        }
        Some(_) | None => {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            Err(Flaw {
                span: span.clone(),
                message: format!("there is no profile `{name}`"),
                remedy: match nearest(name, &known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => format!("add a table `[profiles.{name}]`"),
                    None => format!("known: {}", known.join(", ")),
                },
            })
        }
    }
}

/// Tables are merged, anything else is replaced.
fn merge<'i>(base: &mut DeTable<'i>, over: DeTable<'i>) {
    for (key, value) in over {
        match (base.get_mut(key.get_ref().as_ref()), value) {
            (Some(old), new) if old.get_ref().is_table() && new.get_ref().is_table() => {
                if let (DeValue::Table(old), DeValue::Table(new)) =
                    (old.get_mut(), new.into_inner())
                {
                    merge(old, new);
                }
            }
            (_, new) => {
                base.remove(key.get_ref().as_ref());
                base.insert(key, new);
            }
        }
    }
}

/// Tree to settings, every rule checked.
fn finish(root: &Root<'_>) -> Result<Config, Flaw> {
    let config: Config = serde::Deserialize::deserialize(toml::Deserializer::from(root.clone()))?;
    check(&config).map_err(|(path, message, remedy)| Flaw {
        span: span_of(root.get_ref(), &path),
        message: format!("{path}: {message}"),
        remedy,
    })?;
    Ok(config)
}

/// The setting that stands at this place of the text, or whose value does.
fn setting_at(table: &DeTable<'_>, at: usize) -> Option<Vec<String>> {
    let mut here = None;
    for (key, value) in table {
        let name = || key.get_ref().to_string();
        let inner = value.get_ref().as_table();
        if let Some(mut path) = inner.and_then(|inner| setting_at(inner, at)) {
            path.insert(0, name());
            return Some(path);
        }
        if key.span().contains(&at) || value.span().contains(&at) {
            here = Some(vec![name()]);
        }
    }
    here
}

/// Takes a setting out.
fn remove(table: &mut DeTable<'_>, path: &[String]) {
    match path {
        [] => {}
        [last] => {
            table.remove(last.as_str());
        }
        [head, rest @ ..] => {
            if let Some(inner) = inner(table, head) {
                remove(inner, rest);
            }
        }
    }
}

fn span_of(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let (head, rest) = match path.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (path, None),
    };
    let value = table.get(head)?;
    match rest {
        None => Some(value.span()),
        Some(rest) => span_of(value.get_ref().as_table()?, rest),
    }
}

/// The setting a variable means: `EVTOP_KAFKA__BROKERS` → kafka, brokers. A name without `__` counts
/// only where it is a setting of the top level: an orchestrator sets the likes of
/// `EVTOP_SERVICE_HOST` by itself. In a property table `_` stands for librdkafka's `.`.
fn setting_path(name: &str) -> Option<Vec<String>> {
    let rest = name.strip_prefix("EVTOP_")?;
    let mut path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
    if path.len() == 1 {
        let known = ["name", "workers", "read_only", "production"];
        return known.contains(&path[0].as_str()).then_some(path);
    }
    if path[0] == "kafka" && path.len() > 2 {
        let property = path.split_off(2).join("_").replace('_', ".");
        path.push(property);
    }
    Some(path)
}

/// A password such as `12_34` is no number.
fn may_be_secret(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(path[..], ["store" | "redis", "url"] | ["kafka", _, _])
}

/// Puts a variable's value at its place: as TOML where it is some, else as text. With `literal` only
/// a table (a secret's `{ env = … }`) is read as TOML.
fn set<'i>(
    table: &mut DeTable<'i>,
    path: &[String],
    value: &'i str,
    literal: bool,
) -> Result<(), Flaw> {
    let [head, rest @ ..] = path else {
        return Ok(());
    };
    if rest.is_empty() {
        let text = || Spanned::new(0..0, DeValue::String(value.into()));
        let new = match DeValue::parse(value) {
            Ok(new) if !literal || new.get_ref().is_table() => new,
            _ => text(),
        };
        table.remove(head.as_str());
        table.insert(Spanned::new(0..0, head.clone().into()), new);
        return Ok(());
    }
    if !table.contains_key(head.as_str()) {
        let empty = Spanned::new(0..0, DeValue::Table(DeTable::new()));
        table.insert(Spanned::new(0..0, head.clone().into()), empty);
    }
    match table.get_mut(head.as_str()).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) => set(inner, rest, value, literal),
        _ => Err(Flaw {
            span: None,
            message: format!("`{head}` is no section"),
            remedy: "write EVTOP_SECTION__SETTING".to_owned(),
        }),
    }
}

/// Where secrets are fetched from.
struct Fetch<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    file: &'a dyn Fn(&Path) -> std::io::Result<String>,
}

impl Fetch<'_> {
    /// Puts the text in place of every `{ env = … }` and `{ file = … }` where a secret may stand.
    fn secrets(&self, root: &mut DeTable<'_>) -> Result<(), Flaw> {
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

fn inner<'t, 'i>(table: &'t mut DeTable<'i>, key: &str) -> Option<&'t mut DeTable<'i>> {
    match table.get_mut(key)?.get_mut() {
        DeValue::Table(inner) => Some(inner),
        _ => None,
    }
}
