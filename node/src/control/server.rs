//! Listens on the control socket: one request per connection, several at a time, our own user only.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::wire::{self, WireError};
use crate::request::{Failure, Reply, Request};

/// Requests worked on at the same time; more wait in the listener's queue.
const AT_ONCE: usize = 32;
/// For the whole request to arrive, and for the whole answer to be taken.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes the socket's place. The caller owns the store, so whatever lies there is nobody's.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket lies there")),
        Err(why) if why.kind() == io::ErrorKind::NotFound => {}
        Err(why) => return Err(why),
    }
    let listener = UnixListener::bind(path)?;
    // Its folder is 0700, so nobody could slip in before this.
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until stopped; requests under way are finished by whoever waits for `tasks`.
pub(crate) async fn serve<F, A>(
    listener: UnixListener,
    tasks: tokio_util::task::TaskTracker,
    stop: CancellationToken,
    answer: F,
) where
    F: Fn(Request) -> A + Clone + Send + 'static,
    A: Future<Output = Reply> + Send,
{
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let slot = tokio::select! {
            () = stop.cancelled() => return,
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(why) => {
                tracing::warn!(%why, "the control socket could not take a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let answer = answer.clone();
        tasks.spawn(async move {
            if let Err(why) = converse(stream, answer).await {
                tracing::debug!(%why, "a control connection ended early");
            }
            drop(slot);
        });
    }
}

async fn converse<F, A>(mut stream: UnixStream, answer: F) -> io::Result<()>
where
    F: Fn(Request) -> A,
    A: Future<Output = Reply>,
{
    if stream.peer_cred()?.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "another user"));
    }
    let bytes = timeout(PATIENCE, read(&mut stream)).await??;
    let reply = match wire::read_request(bytes) {
        Ok(request) => answer(request).await,
        Err(why @ WireError::Version(_)) => Reply::Failed(
            Failure::refused(format!("the running node does not understand this command: {why}"))
                .hint("stop it and start it again with this version: moot serve"),
        ),
        Err(why) => Reply::Failed(
            Failure::refused("the running node does not understand this command")
                .because(why.to_string())
                .hint("stop it and start it again with this version: moot serve"),
        ),
    };
    timeout(PATIENCE, stream.write_all(&wire::reply(&reply)?)).await??;
    stream.shutdown().await
}

async fn read(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut head = [0; wire::HEAD];
    stream.read_exact(&mut head).await?;
    let length = wire::length(head)?;
    // Grows with what arrives, not by the length that was claimed.
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::control::client::{self, ControlError};

    struct Running {
        dir: tempfile::TempDir,
        stop: CancellationToken,
        tasks: tokio_util::task::TaskTracker,
    }

    impl Running {
        fn start() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let listener = bind(&dir.path().join("s")).unwrap();
            let (stop, tasks) = (CancellationToken::new(), tokio_util::task::TaskTracker::new());
            let answer = |request: Request| async move {
                match request {
                    Request::PeerAdd { addr } => Reply::Failed(Failure::refused(addr)),
                    _ => Reply::Done,
                }
            };
            tokio::spawn(serve(listener, tasks.clone(), stop.clone(), answer));
            Self { dir, stop, tasks }
        }
        async fn ask(&self, request: Request) -> Result<Reply, ControlError> {
            let path = self.dir.path().join("s");
            tokio::task::spawn_blocking(move || client::request(&path, &request)).await.unwrap()
        }
        async fn stop(self) {
            self.stop.cancel();
            self.tasks.close();
            self.tasks.wait().await;
        }
    }

    #[tokio::test]
    async fn many_clients_are_answered_each_with_its_own_reply() {
        let node = Running::start();
        let asks = (0..40).map(|i| node.ask(Request::PeerAdd { addr: i.to_string() }));
        for (i, reply) in futures::future::join_all(asks).await.into_iter().enumerate() {
            assert!(matches!(reply.unwrap(), Reply::Failed(f) if f.message == i.to_string()));
        }
        node.stop().await;
    }

    #[tokio::test]
    async fn a_client_that_sends_rubbish_is_answered_and_disturbs_nobody() {
        let node = Running::start();
        let path = node.dir.path().join("s");
        let mut stalled = std::os::unix::net::UnixStream::connect(&path).unwrap();
        stalled.write_all(&[0, 0]).unwrap();
        let reply = tokio::task::spawn_blocking(move || {
            let mut stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
            stream.write_all(&[0, 0, 0, 2, 0xff, 0xff]).unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut stream, &mut bytes).unwrap();
            wire::read_reply(bytes[wire::HEAD..].to_vec()).unwrap()
        });
        assert!(matches!(reply.await.unwrap(), Reply::Failed(_)));
        assert!(matches!(node.ask(Request::PeerList).await.unwrap(), Reply::Done));
        drop(stalled);
        node.stop().await;
    }

    #[tokio::test]
    async fn a_stale_socket_means_no_node_and_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        assert!(matches!(client::request(&path, &Request::Status), Err(ControlError::Absent)));
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(matches!(client::request(&path, &Request::Status), Err(ControlError::Absent)));
        let _listener = bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        fs::write(&path, "letter").unwrap();
        assert!(bind(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"letter");
    }

    #[tokio::test]
    async fn a_socket_in_a_folder_others_can_write_to_is_not_trusted() {
        let node = Running::start();
        fs::set_permissions(node.dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(node.ask(Request::Status).await, Err(ControlError::Io(_))));
        node.stop().await;
    }
}
