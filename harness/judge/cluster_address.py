"""ClusterAddress: connects to a Dask scheduler, or starts one on this machine."""

from __future__ import annotations

import ipaddress
import os
import signal
import threading
from typing import Any
from urllib.parse import urlsplit

from harness.core.errors import InfraError, MissingExtraError, UsageError

LOCAL = "local"
"""In place of an address: scheduler and workers are started here, for as long as they are needed."""
CONNECT_SECONDS = 30.0


def require_safe(address: str, *, insecure: bool) -> None:
    """Check that secrets (seeds, oracles) do not cross a network unencrypted.

    Args:
        address: `local`, `tcp://HOST:PORT` or `tls://HOST:PORT`.
        insecure: Whether they may.

    Raises:
        UsageError: if they would, or it is not an address.
    """
    if address == LOCAL:
        return
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or not _has_port(address):
        raise UsageError("it is not the address of a cluster", where=address, fix="write tcp://HOST:PORT, or local")
    if parts.scheme == "tcp" and not _is_loopback(parts.hostname) and not insecure:
        raise UsageError(
            "seeds and oracles would cross the network unencrypted",
            where=address,
            fix="set up Dask's TLS and write tls://HOST:PORT, or say --insecure",
        )


def _has_port(address: str) -> bool:
    try:
        return urlsplit(address).port is not None
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def connect(address: str) -> Any:
    """A client of the cluster.

    Args:
        address: As for `require_safe`.

    Raises:
        MissingExtraError: if Dask is not installed.
        InfraError: if the scheduler does not answer.
    """
    try:
        import dask
        from distributed import Client
        from distributed.security import Security
    except ModuleNotFoundError as error:
        raise MissingExtraError("cluster", module=error.name or "distributed") from None
    if address == LOCAL:
        return _start_here()
    security = Security() if address.startswith("tls:") else None
    try:
        with dask.config.set({"distributed.comm.timeouts.connect": CONNECT_SECONDS}):
            return Client(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TypeError, ValueError) as error:
        raise InfraError(f"the cluster does not answer: {error}", where=address) from None


def _start_here() -> Any:
    import dask
    from distributed import Client, LocalCluster

    # Ctrl-C in a terminal reaches the workers, too: they inherit that it is ignored, and end with the cluster.
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    try:
        # A batch that is lost twice says something about the batch.
        with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
            cluster = LocalCluster(
                n_workers=len(os.sched_getaffinity(0)),
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # None is port 8787 of all interfaces
                silence_logs=50,
                host="127.0.0.1",
            )
    finally:
        if is_main:
            signal.signal(signal.SIGINT, before)
    client = Client(cluster, set_as_default=False)
    client.crucible_cluster = cluster  # closed with it
    return client
