//! Accepts on the socket and answers with `Node::request`.
