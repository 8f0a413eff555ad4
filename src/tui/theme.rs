//! What things look like, by role and never by colour: views name a [`Role`], a TOML file under
//! `themes/` says how it looks. The rule: no literal colour outside `colour` and those.

use std::collections::BTreeMap;
use std::ops::Range;

use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use serde::Deserialize;
use toml::Spanned;

use super::colour::{Depth, sixteen};
use crate::config::{ConfigError, nearest};

/// What a piece of the screen means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Everything that has no other role; the only one that must set a background.
    Base,
    /// The one number or word to see.
    Strong,
    /// Calm text: labels, units, what is all right.
    Dim,
    /// Rules, borders and arrows.
    Faint,
    /// Column headings and section titles.
    Heading,
    /// A key in the hint bar and in the help.
    Key,
    /// The row under the cursor.
    Selected,
    /// The row under the cursor of a pane that has not the focus.
    Unfocused,
    /// The current tab, the cursor's sign: where one is, nothing else.
    Accent,
    /// A marked row's sign.
    Marked,
    Ok,
    Warn,
    Bad,
    /// Sparklines and bars.
    Spark,
    /// Charts: large, so calmer than a sparkline.
    Fill,
    /// The profile's name when it is production.
    Production,
    /// FROZEN and READ-ONLY.
    Badge,
    /// What lies above the screen: forms, help, confirmations.
    Overlay,
    /// A field that is typed into.
    Input,
    /// Characters that stand for others that must not reach the terminal.
    Escaped,
    JsonKey,
    JsonText,
    JsonNumber,
    JsonWord,
}

impl Role {
    pub const ALL: [Self; 24] = [
        Self::Base,
        Self::Strong,
        Self::Dim,
        Self::Faint,
        Self::Heading,
        Self::Key,
        Self::Selected,
        Self::Unfocused,
        Self::Accent,
        Self::Marked,
        Self::Ok,
        Self::Warn,
        Self::Bad,
        Self::Spark,
        Self::Fill,
        Self::Production,
        Self::Badge,
        Self::Overlay,
        Self::Input,
        Self::Escaped,
        Self::JsonKey,
        Self::JsonText,
        Self::JsonNumber,
        Self::JsonWord,
    ];

    /// The name in a theme file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Strong => "strong",
            Self::Dim => "dim",
            Self::Faint => "faint",
            Self::Heading => "heading",
            Self::Key => "key",
            Self::Selected => "selected",
            Self::Unfocused => "unfocused",
            Self::Accent => "accent",
            Self::Marked => "marked",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Spark => "spark",
            Self::Fill => "fill",
            Self::Production => "production",
            Self::Badge => "badge",
            Self::Overlay => "overlay",
            Self::Input => "input",
            Self::Escaped => "escaped",
            Self::JsonKey => "json_key",
            Self::JsonText => "json_text",
            Self::JsonNumber => "json_number",
            Self::JsonWord => "json_word",
        }
    }
}

/// A style for each role.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub name: String,
    depth: Depth,
    styles: [Style; Role::ALL.len()],
}

/// What says without colour what elsewhere only a colour says.
const WITHOUT_COLOUR: [(Role, Modifier); 8] = [
    (Role::Selected, Modifier::REVERSED),
    (Role::Unfocused, Modifier::UNDERLINED),
    (Role::Accent, Modifier::BOLD),
    (Role::Warn, Modifier::UNDERLINED),
    (Role::Bad, Modifier::BOLD.union(Modifier::UNDERLINED)),
    (Role::Production, Modifier::REVERSED),
    (Role::Badge, Modifier::REVERSED),
    (Role::Input, Modifier::UNDERLINED),
];

/// The themes that are built in; the first is the default.
pub const BUILT_IN: [(&str, &str); 6] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("gruvbox", include_str!("../../themes/gruvbox.toml")),
    ("nord", include_str!("../../themes/nord.toml")),
    (
        "high-contrast",
        include_str!("../../themes/high-contrast.toml"),
    ),
    ("mono", include_str!("../../themes/mono.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    palette: BTreeMap<String, toml::Value>,
    roles: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
}

impl Theme {
    /// A theme of the same style everywhere, to be filled by [`Theme::with`].
    #[must_use]
    pub fn plain(name: &str, style: Style) -> Self {
        Self {
            name: name.to_owned(),
            depth: Depth::True,
            styles: [style; Role::ALL.len()],
        }
    }

    /// The same theme with another style for one role.
    #[must_use]
    pub fn with(mut self, role: Role, style: Style) -> Self {
        self.styles[role as usize] = style;
        self
    }

    /// One of the built-in themes.
    ///
    /// # Errors
    /// When none has this name.
    pub fn built_in(name: &str) -> Result<Self, ConfigError> {
        if let Some((name, text)) = BUILT_IN.into_iter().find(|(n, _)| *n == name) {
            return Self::parse(name, text);
        }
        let names = BUILT_IN.map(|(name, _)| name);
        let remedy = match nearest(name, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "built in are {}; a file's name ends in .toml",
                names.join(", ")
            ),
        };
        let message = format!("there is no theme `{name}`");
        Err(ConfigError::in_text("themes", "", None, message, remedy))
    }

    /// Reads a theme file: a `[palette]` of names for colours, and `[roles]` in which they stand.
    ///
    /// # Errors
    /// The first mistake, with its line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        let wrong = |at, message: String, remedy: String| {
            ConfigError::in_text(name, text, at, message, remedy)
        };
        let syntax = |at: Option<Range<usize>>, error: &toml::de::Error| {
            let message = error.message().trim_end().replace('\n', ", ");
            let remedy =
                "a theme is a [palette] of colours and [roles] with fg, bg and add_modifier";
            wrong(at.or(error.span()), message, remedy.to_owned())
        };
        let mut file: File = toml::from_str(text).map_err(|e| syntax(None, &e))?;
        let names = Role::ALL.map(Role::name);
        if let Some(key) = file.roles.keys().find(|k| !names.contains(&&**k.get_ref())) {
            let remedy = match nearest(key.get_ref(), &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("roles are {}", names.join(", ")),
            };
            let message = format!("`{}` is no role", key.get_ref());
            return Err(wrong(Some(key.span()), message, remedy));
        }
        let mut theme = Self::plain(name, Style::new());
        for role in Role::ALL {
            let Some(value) = file.roles.remove(role.name()) else {
                let message = format!("role `{}` is missing", role.name());
                let at = text.find("[roles]").map(|at| at..at);
                let remedy = format!("add `{} = {{ fg = \"…\" }}` under [roles]", role.name());
                return Err(wrong(at, message, remedy));
            };
            let at = value.span();
            let mut value = value.into_inner();
            if let Some(table) = value.as_table_mut() {
                for part in ["fg", "bg"] {
                    let named = table.get(part).and_then(toml::Value::as_str);
                    if let Some(colour) = named.and_then(|colour| file.palette.get(colour)) {
                        table.insert(part.to_owned(), colour.clone());
                    }
                }
            }
            let style = value.try_into().map_err(|e| syntax(Some(at), &e))?;
            theme.styles[role as usize] = style;
        }
        Ok(theme)
    }

    /// The themes to choose from beside this one: the built-in ones in its depth, and itself where it is
    /// none of them.
    #[must_use]
    pub fn all(current: &Self) -> Vec<Self> {
        let built_in = BUILT_IN
            .iter()
            .filter_map(|(name, _)| Self::built_in(name).ok());
        let mut all: Vec<Self> = built_in
            .map(|theme| theme.in_depth(current.depth))
            .collect();
        if !all.iter().any(|theme| theme.name == current.name) {
            all.push(current.clone());
        }
        all
    }

    /// The theme in the colours that a terminal has.
    #[must_use]
    pub fn in_depth(mut self, depth: Depth) -> Self {
        self.depth = depth;
        if depth == Depth::Ansi16 {
            sixteen::translate(&mut self.styles);
            return self;
        }
        for style in &mut self.styles {
            style.fg = style.fg.map(|colour| depth.nearest(colour));
            style.bg = style.bg.map(|colour| depth.nearest(colour));
        }
        if depth == Depth::Colourless {
            for (role, modifier) in WITHOUT_COLOUR {
                self.styles[role as usize] = Style::new().add_modifier(modifier);
            }
        }
        self
    }

    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// Text in a role. For text of this program; what comes from outside goes through `parts::outside`.
    #[must_use]
    pub fn span<'a>(&self, role: Role, text: impl Into<std::borrow::Cow<'a, str>>) -> Span<'a> {
        let mut style = self.style(role);
        if role == Role::Base {
            // Text shows what is behind it: a selection, or an overlay.
            style.bg = None;
        }
        Span::styled(text, style)
    }
}
