//! How fast the data layer is, as ratios to floors measured in the same run: what hashing, decoding and a bare database
//! loop take for the same rows. Fails when a ratio misses what is promised.
//!
//! usage: see CONTRIBUTING.md. 2 000 posts unless another number is given.

#![allow(clippy::print_stdout, reason = "figures go to the output")]

mod figures;
mod floor;
mod minimal;
mod processes;
mod world;

use std::{process::ExitCode, time::Instant};

use figures::{Figures, mib, paired};
use world::World;

const POSTS: usize = 2_000;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [word, file, key] = &args[..]
        && word == minimal::WORD
    {
        minimal::run(file.as_ref(), key.as_ref());
        return ExitCode::SUCCESS;
    }
    let posts = args.first().map_or(POSTS, |n| n.parse().expect("the number of posts"));
    let mut figures = Figures::new();

    let world = World::new();
    let (records, mean) = world::records(posts);
    figures.say(format!("{posts} posts, records of {mean} bytes on average"));

    // Publishing: one call, one commit, durable.
    let drafts = world::drafts(&records);
    let start = Instant::now();
    let published = world.publish(drafts);
    let took = start.elapsed();
    let floor = floor::publish(&records, &world.path("floor-publish"));
    figures.ratio("publish in bulk", floor, took, 0.5);

    // Taking the same from a peer: answers of the size a pull has.
    let answers = world.answers();
    let floor = floor::receive(&records, &answers, &world.path("floor-receive"));
    let start = Instant::now();
    let taken = world.take(answers);
    let took = start.elapsed();
    assert_eq!(taken, published, "everything arrived");
    figures.ratio("verify and store", floor, took, 0.5);

    // One commit on a large repository and on a small one.
    let small = World::new();
    small.publish(world::drafts(&world::records(posts / 100).0));
    let (large, small) = paired(31, || world.publish_one(), || small.publish_one());
    figures.times(&format!("one commit on {posts} against {}", posts / 100), small, large, 3.0);

    let home = world.close();
    // As a node leaves it that has swept.
    home.ok(&["sweep"]);
    let (file, blocks) = processes::disk(&home);
    figures.most("disk, settled, of all block bytes", file as f64 / blocks as f64, 1.6);
    figures.say(format!("  {} of {}", mib(file), mib(blocks)));

    let ready = processes::restart(&home);
    figures.within("ready after a stop", ready, 2.0);
    let ready = processes::restart_after_kill(&home);
    figures.within("ready after kill -9", ready, 2.0);
    let (post, least) = processes::post_against_minimal(&home);
    figures.times("moot post, of a minimal process", least, post, 2.0);
    figures.say(format!("  where one sync takes {:.2?}", processes::sync(&home)));
    if figures.kept() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
