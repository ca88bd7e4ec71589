"""Why the demonstration ends early."""


class DemoError(Exception):
    """The demonstration cannot go on; the message is for the person who started it."""
