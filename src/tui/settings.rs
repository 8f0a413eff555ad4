//! From the configuration to what the screen needs: theme and keys. What only the screen can judge is
//! told like any other mistake in the settings, with its place and the remedy.

use ratatui::style::Color;

use super::colour::Depth;
use super::frame::Frame;
use super::keymap::{KeyError, Keymap};
use super::memory::Memory;
use super::reload::ThemeFile;
use super::theme::Theme;
use crate::command::Screen;
use crate::config::{Config, ConfigError, Source};

/// How the screen looks and answers, as the configuration says.
#[derive(Clone, Debug)]
pub struct Settings {
    pub theme: Theme,
    /// Those to choose from: the built-in ones, and the person's own.
    pub themes: Vec<Theme>,
    pub keys: Keymap,
    /// Frames a second at most.
    pub max_fps: u32,
    /// The profile's colour, where it has one.
    pub frame: Option<Frame>,
    /// Only characters that every terminal has.
    pub ascii: bool,
    /// Mouse events are asked for.
    pub mouse: bool,
    /// The theme's own file, where it has one.
    pub theme_file: Option<ThemeFile>,
    /// The screen to begin with.
    pub screen: Screen,
    /// What was chosen another time; `None`: nothing is remembered, as in tests and pictures.
    pub memory: Option<Memory>,
}

impl Settings {
    /// The defaults with this theme.
    #[must_use]
    pub fn with(theme: Theme) -> Self {
        Self {
            themes: Theme::all(&theme),
            theme,
            keys: Keymap::default(),
            max_fps: 30,
            frame: None,
            ascii: false,
            mouse: false,
            theme_file: None,
            screen: Screen::Flow,
            memory: None,
        }
    }

    /// Reads theme and keys, for a terminal of this colour depth.
    ///
    /// # Errors
    /// The first mistake in a theme or a key.
    pub fn read(config: &Config, source: &Source, depth: Depth) -> Result<Self, ConfigError> {
        Ok(Self {
            keys: keys(config, source)?,
            max_fps: config.ui.max_fps,
            frame: frame(&config.ui.frame, source)?.map(|colour| Frame::new(colour, depth)),
            ascii: config.ui.ascii,
            mouse: config.ui.mouse,
            theme_file: config
                .ui
                .theme
                .ends_with(".toml")
                .then(|| ThemeFile::new(config.ui.theme.clone().into(), depth)),
            ..Self::with(theme(&config.ui.theme, source)?.in_depth(depth))
        })
    }

    /// Begins with what was chosen the last time, and keeps what is chosen now. A theme that the settings
    /// name stays: `named`.
    pub fn remember(&mut self, memory: Memory, named: bool) {
        let theme = memory.remembered().theme.as_ref();
        let found = self.themes.iter().find(|t| Some(&t.name) == theme);
        if let (Some(found), false) = (found, named) {
            self.theme = found.clone();
        }
        self.memory = Some(memory);
    }

    /// Every mistake in keys and theme; of a theme's file, the first.
    #[must_use]
    pub fn mistakes(config: &Config, source: &Source) -> Vec<ConfigError> {
        let theme = theme(&config.ui.theme, source).err();
        let frame = frame(&config.ui.frame, source).err();
        let mut found: Vec<ConfigError> = theme.into_iter().chain(frame).collect();
        let mut config = config.clone();
        // What is wrong is told and left out, until the rest goes together.
        while let Err(error) = keymap(&config) {
            let path = place(&error, &config);
            found.push(told(error, &config, source));
            let action = path.split('.').nth(1).unwrap_or_default();
            if config.keys.remove(action).is_none() {
                break;
            }
        }
        found
    }
}

/// A built-in theme, or one from a file; the file's own mistakes are told by their place in it.
fn theme(name: &str, source: &Source) -> Result<Theme, ConfigError> {
    if name.ends_with(".toml") {
        let text = std::fs::read_to_string(name).map_err(|error| {
            let message = format!("theme {name} can't be read: {error}");
            source.error("ui.theme", message, "check the path and its permissions")
        })?;
        return Theme::parse(name, &text);
    }
    Theme::built_in(name).map_err(|e| source.error("ui.theme", e.message, e.remedy))
}

/// A colour by name or as `#rrggbb`; the empty one is none.
fn frame(colour: &str, source: &Source) -> Result<Option<Color>, ConfigError> {
    if colour.is_empty() {
        return Ok(None);
    }
    colour.parse().map(Some).map_err(|_| {
        let message = format!("`{colour}` is no colour");
        let remedy = "write a name such as green or light-blue, or #rrggbb";
        source.error("ui.frame", message, remedy)
    })
}

fn keys(config: &Config, source: &Source) -> Result<Keymap, ConfigError> {
    keymap(config).map_err(|error| told(error, config, source))
}

fn keymap(config: &Config) -> Result<Keymap, KeyError> {
    let patches = config.keys.iter();
    Keymap::patched(patches.map(|(action, keys)| (action.as_str(), keys.0.clone())))
}

fn told(error: KeyError, config: &Config, source: &Source) -> ConfigError {
    let path = place(&error, config);
    source.error(&path, format!("{path}: {error}"), error.remedy())
}

/// The setting that is wrong.
fn place(error: &KeyError, config: &Config) -> String {
    match error {
        KeyError::Unreadable { action, nth, .. } => {
            let one = config
                .keys
                .get(*action)
                .is_some_and(|keys| keys.0.len() == 1);
            match one {
                true => format!("keys.{action}"),
                false => format!("keys.{action}.{nth}"),
            }
        }
        KeyError::NoAction(name) => format!("keys.{name}"),
        KeyError::Conflict { first, second, .. } => {
            // At the one that was set, not at the default that it meets.
            let set = [first, second]
                .into_iter()
                .find(|a| config.keys.contains_key(**a));
            format!("keys.{}", set.unwrap_or(second))
        }
    }
}
