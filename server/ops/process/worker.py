"""One of several serving processes of a node: the child of a supervisor.

`python -m server.ops.process.worker FD PARENT`: reads its job from standard input,
where nobody else sees the secrets in it, and tells on the inherited FD how its start
went. It ends as soon as its parent is gone: who takes the data directory next may count
on that.
"""

import ctypes
import os
import select
import signal
import sys
import threading

import msgspec

from server.base.log import configure_logging
from server.ops.process.messages import Failed, Job, Ready

PR_SET_PDEATHSIG = 1


def main(fd: int, parent: int) -> int:
    """Serve until told to stop; return the exit status."""
    os.set_inheritable(fd, False)
    _end_with_parent(fd, parent)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    instance = job.instance
    configure_logging(job.config.log_level, worker=instance.number)
    # Late, so that the parent's end is noticed before half a second of imports.
    from server.ops.process.runner import EXPECTED, explain, run_server, set_up_process

    set_up_process()
    told = False

    def tell(report: Ready | Failed) -> None:
        nonlocal told
        if not told:
            told = True
            os.write(fd, msgspec.json.encode(report) + b"\n")

    try:
        run_server(
            job.config, instance, lambda _: tell(Ready(instance.process, os.getpid()))
        )
    except EXPECTED as error:
        sentence = explain(error, job.config, instance)
        if told:
            sys.stderr.write(f"onsale: {sentence}\n")
        # The supervisor tells it for all workers at once.
        tell(Failed(sentence))
        return 1
    return 0


def _end_with_parent(fd: int, parent: int) -> None:
    """Let the kernel end us with our parent, or a thread where it cannot."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    else:
        threading.Thread(target=_wait_for_end, args=(fd,), daemon=True).start()
    # It may have died before the lines above.
    if os.getppid() != parent:
        os._exit(1)


def _wait_for_end(fd: int) -> None:
    """End this process when nobody can read from the pipe any more."""
    poll = select.poll()
    poll.register(fd, 0)  # An error is reported without being asked for.
    poll.poll()
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
