"""From what a user names as scheduler to a client, with workers that can do the work."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Any

from napari_style_transfer.errors import InputError
from napari_style_transfer.settings import Settings

if TYPE_CHECKING:
    from distributed import Client

#: What stands for workers on this machine, started for the run.
LOCAL = "local"
#: Seconds within which a scheduler answers.
_TIMEOUT = 10
_PACKAGE = "napari-style-transfer"


def check_scheduler(scheduler: str) -> None:
    """Refuse a name that can be no scheduler's, and say so if dask.distributed is missing.

    Raises
    ------
    InputError
        In these two cases.
    """
    if scheduler != LOCAL and re.fullmatch(r"\w+://[^\s/]+(/.*)?", scheduler) is None:
        raise InputError(
            f"A scheduler is local, or an address such as tcp://host:8786; got {scheduler!r}."
        )
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise InputError(
            "Many workers need dask.distributed; install it with: "
            f'pip install "{_PACKAGE}[cluster]".'
        ) from None


@contextlib.contextmanager
def connected(scheduler: str, settings: Settings) -> Iterator[Client]:
    """Connect to a scheduler, whose workers are looked at, and leave it in the end.

    Parameters
    ----------
    scheduler
        ``"local"`` for workers on this machine, which end with the run: one for each GPU, else as many as
        it has cores and memory for; or the address of a scheduler.
    settings
        What will be painted.

    Raises
    ------
    InputError
        If there is no such scheduler, or its workers lack this package or have another version.
    """
    check_scheduler(scheduler)
    from distributed import Client

    with contextlib.ExitStack() as stack:
        target: Any = scheduler
        if scheduler == LOCAL:
            from napari_style_transfer.cluster.local import environments, local_cluster

            target = stack.enter_context(local_cluster(environments(settings)))
        try:
            client = Client(target, timeout=_TIMEOUT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"No scheduler answers at {scheduler}; start one with: dask scheduler. ({_reason(error)})"
            ) from None
        stack.callback(_leave, client)
        check_workers(client)
        yield client


def check_workers(client: Client) -> None:
    """Look at the workers that are there; those that come later are looked at with their first task.

    Raises
    ------
    InputError
        If one lacks this package or has another version.
    """
    own = own_version()
    found = client.run(metadata.version, _PACKAGE, on_error="return")
    for address, version in found.items():
        check_version(address, "" if isinstance(version, BaseException) else version, own)


def check_version(address: str, version: str, own: str) -> None:
    """Refuse a worker that has another version of this package, or none ("")."""
    if version != own:
        has = f"version {version} of {_PACKAGE}" if version else f"no {_PACKAGE}"
        raise InputError(
            f"The worker {address} has {has}, and this process version {own}; install the same there."
        )


def own_version() -> str:
    """Return the version of this package."""
    return metadata.version(_PACKAGE)


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else "no answer"


def _leave(client: Client) -> None:
    """Close a client; one that has lost its scheduler says nothing more."""
    with contextlib.suppress(Exception):  # dask's, of many kinds
        client.close(timeout=2)
