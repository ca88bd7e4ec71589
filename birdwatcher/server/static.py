"""The style sheets and scripts of the web UI."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Compressed files, named by a hash of their content so that a browser may keep them for ever.

    Where `collectstatic` has not run, as in development, their names have no hash.
    """

    def stored_name(self, name: str) -> str:
        """Return the name under which the file `name` is served."""
        return super().stored_name(name) if self.hashed_files else name
