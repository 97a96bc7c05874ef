//! Signatures and keys on which verifiers are known to disagree, in the manner of "Taming the many EdDSAs" (Chalkias,
//! Garillot, Nikolaenko, 2020), made here for our prefix. A verifier that answers differently splits replicas.

use std::{collections::BTreeMap, fs};

use curve25519_dalek::{
    constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION},
    edwards::EdwardsPoint,
    scalar::Scalar,
};
use data_encoding::HEXLOWER;
use folkmoot_schemas::{Did, key::Sig};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};

const KIND: &str = "commit";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Case {
    what: String,
    key: String,
    /// The signature is over `folkmoot/commit/1`, a zero byte, and this.
    payload: String,
    signature: String,
    /// `key` or `signature`: which of them is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    /// What the equations say, before any rule on the form of points and numbers: without the cofactor, and with it.
    equation: [bool; 2],
}

fn scalar(seed: &[u8]) -> Scalar {
    Scalar::from_bytes_mod_order_wide(&Sha512::digest(seed).into())
}

fn challenge(r: &[u8; 32], key: &[u8; 32], payload: &[u8]) -> Scalar {
    let message = [b"folkmoot/commit/1\0", payload].concat();
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

/// The field's prime, 2^255 - 19, plus `n`: another spelling of y = n, for n up to 18.
fn beyond(n: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + n;
    bytes[31] = 0x7f;
    bytes
}

/// S + L: the same number modulo the order of the group.
fn plus_order(s: [u8; 32]) -> [u8; 32] {
    // -1 is L - 1, so S + L is S + (-1) + 1 as numbers of 256 bits.
    let order_less_one = (Scalar::ZERO - Scalar::ONE).to_bytes();
    let mut sum = [0; 32];
    let mut carry = 1;
    for (at, byte) in sum.iter_mut().enumerate() {
        let digit = u16::from(s[at]) + u16::from(order_less_one[at]) + carry;
        *byte = (digit & 0xff) as u8;
        carry = digit >> 8;
    }
    assert_eq!(carry, 0);
    sum
}

struct Maker {
    /// A secret number and a nonce.
    a: Scalar,
    r: Scalar,
    /// A point of order 8.
    eight: EdwardsPoint,
}

impl Maker {
    /// The first payload for which the two equations give the wanted answers, with S = r + k·a.
    fn case(&self, what: &str, key: [u8; 32], r: [u8; 32], refused: Option<&str>, wanted: [bool; 2], s: Form) -> Case {
        let found = (0_u32..10_000).find_map(|n| {
            let payload = n.to_be_bytes();
            let k = challenge(&r, &key, &payload);
            let nonce = if s.nonce { self.r } else { Scalar::ZERO };
            let secret = if s.secret { self.a } else { Scalar::ZERO };
            let number = nonce + k * secret;
            (equations(&key, &r, &number, &k) == wanted).then_some((payload, number.to_bytes()))
        });
        let (payload, number) = found.unwrap_or_else(|| panic!("{what}: there is no such case"));
        let number = if s.plus_order { plus_order(number) } else { number };
        Case {
            what: what.into(),
            key: HEXLOWER.encode(&key),
            payload: HEXLOWER.encode(&payload),
            signature: HEXLOWER.encode(&[r, number].concat()),
            refused: refused.map(Into::into),
            equation: wanted,
        }
    }
}

/// What S is made of.
#[derive(Clone, Copy)]
struct Form {
    nonce: bool,
    secret: bool,
    plus_order: bool,
}

const WHOLE: Form = Form { nonce: true, secret: true, plus_order: false };

/// S·B = R + k·A, as it stands and times eight.
fn equations(key: &[u8; 32], r: &[u8; 32], s: &Scalar, k: &Scalar) -> [bool; 2] {
    let point = |bytes: &[u8; 32]| curve25519_dalek::edwards::CompressedEdwardsY(*bytes).decompress();
    let (Some(a), Some(r)) = (point(key), point(r)) else { return [false, false] };
    let rest = s * ED25519_BASEPOINT_POINT - r - k * a;
    [rest == EdwardsPoint::default(), rest.mul_by_cofactor() == EdwardsPoint::default()]
}

fn cases() -> Vec<Case> {
    let maker = Maker { a: scalar(b"a secret number"), r: scalar(b"a nonce"), eight: EIGHT_TORSION[1] };
    let bytes = |point: EdwardsPoint| point.compress().to_bytes();
    let (key, r) = (maker.a * ED25519_BASEPOINT_POINT, maker.r * ED25519_BASEPOINT_POINT);
    let (weak, mixed_key, mixed_r) = (bytes(maker.eight), bytes(key + maker.eight), bytes(r + maker.eight));
    let (key, r) = (bytes(key), bytes(r));
    let nonce_only = Form { secret: false, ..WHOLE };
    let secret_only = Form { nonce: false, ..WHOLE };
    let nothing = Form { nonce: false, secret: false, ..WHOLE };
    // y = 1 is the point that changes nothing; p + 1 spells it a second time, and so does 1 with the sign bit.
    let zero = bytes(EdwardsPoint::default());
    let mut zero_signed = zero;
    zero_signed[31] |= 0x80;
    vec![
        maker.case("an ordinary signature", key, r, None, [true, true], WHOLE),
        maker.case("key and R of small order, S = 0", weak, weak, Some("key"), [true, true], nothing),
        maker.case("key of small order, R of mixed order", weak, mixed_r, Some("key"), [true, true], nonce_only),
        maker.case(
            "key of mixed order, R of small order",
            mixed_key,
            weak,
            Some("signature"),
            [true, true],
            secret_only,
        ),
        maker.case(
            "key and R of mixed order, what is too much cancels out",
            mixed_key,
            mixed_r,
            None,
            [true, true],
            WHOLE,
        ),
        maker.case(
            "key and R of mixed order, true only times eight",
            mixed_key,
            mixed_r,
            Some("signature"),
            [false, true],
            WHOLE,
        ),
        maker.case("key of mixed order, true by the choice of the message", mixed_key, r, None, [true, true], WHOLE),
        maker.case("key of mixed order, true only times eight", mixed_key, r, Some("signature"), [false, true], WHOLE),
        maker.case("R of mixed order, true only times eight", key, mixed_r, Some("signature"), [false, true], WHOLE),
        maker.case("R of small order, S = k·a", key, zero, Some("signature"), [true, true], secret_only),
        maker.case("S + L", key, r, Some("signature"), [true, true], Form { plus_order: true, ..WHOLE }),
        maker.case(
            "R of small order in a second spelling",
            key,
            beyond(1),
            Some("signature"),
            [true, true],
            secret_only,
        ),
        maker.case(
            "R of small order with the sign of zero",
            key,
            zero_signed,
            Some("signature"),
            [true, true],
            secret_only,
        ),
        maker.case("key of small order in a second spelling", beyond(1), r, Some("key"), [true, true], nonce_only),
        maker.case("key of small order with the sign of zero", zero_signed, r, Some("key"), [true, true], nonce_only),
        maker.case("key of order four in a second spelling", beyond(0), r, Some("key"), [true, true], nonce_only),
    ]
}

#[test]
fn signatures_on_which_verifiers_disagree_are_judged_as_written_down() {
    let path = crate::path("signatures.json");
    let made = cases();
    if std::env::var_os("MOOT_WRITE_VECTORS").is_some() && !path.exists() {
        fs::write(&path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let kept: Vec<Case> = crate::file("signatures.json");
    assert_eq!(made, kept, "the cases are no longer what they were");
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &kept {
        let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).unwrap();
        let sig = Sig(bytes(&case.signature).try_into().unwrap());
        let answer = match Did::from_bytes(bytes(&case.key).try_into().unwrap()) {
            Err(_) => Some("key"),
            Ok(did) => did.verify(KIND, &bytes(&case.payload), &sig).err().map(|_| "signature"),
        };
        assert_eq!(answer, case.refused.as_deref(), "{}", case.what);
        *answers.entry(answer.unwrap_or("accepted")).or_default() += 1;
    }
    assert!(answers.len() == 3, "{answers:?}");
}
