//! Frames of `/folkmoot/sync/1`.
