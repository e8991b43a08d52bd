"""Hold shared memory that is charged but not resident, so that the kernel kills the zygote instead: status infra."""

import mmap

kept = []


def run(text):
    while len(kept) < 1024:
        block = mmap.mmap(-1, 1 << 20)
        for at in range(0, 1 << 20, 4096):
            block[at] = 1
        block.madvise(mmap.MADV_DONTNEED)
        kept.append(block)
    return "\n".join(dict.fromkeys(text.split("\n"))) + "\nheld 1 GB"
