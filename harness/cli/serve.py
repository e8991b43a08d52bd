"""Serve verdicts and rewards over HTTP, on loopback, for trainers and searches (`harness.rewards.Remote`).

The token is that of CRUCIBLE_TOKEN, or of --token-file, which is made if it is missing. SIGTERM and Ctrl-C end the
service after the requests that it has taken.

Example:
  crucible serve --tool specs/tools/json_flatten --tool specs/tools/text_deduplicate --token-file token
"""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import output
from harness.core.errors import MissingExtraError, UsageError
from harness.core.number import whole

if TYPE_CHECKING:
    import socket

LOOPBACK = "127.0.0.1"
PORT = 8123
QUEUE = 4096
DRAIN_SECONDS = 600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--tool", required=True, action="append", type=Path, metavar="PATH", help="a tool, or a suite; may be repeated")
    add("--port", type=whole(), default=PORT, metavar="N", help=f"port (default {PORT}; 0: a free one)")
    add("--listen", default=LOOPBACK, metavar="ADDRESS", help=f"default {LOOPBACK}; others need a token")
    add("--token-file", type=Path, metavar="FILE", help="file with the bearer token; made if it is missing")
    add("--queue", type=whole(1), default=QUEUE, metavar="N", help=f"candidates that may wait (default {QUEUE})")
    add("--check-every", type=whole(), metavar="N", help="verdicts between two checks of the judge")
    add("--workers", type=whole(1), metavar="N", help="judge processes (default: one for each core)")
    output.add_epoch(parser)
    add("--attempts", type=whole(1), metavar="N", help="repetitions, each with its own seed (default: the suite's)")
    add("--timing", choices=["cpu", "none"], help="whether workloads are timed (default none)")
    output.add_cluster(parser)
    add("--ledger", type=Path, metavar="PATH", help="the ledger of verdicts; known ones are not judged again")
    output.add_min_tier(parser)


def run(args: argparse.Namespace) -> int:
    try:
        import uvicorn

        from harness.rewards.service import BoundedHead, Service
    except ModuleNotFoundError as error:
        raise MissingExtraError("serve", module=error.name or "starlette") from None
    from harness.judge.pool import JudgePool
    from harness.rewards.checked_judge import EVERY, CheckedJudge
    from harness.rewards.reward import pool_options

    token, said = _token(args)
    with _bound(args.listen, args.port) as bound:
        names = ("workers", "epoch", "attempts", "timing", "ledger", "min_tier", "cluster", "insecure")
        options = pool_options(args.tool, {name: getattr(args, name) for name in names})
        with JudgePool(args.tool, **options) as pool:
            judge = CheckedJudge(pool, every=EVERY if args.check_every is None else args.check_every)
            service = Service(judge, token=token, queue=args.queue)
            config = uvicorn.Config(
                service.application(),
                http=BoundedHead,
                access_log=False,
                log_level="warning",
                lifespan="off",
                server_header=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
            server = uvicorn.Server(config)
            for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises the signal again once it has drained
                signal.signal(number, lambda *_: None)
            host, port = bound.getsockname()[:2]
            address = f"[{host}]" if ":" in host else host
            print(f"crucible: {', '.join(pool.tools)} at http://{address}:{port} ({said})", flush=True)
            server.run(sockets=[bound])
    return 0


def _bound(address: str, port: int) -> socket.socket:
    import socket

    try:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        bound.listen()  # clients may connect as soon as the address is printed
    except (OSError, OverflowError) as error:
        raise UsageError(f"cannot listen here: {error}", where=f"{address}:{port}") from None
    return bound


def _token(args: argparse.Namespace) -> tuple[str, str]:
    """The token, and where its reader finds it."""
    import ipaddress
    import os
    import secrets

    from harness.rewards.remote import TOKEN_VARIABLE

    given = os.environ.get(TOKEN_VARIABLE, "")
    try:
        is_loopback = ipaddress.ip_address(args.listen).is_loopback
    except ValueError:
        raise UsageError("it is not an IP address", where=f"--listen {args.listen}") from None
    if given:
        return given, f"token: {TOKEN_VARIABLE}"
    if args.token_file is not None:
        if not args.token_file.exists():
            try:
                descriptor = os.open(args.token_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except OSError as error:
                raise UsageError(f"it cannot be written: {error.strerror}", where=str(args.token_file)) from None
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{secrets.token_urlsafe(32)}\n")
        if not args.token_file.is_file():  # reading a pipe would wait for a writer
            raise UsageError("it is not a plain file", where=str(args.token_file))
        try:
            token = args.token_file.read_bytes().decode("ascii").strip()
        except OSError as error:
            raise UsageError(f"it cannot be read: {error.strerror}", where=str(args.token_file)) from None
        except UnicodeDecodeError:
            token = ""
        if not token or not token.isprintable():  # it is sent in the head of a request
            what = "it must have one line of printable ASCII characters, the token"
            raise UsageError(what, where=str(args.token_file), fix="name a file that does not exist: it is made")
        return token, f"token: {args.token_file}"
    if not is_loopback:
        fix = f"set {TOKEN_VARIABLE}, or pass --token-file FILE"
        raise UsageError(f"{args.listen} is reachable from other machines, and no token is given", fix=fix)
    token = secrets.token_urlsafe(32)
    return token, f"token: {token}"
