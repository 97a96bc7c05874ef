//! Reading `config.toml`, and changing one value in it without touching comments or order.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use toml::de::DeTable;

use super::{ConfigError, Value};

fn io_error(path: &Path, source: io::Error) -> ConfigError {
    ConfigError::Io { path: path.to_owned(), source }
}

pub(super) fn text_of(path: &Path) -> Result<String, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(io_error(path, source)),
    }
}

pub(super) fn table(path: &Path, text: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|why: toml::de::Error| syntax(path, &why))
}

fn syntax(path: &Path, why: &toml::de::Error) -> ConfigError {
    ConfigError::Syntax { path: path.to_owned(), why: why.message().to_owned() }
}

/// Replaces the value of `key` where it stands, or adds a line at the end (there are no tables in this file).
pub(super) fn edited(path: &Path, text: &str, key: &str, value: Option<&Value>) -> Result<String, ConfigError> {
    let mut text = text.to_owned();
    let span = {
        let table = DeTable::parse(&text).map_err(|why| syntax(path, &why))?;
        table.get_ref().iter().find(|(k, _)| k.get_ref() == key).map(|(k, v)| (k.span(), v.span()))
    };
    match (span, value) {
        (Some((_, at)), Some(value)) => text.replace_range(at, &value.to_toml().to_string()),
        (Some((name, at)), None) => text.replace_range(name.start..at.end, ""),
        (None, Some(value)) => {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&format!("{key} = {}\n", value.to_toml()));
        }
        (None, None) => {}
    }
    Ok(text)
}

/// Under a temporary name, synced, renamed: a cut leaves the old file or the new one.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), ConfigError> {
    let replace = || {
        let temporary = path.with_extension(format!("toml.{}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    };
    replace().map_err(|e| io_error(path, e))
}
