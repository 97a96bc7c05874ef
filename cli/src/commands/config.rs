use folkmoot_node::config::{Config, KEYS, Origin, Value};
use serde_json::json;

use crate::{
    error::{Error, Result},
    near::near,
    output::Line,
    session::Session,
    when::zone,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot config\n  moot config http 127.0.0.1:8080\n  moot config public_url https://moot.example.org"
)]
pub(crate) struct Args {
    /// A setting to write into config.toml
    key: Option<String>,
    /// Its new value; "" puts back the default
    #[arg(requires = "key")]
    value: Option<String>,
}

/// A flag beats `MOOT_…` beats the file beats the default; each line says which it was.
pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    let path = session.home()?.config_path();
    if let (Some(key), Some(value)) = (&args.key, &args.value) {
        if key == "zone" && !value.is_empty() {
            zone::check(value)?;
        }
        Config::set(&path, key, Some(value.as_str()).filter(|v| !v.is_empty()))?;
    }
    let config = session.config()?;
    if let Some(key) = args.key.as_deref().filter(|key| KEYS.iter().all(|known| known.name != *key)) {
        let nearest = near(key, KEYS.iter().map(|known| known.name), 1);
        let said = Error::refused(format!("could not show the setting {key:?}: there is none of that name"));
        return Err(match nearest.first() {
            Some(name) => said.hint(format!("did you mean {name}?")),
            None => said.hint("`moot config` lists every setting"),
        });
    }
    let widest = KEYS.iter().map(|key| key.name.len()).max().unwrap_or_default();
    for (key, setting) in config.iter().filter(|(key, _)| args.key.as_deref().is_none_or(|wanted| wanted == *key)) {
        let origin = match setting.origin {
            Origin::Flag => "flag".to_owned(),
            Origin::Environment => format!("MOOT_{}", key.to_uppercase()),
            Origin::File => "config.toml".to_owned(),
            Origin::Default => "default".to_owned(),
        };
        let (text, value) = match &setting.value {
            Value::Text(text) => (text.clone(), json!(text)),
            Value::List(list) => (list.join(" "), json!(list)),
            Value::Flag(on) => (on.to_string(), json!(on)),
        };
        session.out.object(&json!({"key": key, "value": value, "origin": origin}));
        session.out.line(
            Line::new()
                .text(format!("{key:<widest$}  "))
                .strong(if text.is_empty() { "-" } else { &text })
                .faint(format!("  ({origin})")),
        );
    }
    Ok(())
}
