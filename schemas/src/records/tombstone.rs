//! `org.folkmoot.tombstone`, written at the deleted path when another device of the person holds it.

use serde::{Deserialize, Serialize};

use crate::{card::Card, commit::Audience, error::Fault, kind::Kind, limits};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {}

impl Kind for Tombstone {
    const NAME: &'static str = "org.folkmoot.tombstone";
    const AUDIENCE: Audience = Audience::Public;
    const LIMIT: usize = limits::RSVP;
    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }
    fn card(&self) -> Card {
        Card { kind: "deleted".into(), ..Card::default() }
    }
}
