//! Derived ids: sha256(dag-cbor([parts])), as lower-case base32 cut to a stated length. An absent part is null.

/// Hash of the parts encoded as one DAG-CBOR list of text or null.
pub fn digest(_parts: &[Option<&str>]) -> [u8; 32] {
    todo!()
}

/// The first `len` characters of the digest's lower-case base32 (no padding).
pub fn id(_parts: &[Option<&str>], _len: usize) -> String {
    todo!()
}
