"""Reads an archive with dag-cbor and multiformats, and names every block anew from its bytes.

usage: archive.py FILE; prints the CIDs, sorted, one a line.
"""

import sys
from io import BytesIO
from pathlib import Path

import dag_cbor
from multiformats import CID, multihash, varint

stream = BytesIO(Path(sys.argv[1]).read_bytes())


def section():
    """The next one, or None at the end."""
    if stream.tell() == len(stream.getbuffer()):
        return None
    length = varint.decode(stream)
    data = stream.read(length)
    assert len(data) == length, "the archive ends early"
    return data


header = dag_cbor.decode(section())
assert header["version"] == 1 and header["roots"], header
found = []
while (data := section()) is not None:
    # Version 1, codec, sha2-256: 36 bytes.
    cid, block = CID.decode(data[:36]), data[36:]
    again = CID("base32", 1, cid.codec, multihash.digest(block, "sha2-256"))
    assert again == cid, f"{cid} is named wrongly, it is {again}"
    if cid.codec.name == "dag-cbor":
        value = dag_cbor.decode(block)
        assert dag_cbor.encode(value) == block, f"{cid} is encoded in another form"
    found.append(str(cid.set(base="base32")))
assert len(set(found)) == len(found), "a block is there twice"
assert all(str(root.set(base="base32")) in found for root in header["roots"]), "a root is not there"
print("\n".join(sorted(found)))
