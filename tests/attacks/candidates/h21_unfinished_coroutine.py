"""An honest program that makes a coroutine and awaits it nowhere, of which the interpreter warns."""


async def unused():
    return 1


def run(text):
    unused()
    return "\n".join(dict.fromkeys(text.split("\n")))
