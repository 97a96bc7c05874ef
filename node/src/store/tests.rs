//! Two stores and everything between them.
