use super::*;

/// The vector of RFC 8032 §7.1, test 2, in the text form of the did:key method.
const SEED: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
const PUBLIC: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
}

fn secret() -> Secret {
    Secret::from_seed(bytes(SEED))
}

#[test]
fn a_seed_gives_the_key_of_the_specification() {
    assert_eq!(*secret().did().as_bytes(), bytes::<32>(PUBLIC));
    assert_eq!(*secret().seed(), bytes::<32>(SEED));
}

#[test]
fn the_text_of_a_key_is_did_key_and_reads_back() {
    let did = secret().did();
    let text = did.to_string();
    assert!(text.starts_with("did:key:z6Mk"), "{text}");
    assert_eq!(text.parse::<Did>(), Ok(did));
    assert_eq!((did.short().as_str(), did.short().as_str()), (&text[text.len() - 8..], end_of(&text)));
}

#[test]
fn a_key_has_exactly_one_text() {
    let text = secret().did().to_string();
    let key = &text["did:key:z".len()..];
    let inner =
        |prefix: [u8; 2], rest: &[u8]| format!("did:key:z{}", bs58::encode([&prefix[..], rest].concat()).into_string());
    let refused = [
        text.to_uppercase(),
        format!("did:key:{key}"),
        format!("did:key:z1{key}"),
        format!("{text}1"),
        format!(" {text}"),
        format!("{text}#{key}"),
        text[..text.len() - 1].to_owned(),
        format!("did:key:z{}", "1".repeat(100_000)),
        format!("did:key:z{}0", &key[1..]),
        inner([0xec, 0x01], &bytes::<32>(PUBLIC)),
        inner(ED25519_PUB, &bytes::<32>(PUBLIC)[..31]),
        format!("did:key:z{}", bs58::encode(bytes::<32>(PUBLIC)).into_string()),
        "did:key:z".to_owned(),
        String::new(),
    ];
    for text in refused {
        assert!(text.parse::<Did>().is_err(), "{text:.80}");
    }
}

/// All encodings of the points of small order that decoders are known to take, canonical or not.
#[test]
fn keys_of_small_order_cannot_be_constructed() {
    let weak = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ];
    for hex in weak {
        assert!(Did::from_bytes(bytes(hex)).is_err(), "{hex}");
    }
}

/// y = p + 3 is a second encoding of the point with y = 3.
#[test]
fn a_second_encoding_of_a_point_is_no_key() {
    let mut canonical = [0; 32];
    canonical[0] = 3;
    let mut second = [0xff; 32];
    second[0] = 0xf0;
    second[31] = 0x7f;
    assert!(Did::from_bytes(canonical).is_ok());
    assert!(VerifyingKey::from_bytes(&second).is_ok(), "the library takes it, so the check is ours");
    assert!(Did::from_bytes(second).is_err());
}

#[test]
fn bytes_that_are_no_point_are_no_key() {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    assert!(Did::from_bytes(bytes).is_err());
}

#[test]
fn a_signature_counts_for_its_key_kind_and_payload_only() {
    let sig = secret().sign("commit", b"payload");
    let did = secret().did();
    assert_eq!(did.verify("commit", b"payload", &sig), Ok(()));
    assert_eq!(did.verify("identity", b"payload", &sig), Err(Error::Signature("identity")));
    assert_eq!(did.verify("commit", b"payloae", &sig), Err(Error::Signature("commit")));
    assert!(Secret::from_seed([9; 32]).did().verify("commit", b"payload", &sig).is_err());
    let plain = Sig(secret().0.sign(b"folkmoot/commit/1\0payload").to_bytes());
    assert_eq!(sig, plain, "the prefix is part of the format");
}

/// S + L signs the same for a lax verifier: a second CID for the same commit.
#[test]
fn a_signature_with_s_beyond_the_order_is_refused() {
    const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let mut sig = secret().sign("commit", b"payload");
    let mut carry = 0;
    for (byte, order) in sig.0[32..].iter_mut().zip(bytes::<32>(ORDER)) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert!(secret().did().verify("commit", b"payload", &sig).is_err());
}

/// R is the identity and S = k·a: the equation holds, so a lax verifier accepts it, and could accept it under other keys
/// of small order, too.
#[test]
fn a_signature_with_r_of_small_order_is_refused() {
    use sha2::{Digest, Sha512};
    use std::ops::{Add, Mul};

    /// The number modulo the order of the group, by Horner's rule: the type of `like` has no name here.
    fn reduce<T: Copy + From<u64> + Add<Output = T> + Mul<Output = T>>(_like: T, little_endian: &[u8]) -> T {
        little_endian.iter().rev().fold(T::from(0), |sum, byte| sum * T::from(256) + T::from(u64::from(*byte)))
    }

    let message = message("commit", b"payload");
    let a = secret().0.to_scalar();
    let identity: [u8; 32] = bytes(&format!("01{}", "00".repeat(31)));
    let hash = Sha512::new().chain_update(identity).chain_update(secret().did().as_bytes()).chain_update(&message);
    let s = reduce(a, &hash.finalize()) * a;
    let sig = Sig([identity, s.to_bytes()].concat().try_into().unwrap());
    assert!(secret().0.verify(&message, &Signature::from_bytes(&sig.0)).is_ok(), "the case is not what it claims");
    assert_eq!(secret().did().verify("commit", b"payload", &sig), Err(Error::Signature("commit")));
}

/// With the identity as key and R, S = 0 fits every message. Stored bytes are trusted, and still it does not verify.
#[test]
fn a_weak_key_verifies_nothing_even_when_trusted() {
    let identity = format!("01{}", "00".repeat(31));
    let sig = Sig(bytes(&format!("{identity}{}", "00".repeat(32))));
    let weak = VerifyingKey::from_bytes(&bytes(&identity)).unwrap();
    let lax = ed25519_dalek::Verifier::verify(&weak, b"anything", &Signature::from_bytes(&sig.0));
    assert!(lax.is_ok(), "the case is not what it claims");
    assert!(Did::trusted(bytes(&identity)).verify("commit", b"payload", &sig).is_err());
}

#[test]
fn a_signature_in_a_block_is_64_bytes() {
    use crate::block::Block;
    let sig = secret().sign("commit", b"payload");
    let block = Block::encode(&sig).unwrap();
    assert_eq!(block.bytes()[..2], [0x58, 64]);
    assert_eq!(block.view::<Sig>(), Ok(sig));
    for length in [0, 63, 65] {
        let block = Block::encode(serde_bytes::Bytes::new(&vec![7; length])).unwrap();
        assert!(block.view::<Sig>().is_err());
    }
    assert!(Block::encode(&vec![7; 64]).unwrap().view::<Sig>().is_err(), "a list of numbers is not a byte string");
}

#[test]
fn nothing_secret_is_printed() {
    assert_eq!(format!("{:?}", secret()), "Secret(…)");
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_key_or_an_error(text in "(did:key:z)?.{0,60}") {
        if let Ok(did) = text.parse::<Did>() {
            proptest::prop_assert_eq!(did.to_string(), text);
        }
    }
}
