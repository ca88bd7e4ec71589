"""A small disk in memory, to be filled to its last byte."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

FILLER = "filler"


class SmallDisk:
    """A file system of a few megabytes, mounted at a directory."""

    def __init__(self, directory: Path, megabytes: int) -> None:
        """Mount it. Raises OSError, with the reason, where that is not possible."""
        self.directory = directory
        directory.mkdir(exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory))

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Leave not one byte of room."""
        filler = self.directory / FILLER
        try:
            self._fill(filler)
            yield
        finally:
            filler.unlink(missing_ok=True)

    def _fill(self, filler: Path) -> None:
        with filler.open("wb", buffering=0) as file:
            try:
                while free := os.statvfs(file.fileno()).f_bavail:
                    # By halves, as others may take some of it meanwhile.
                    blocks = (free + 1) // 2 * os.statvfs(file.fileno()).f_bsize
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), blocks)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nobody write to it, not even root."""
        self._remount("ro")
        try:
            yield
        finally:
            self._remount("rw")

    def _remount(self, mode: str) -> None:
        _run("mount", "-o", f"remount,{mode}", str(self.directory))

    def unmount(self) -> None:
        """Unmount it; what is on it is gone."""
        # Lazily: whoever still has a file open there does not keep the test from ending.
        _run("umount", "--lazy", str(self.directory))


def _run(*command: str) -> None:
    if os.geteuid() != 0:
        raise OSError("only root can mount a small disk")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())
