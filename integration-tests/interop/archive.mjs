// Reads an archive with @ipld/car and @ipld/dag-cbor, names every block anew from its bytes, and builds the tree of every
// commit with @atproto/repo from the same entries.
// usage: node archive.mjs FILE (from a folder with the modules); prints the CIDs, sorted, one a line.
import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { CarBlockIterator } from "@ipld/car";
import * as dagCbor from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import { sha256 } from "multiformats/hashes/sha2";

const require = createRequire(import.meta.url);
const { MST, MemoryBlockstore } = require("@atproto/repo");
// The CIDs of that library are those of the version it brings.
const { CID: TheirCID } = createRequire(require.resolve("@atproto/repo"))("multiformats/cid");

const fail = (why) => {
  console.error(`archive.mjs: ${why}`);
  process.exit(1);
};

const archive = await CarBlockIterator.fromIterable(createReadStream(process.argv[2]));
const roots = await archive.getRoots();
if (archive.version !== 1 || roots.length === 0) fail("it is not a CARv1 with roots");
const blocks = new Map();
for await (const { cid, bytes } of archive) {
  const again = CID.createV1(cid.code, await sha256.digest(bytes));
  if (!again.equals(cid)) fail(`${cid} is named wrongly, it is ${again}`);
  if (blocks.has(`${cid}`)) fail(`${cid} is there twice`);
  if (cid.code === dagCbor.code) {
    const value = dagCbor.decode(bytes);
    if (Buffer.compare(dagCbor.encode(value), bytes) !== 0) fail(`${cid} is encoded in another form`);
    blocks.set(`${cid}`, value);
  } else {
    blocks.set(`${cid}`, null);
  }
}
for (const root of roots) if (!blocks.has(`${root}`)) fail(`the root ${root} is not there`);

const walk = function* (cid) {
  const node = blocks.get(`${cid}`) ?? fail(`the node ${cid} is not there`);
  if (node.l) yield* walk(node.l);
  let path = Buffer.alloc(0);
  for (const { p, k, v, t } of node.e) {
    path = Buffer.concat([path.subarray(0, p), k]);
    yield [path.toString("utf8"), v];
    if (t) yield* walk(t);
  }
};

let commits = 0;
let entries = 0;
for (const [cid, commit] of blocks) {
  if (commit?.$type !== "org.folkmoot.commit") continue;
  let tree = await MST.create(new MemoryBlockstore());
  let count = 0;
  for (const [path, record] of walk(commit.data)) {
    if (!blocks.has(`${record}`)) fail(`the record ${record} at ${path} is not there`);
    tree = await tree.add(path, TheirCID.parse(`${record}`));
    count += 1;
  }
  const root = await tree.getPointer();
  if (`${root}` !== `${commit.data}`) fail(`the tree of ${cid} is ${commit.data}, of the same entries @atproto/repo makes ${root}`);
  if (count !== commit.count) fail(`${cid} counts ${commit.count} records, its tree has ${count}`);
  commits += 1;
  entries += count;
}
if (commits === 0) fail("there is no commit in it");
console.error(`${commits} trees with ${entries} entries`);
console.log([...blocks.keys()].sort().join("\n"));
