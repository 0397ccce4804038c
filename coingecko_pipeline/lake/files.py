"""The files of a lake, on whatever pyarrow or fsspec has a file system for."""

from collections.abc import Iterator
from typing import Any

import fsspec
from pyarrow.fs import FileSelector, FileSystem, FileType, FSSpecHandler, PyFileSystem
from pyiceberg.io.pyarrow import PyArrowFileIO

LOCAL = "file"


class AnyFileIO(PyArrowFileIO):
    """Files by pyarrow, and by fsspec where pyarrow knows nothing of the address."""

    def _initialize_fs(self, scheme: str, netloc: str | None = None) -> FileSystem:
        try:
            return super()._initialize_fs(scheme, netloc)
        except ValueError:
            return PyFileSystem(FSSpecHandler(fsspec.filesystem(scheme)))

    def place(self, location: str) -> tuple[Any, str]:
        """The file system of a location, and its path there."""
        scheme, netloc, path = self.parse_location(location, self.properties)
        return self.fs_by_scheme(scheme, netloc), path

    def files_below(self, location: str) -> Iterator[tuple[str, int]]:
        """Each file below a folder: its path, as `path_of` gives it, and its size (bytes)."""
        system, path = self.place(location)
        for found in system.get_file_info(FileSelector(path, recursive=True, allow_not_found=True)):
            if found.type is FileType.File:
                yield found.path.lstrip("/"), found.size or 0

    def path_of(self, location: str) -> str:
        """A location as `files_below` tells it."""
        return self.place(location)[1].lstrip("/")

    def delete_below(self, location: str, path: str) -> None:
        """Delete a file that `files_below` told of a folder."""
        system, folder = self.place(location)
        system.delete_file(f"/{path}" if folder.startswith("/") else path)

    def delete_folder(self, location: str) -> None:
        """Delete a folder with all that is in it, where there is one."""
        system, path = self.place(location)
        if system.get_file_info(path).type is not FileType.NotFound:
            system.delete_dir(path)

    def put(self, location: str, text: str) -> None:
        """Write a small file, which its readers see whole: the one before or this one."""
        system, path = self.place(location)
        # A store shows an object once it is complete; a file of this machine can be seen half.
        begun = f"{path}.part" if location.startswith(f"{LOCAL}:") else path
        with system.open_output_stream(begun) as stream:
            stream.write(text.encode())
        if begun != path:
            system.move(begun, path)
