"""Runs a coroutine."""

import asyncio


async def work(text):
    await asyncio.sleep(0)
    return await asyncio.to_thread(lambda: "\n".join(dict.fromkeys(text.split("\n"))))


def run(text):
    return asyncio.run(work(text))
