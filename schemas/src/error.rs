//! What can be wrong with bytes: one enum for the whole crate, since every caller asks the same question of it
//! ("whose fault, and what do I tell them?").

/// Why bytes, a signature, a structure or a field were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are not strict DAG-CBOR, or not of the expected shape. See [`Refusal`].
    #[error("not a valid block: {0}")]
    Decode(#[from] Refusal),
    /// The bytes do not hash to the CID that names them.
    #[error("the bytes of block {0} were changed")]
    Hash(String),
    /// A key, CID, TID, URI or link is not written as the specification says.
    #[error("{what} is not valid: {why}")]
    Syntax { what: &'static str, why: String },
    /// A signature does not fit the key, or the key is not one that may sign.
    #[error("{0} has a wrong signature")]
    Signature(&'static str),
    /// A structure (commit, tree, roster, archive …) breaks one of its rules.
    #[error("{what}: {why}")]
    Structure { what: &'static str, why: String },
    /// A record's field is outside its limits. Hides the record on pages; never makes a replica refuse a commit.
    #[error("{0}")]
    Fault(#[from] Fault),
}

/// Why the single decoder refused bytes. Each is named so that a test can ask for the right one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{size} bytes, {limit} are allowed")]
    Size { size: usize, limit: usize },
    #[error("floating-point numbers are not allowed")]
    Float,
    #[error("an integer is outside ±(2^53−1)")]
    Integer,
    #[error("nested deeper than {0} levels")]
    Depth(usize),
    #[error("a link is not a CIDv1 with sha2-256 and an allowed codec")]
    Link,
    #[error("not canonical DAG-CBOR: {0}")]
    NotCanonical(&'static str),
    #[error("the bytes end early")]
    Truncated,
    #[error("bytes follow the value")]
    Trailing,
    #[error("unexpected shape: {0}")]
    Shape(String),
}

/// A field outside its limits, in words a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Fault {
    /// Name of the field as in the specification, e.g. `places[0].name`.
    pub field: String,
    /// What is wrong, e.g. "is 212 characters long, 200 are allowed".
    pub reason: String,
}

impl Fault {
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}
