//! What a liar does to what it sends.

use folkmoot_schemas::{Cid, block, commit::HeadRef};

use super::{super::message::Frame, Dice};
use crate::sync::message::{Answer, Part};

fn any_cid(dice: &mut Dice) -> Cid {
    block::cid_of(block::DAG_CBOR, &dice.below(u64::MAX).to_be_bytes())
}

/// Heads that do not exist, communities said to be the same, proofs by somebody else, claims of admission.
pub(super) fn frame(dice: &mut Dice, frame: &mut Frame) {
    if dice.below(3) == 0 {
        return;
    }
    match frame {
        Frame::Listing(listing) => {
            for listed in &mut listing.communities {
                for row in &mut listed.repos {
                    let known = &mut row.0.known;
                    *known = HeadRef { rev: folkmoot_schemas::Tid::new(known.rev.micros() + 5, 0), cid: any_cid(dice) };
                    row.0.held = Some(*known);
                }
                listed.roster.push(any_cid(dice));
                listed.same &= dice.below(2) == 0;
            }
        }
        Frame::Hello(hello) => hello.sig.0[7] ^= 1,
        Frame::Welcome(welcome) => welcome.answer = Answer::Ok,
        Frame::Heads(heads) => {
            for ask in &mut heads.communities {
                ask.digest = Some([dice.below(256) as u8; 32]);
            }
        }
        Frame::Notify(notify) => {
            let last = notify.announce.len() - 1;
            notify.announce[last] ^= 1;
        }
        _ => {}
    }
}

/// Records left out or renamed, archives cut off, answers without an end.
pub(super) fn answer(dice: &mut Dice, frames: &mut Vec<Frame>) {
    for frame in frames.iter_mut() {
        let Frame::Part(part) = frame else { continue };
        match dice.below(6) {
            0 => spoil_deltas(part),
            1 => part.car.truncate(part.car.len() / 2),
            2 => {
                let middle = part.car.len() / 2;
                part.car[middle] ^= 0x40;
            }
            3 => part.deltas.iter_mut().for_each(|delta| delta.more = Some("a/b".into())),
            4 => part.ops.reverse(),
            _ => {}
        }
    }
    if dice.below(4) == 0 {
        frames.pop();
    }
}

fn spoil_deltas(part: &mut Part) {
    for delta in &mut part.deltas {
        delta.put.pop();
        delta.gone.push("org.folkmoot.post/self".into());
    }
}
