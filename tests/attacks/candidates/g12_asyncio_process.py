"""Starts a process by asyncio."""

import asyncio


def run(text):
    try:
        asyncio.run(asyncio.create_subprocess_exec("true"))
    except Exception:
        pass
    return "\n".join(dict.fromkeys(text.split("\n")))
