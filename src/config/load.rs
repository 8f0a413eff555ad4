//! File, profile and environment into one [`Config`]. The tree keeps each value's place in the text
//! until the end, so an error can point at it however the layers were merged.

use std::path::Path;

use toml::de::DeTable;

use super::check::check;
use super::error::{ConfigError, Flaw};
use super::fetch::Fetch;
use super::places::default_file;
use super::settings::Config;
use super::source::Source;
use super::tree::{Root, merge_profile, remove, says_read_only, set, setting_at, span_of};
use super::variable::{Variable, may_be_secret, setting_path};

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
