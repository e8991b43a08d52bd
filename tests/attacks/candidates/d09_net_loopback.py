"""Create INET, abstract UNIX, NETLINK and VSOCK sockets, a socket pair, and report which kinds were given out."""

import _socket

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_VSOCK = 1, 2, 10, 16, 40
SOCK_STREAM, SOCK_DGRAM, SOCK_RAW = 1, 2, 3

created = []
for family, kind in (
    (AF_INET, SOCK_STREAM),
    (AF_INET, SOCK_DGRAM),
    (AF_INET6, SOCK_STREAM),
    (AF_UNIX, SOCK_STREAM),
    (AF_NETLINK, SOCK_RAW),
    (AF_VSOCK, SOCK_STREAM),
):
    try:
        _socket.socket(family, kind).close()
        created.append(family)
    except OSError:
        pass
try:
    for end in _socket.socketpair():
        end.close()
    created.append("pair")
except OSError:
    pass


def run(text):
    answer = "\n".join(dict.fromkeys(text.split("\n")))
    return answer + (f"\nsockets {created}" if created else "")
