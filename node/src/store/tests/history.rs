//! What of an event's versions is told to everybody: those that counted, of people who still answer for them.

use folkmoot_schemas::{
    records::{
        event::{Event, Status},
        revision::Right,
    },
    roster::Cut,
};

use super::{
    revisions::{Club, gig},
    *,
};
use crate::store::read_history::Written;

const AT: &str = "2026-05-02T20:00";

impl Club {
    /// Name of the event, by whom, and whether it is the author's own.
    fn told(&self, scope: Scope) -> Vec<(String, Option<Right>)> {
        let view = self.store.view(scope).unwrap();
        let all = view.event_history(&self.entry(scope)).unwrap().into_iter();
        all.map(|version| match version.written {
            Written::Own(event) => (event.name, None),
            Written::Revision(right, revision) => (revision.event.name, Some(right)),
        })
        .collect()
    }

    fn names(&self) -> Vec<String> {
        self.told(Scope::Public).into_iter().map(|(name, _)| name).collect()
    }

    fn was_changed(&self) -> bool {
        self.store.view(Scope::Public).unwrap().was_changed(&self.entry(Scope::Public)).unwrap()
    }

    fn edit(&self, who: &Person, seconds: u64, event: Event) {
        let change = vec![edit(&self.gig.path(), event)];
        who.commit(&self.store, self.community, Audience::Public, NOON + seconds * SECOND, change);
    }

    fn operate(&self, seconds: u64, act: Act) {
        let deps = self.store.view(Scope::Members).unwrap().community(&self.community).unwrap().unwrap().state;
        let deps = deps.deps(&self.ada.did(), &[]);
        let mut batch = Batch::new(self.community, Audience::Members);
        batch.ops.push(self.ada.op(self.community, deps, NOON + seconds * SECOND, act, None));
        assert!(self.store.apply(batch, ARRIVAL).unwrap().refused.is_empty());
    }
}

#[test]
fn versions_are_told_in_order_each_with_its_right() {
    let club = Club::new();
    assert!(!club.was_changed());
    club.write(&club.cy, 1, club.seen(), gig("By Cy", AT, &[]));
    club.write(&club.ada, 2, club.seen(), gig("By Ada", AT, &[]));
    club.edit(&club.bo, 3, gig("Edited", AT, &[&club.cy]));
    let told = |name: &str, right| (name.to_owned(), right);
    let all = [
        told("Gig", None),
        told("By Cy", Some(Right::Host)),
        told("By Ada", Some(Right::Steward)),
        told("Edited", None),
    ];
    for scope in [Scope::Public, Scope::Members] {
        assert_eq!(club.told(scope), all);
    }
    assert!(club.was_changed());
}

#[test]
fn what_a_retired_device_wrote_is_not_told_though_its_proof_is_still_here() {
    let mut club = Club::new();
    let phone = club.bo.second_device(9);
    let mut batch = Batch::new(club.community, Audience::Public);
    batch.identities.push(club.bo.identity.clone());
    club.store.apply(batch, ARRIVAL).unwrap();
    for (n, name) in ["Stolen", "Stolen again"].into_iter().enumerate() {
        club.edit(&phone, 1 + n as u64, gig(name, AT, &[&club.cy]));
    }
    // The co-host went by what the thief had written.
    club.write(&club.cy, 3, club.seen(), gig("Misled", AT, &[]));
    assert_eq!(club.names(), ["Gig", "Stolen", "Stolen again", "Misled"]);

    let mut batch = Batch::new(club.community, Audience::Public);
    batch.identities.push(identity(&club.bo.root, Some(&club.bo.identity), &[&club.bo.device]));
    club.store.apply(batch, ARRIVAL).unwrap();
    let kept = club.store.view(Scope::Public).unwrap().versions(&club.gig).unwrap();
    assert_eq!(kept.len(), 1, "else this shows nothing");
    assert_eq!(club.names(), ["Gig"]);
    assert!(!club.was_changed());
    club.edit(&club.bo, 5, gig("Mine again", AT, &[]));
    assert_eq!(club.names(), ["Gig", "Mine again"]);
}

#[test]
fn of_who_is_out_no_more_is_told_than_what_counts_today() {
    let club = Club::new();
    for (n, name) in ["First by Cy", "Second by Cy"].into_iter().enumerate() {
        club.write(&club.cy, 1 + n as u64, club.seen(), gig(name, AT, &[]));
    }
    assert_eq!(club.names(), ["Gig", "First by Cy", "Second by Cy"]);
    let out = |who: &Person, seconds: u64| {
        let heads = club.store.view(Scope::Members).unwrap().heads(&club.community).unwrap().into_iter();
        let heads = heads.filter(|head| head.repo.did == who.did());
        let cut: Cut = heads.filter_map(|head| Some((head.repo, head.held?))).collect();
        club.operate(seconds, Act::Remove { did: who.did(), cut, reason: None });
    };
    out(&club.cy, 3);
    assert_eq!(club.names(), ["Gig", "Second by Cy"]);
    club.edit(&club.bo, 4, gig("By Bo", AT, &[&club.cy]));
    assert_eq!(club.names(), ["Gig", "By Bo"]);
    // The event of an author who is out stands as it was.
    out(&club.bo, 5);
    assert_eq!(club.names(), ["By Bo"]);
    assert!(!club.was_changed());
}

#[test]
fn what_was_written_for_members_is_told_to_nobody_else() {
    let club = Club::new();
    for (n, name) in ["Secret", "Very secret"].into_iter().enumerate() {
        club.write_for(Audience::Members, &club.cy, 1 + n as u64, club.seen(), gig(name, AT, &[]));
        let change = vec![edit(&club.gig.path(), gig(name, AT, &[&club.cy]))];
        club.bo.commit(&club.store, club.community, Audience::Members, NOON + (n as u64 + 1) * SECOND, change);
    }
    assert_eq!(club.store.view(Scope::Members).unwrap().versions(&club.gig).unwrap().len(), 1);
    assert_eq!(club.names(), ["Gig"]);
    assert!(!club.was_changed());
    club.edit(&club.bo, 9, gig("Open", AT, &[]));
    assert_eq!(club.names(), ["Gig", "Open"]);
    assert_eq!(club.told(Scope::Members), club.told(Scope::Public), "it is a public event");
}

#[test]
fn a_right_that_came_later_makes_nothing_of_what_was_written_before() {
    let club = Club::new();
    let first = club.seen();
    let off = |name: &str| Event { status: Status::Cancelled, ..gig(name, AT, &[]) };
    club.write(&club.dee, 1, first, off("By a member"));
    club.write(&club.cy, 2, first, gig("By Cy", AT, &[]));
    assert_eq!(club.names(), ["Gig", "By Cy"]);
    club.edit(&club.bo, 3, gig("With Dee", AT, &[&club.dee]));
    let told = club.told(Scope::Public);
    assert_eq!(told.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Gig", "By Cy", "With Dee"]);
    assert_eq!(told[1].1, Some(Right::Host), "Cy was one then");
    club.write(&club.dee, 4, club.seen(), gig("By Dee", AT, &[]));
    assert_eq!(club.names(), ["Gig", "By Cy", "With Dee", "By Dee"]);
    // Nor does one that was made from nothing that is known, or a role that came later.
    let unknown = *Block::encode("nothing").unwrap().cid();
    club.write(&club.cy, 5, unknown, gig("Out of the blue", AT, &[]));
    assert_eq!(club.names(), ["Gig", "By Cy", "With Dee", "By Dee"]);
    let club = Club::new();
    club.write(&club.dee, 1, club.seen(), off("By a member"));
    club.edit(&club.bo, 2, gig("Edited", AT, &[]));
    club.operate(3, Act::Add { did: club.dee.did(), role: Role::Steward, was: None });
    assert_eq!(club.names(), ["Gig", "Edited"]);
}

#[test]
fn a_change_stands_after_what_it_was_made_from_whatever_its_writers_clock_said() {
    let club = Club::new();
    club.edit(&club.bo, 3600, gig("An hour ahead", AT, &[&club.cy]));
    club.write(&club.cy, 600, club.seen(), Event { status: Status::Cancelled, ..gig("Off", AT, &[]) });
    assert_eq!(club.entry(Scope::Public).record.as_event().unwrap().status, Status::Cancelled);
    assert_eq!(club.names(), ["Gig", "An hour ahead", "Off"]);
    let view = club.store.view(Scope::Public).unwrap();
    let last = view.event_history(&club.entry(Scope::Public)).unwrap().pop().unwrap();
    assert_eq!(last.cid, club.entry(Scope::Public).shown_cid());
}
