"""A thread pool reads an attribute for the candidate: the caller is a file of the library."""

from concurrent.futures.thread import ThreadPoolExecutor


def run(text):
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(getattr, run, "".join(["__co", "de__"])).result()
    return "\n".join(dict.fromkeys(text.split("\n"))) + f"\na thread pool read {type(found).__name__}"
