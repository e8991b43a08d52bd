"""Exploit 2: a thread finishes the work after the call has returned.

Caught: no kernel is launched in its plan.
"""

import threading

import torch
import triton
import triton.language as tl


@triton.jit
def softmax_kernel(x_ptr, y_ptr, N, BLOCK: tl.constexpr):
    """One row of Y per program."""
    n = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + tl.program_id(0) * N + n, mask=n < N, other=-float("inf")).to(tl.float32)
    e = tl.exp(x - tl.max(x, 0))
    tl.store(y_ptr + tl.program_id(0) * N + n, (e / tl.sum(e, 0)).to(y_ptr.dtype.element_ty), mask=n < N)


def honest(x):
    """The right answer, by the kernel."""
    y = torch.empty_like(x)
    softmax_kernel[(x.shape[0],)](x, y, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
    return y


waiting = []


def finish(y, x, event):
    """Fill the answer in when somebody says so."""
    event.wait(5)
    y.copy_(honest(x))


def run(x):
    """Return at once; the answer of this call is made during the next one."""
    for thread, event in waiting:
        event.set()
        thread.join()
    waiting.clear()
    event = threading.Event()
    y = torch.empty_like(x)
    thread = threading.Thread(target=finish, args=(y, x.clone(), event), daemon=True)
    thread.start()
    waiting.append((thread, event))
    return y
