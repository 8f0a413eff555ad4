//! The driver leaves Nagle's algorithm on (transact-rs/sqlx#4335, mended after 0.9.0): with TLS each
//! statement of more than one TLS record then waits 40 ms for the server's delayed acknowledgement. The
//! driver does not give its socket out, so it is found by whom it talks to. To be deleted with the driver's
//! next release.

use std::os::fd::BorrowedFd;

use socket2::SockRef;

/// Where a process finds its own descriptors, on Linux and macOS alike.
const OWN: &str = "/dev/fd";

/// Turns Nagle's algorithm off on every TCP connection of this process to `port`. Where that fails,
/// statements are slow and right.
pub(super) fn set(port: u16) {
    let Ok(entries) = std::fs::read_dir(OWN) else {
        return;
    };
    let numbers = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse::<i32>().ok());
    // Listing them opens one more, which is closed by then.
    for number in numbers.collect::<Vec<_>>() {
        #[allow(
            unsafe_code,
            reason = "a descriptor can only be named by its number here"
        )]
        // SAFETY: borrowed for two calls that any number may be passed to. Closed meanwhile, they fail; reused
        // meanwhile, the option is set on another connection to the same port, or not at all.
        let socket = unsafe { BorrowedFd::borrow_raw(number) };
        let socket = SockRef::from(&socket);
        let peer = socket.peer_addr().ok().and_then(|peer| peer.as_socket());
        if peer.is_some_and(|peer| peer.port() == port) {
            let _ = socket.set_tcp_nodelay(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_connection_is_found_by_the_port_it_goes_to() {
        let listeners = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = listeners.each_ref().map(|l| l.local_addr().unwrap().port());
        let streams = ports.map(|port| TcpStream::connect(("127.0.0.1", port)).unwrap());
        set(ports[0]);
        assert_eq!(
            streams.each_ref().map(|s| s.nodelay().unwrap()),
            [true, false]
        );
    }
}
