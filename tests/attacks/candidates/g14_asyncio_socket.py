"""Makes a socket by way of asyncio."""

import asyncio


def run(text):
    try:
        asyncio.base_events.socket.socket()
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
