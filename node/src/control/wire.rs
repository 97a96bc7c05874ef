//! Frames: 4-byte big-endian length, DAG-CBOR `{v, request}` / `{v, reply}`.
